// The manifest of a sealed folder: names of its files, their lengths and checksums.
#include "schema/folder.hpp"
#include "tests/fuzz/files.hpp"

namespace argosy::fuzz {
namespace {

constexpr file_kind manifest_kind = {"manifest", 1};
constexpr section_type sections[] = {
    {"kind"}, {"version", element::u32}, {"names"}, {"name_offsets", element::u64}, {"bytes", element::u64}, {"xxh3", element::u64}};

void take(std::span<const std::byte> input) {
  write_container(folder() / "MANIFEST", manifest_kind, sections, input);
  const auto opened = open_manifest(folder(), "generation", 1);
  if (!opened.ok()) return;
  for (std::size_t i = 0; i < opened->files.size(); ++i) {
    const std::string& name = opened->files[i].name;
    ARGOSY_CHECK(std::filesystem::path(name).filename() == name && name != ".." && name != ".");
    ARGOSY_CHECK(i == 0 || opened->files[i - 1].name < name);
  }
  ARGOSY_CHECK(open_folder(folder(), "generation", 1).ok() == (opened->files.empty()));
}

std::vector<bytes> seeds() {
  const std::filesystem::path path = folder() / "sealed";
  auto writer = required(folder_writer::create(path, "generation", 1));
  for (const char* name : {"index.argosy", "products.argosy", "terms.argosy"}) write_file(writer.path() / name, bytes_of(name));
  require(writer.seal());
  auto made = input_of(path / "MANIFEST", manifest_kind, sections);
  std::filesystem::remove_all(path);
  return {std::move(made)};
}

const registered one({"manifest", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
