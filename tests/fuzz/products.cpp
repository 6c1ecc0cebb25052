// Ids, titles and names of photographs of a generation, opened with all of it.
#include "index/generation.hpp"
#include "schema/folder.hpp"
#include "tests/fuzz/files.hpp"
#include "tests/support/generations.hpp"

namespace argosy::fuzz {
namespace {

constexpr file_kind products_kind = {"generation-products", 2};
constexpr section_type sections[] = {{"offsets", element::u64}, {"by_id", element::u32}, {"text"}};

// A generation of three products, of which all but the manifest and products.argosy stays.
const std::filesystem::path& store() {
  static const std::filesystem::path made = [] {
    const std::filesystem::path path = folder() / "store";
    require(test::publish_three(path).failure());
    return path;
  }();
  return made;
}

void take(std::span<const std::byte> input) {
  const std::filesystem::path made = folder() / "generation";
  const auto kind = required(generation::open_current(store())).folder();
  auto writer = required(folder_writer::create(made, kind.kind, kind.version));
  std::filesystem::copy_file(kind.path / "index.argosy", writer.path() / "index.argosy");
  write_container(writer.path() / products_file_name, products_kind, sections, input);
  require(writer.seal());
  const auto opened = generation::open_folder_of(made, 1);
  if (!opened.ok()) return;
  ARGOSY_CHECK(opened->products() == 3);
  require(opened->verify());
  for (std::uint32_t row = 0; row < 3; ++row) ARGOSY_CHECK(opened->row_of(opened->facts(row).id) == row);
  ARGOSY_CHECK(!opened->row_of("an id that is not there"));
}

std::vector<bytes> seeds() {
  return {input_of(required(generation::open_current(store())).path() / products_file_name, products_kind, sections)};
}

const registered one({"products", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
