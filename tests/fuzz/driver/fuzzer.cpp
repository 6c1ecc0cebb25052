// libFuzzer's entry points for the one target that this is linked with. ARGOSY_FUZZ_SEEDS=FOLDER: writes the seeds there and ends.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/target.hpp"

namespace {

using namespace argosy::fuzz;

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const bytes& seed : targets().front().seeds()) {
    const std::string_view text = text_of(seed);
    std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary)
        .write(text.data(), static_cast<std::streamsize>(text.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  ARGOSY_CHECK(targets().size() == 1);
  if (const char* folder = std::getenv("ARGOSY_FUZZ_SEEDS")) {
    write_seeds(folder);
    std::exit(0);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  targets().front().take({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
