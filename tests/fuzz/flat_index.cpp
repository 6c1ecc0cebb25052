// The exact index.
#include "tests/fuzz/index_file.hpp"
#include "tests/support/vectors.hpp"

namespace argosy::fuzz {
namespace {

constexpr file_kind flat_kind = {"index-flat", 1};
constexpr section_type sections[] = {{"shape", element::u64}, {"vectors", element::f32}};

void take(std::span<const std::byte> input) {
  write_container(folder() / "flat", flat_kind, sections, input);
  check_index(folder() / "flat");
}

std::vector<bytes> seeds() {
  std::vector<bytes> made;
  for (const auto& vectors : {test::normal_matrix(5, 4, 1), test::normal_matrix(33, 3, 2), test::normal_matrix(0, 2, 3)}) {
    require(write_flat_index(folder() / "seed", vectors));
    made.push_back(input_of(folder() / "seed", flat_kind, sections));
  }
  return made;
}

const registered one({"flat_index", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
