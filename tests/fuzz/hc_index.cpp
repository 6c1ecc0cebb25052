// The hierarchical index.
#include "index/hc_index.hpp"

#include "index/hc_file.hpp"
#include "tests/fuzz/index_file.hpp"
#include "tests/support/vectors.hpp"

namespace argosy::fuzz {
namespace {

constexpr section_type of_floats[] = {{"facts", element::u64},          {"nodes", element::u64},  {"children", element::u64},
                                      {"leaf_block", element::u64},     {"part", element::u32},   {"centroid"},
                                      {"centroid_scale", element::f32}, {"weight", element::f32}, {"axis", element::f32},
                                      {"codebook", element::f32},       {"row", element::u32},    {"code"},
                                      {"vector", element::f32}};

std::vector<section_type> of_packed() {
  std::vector<section_type> made(std::begin(of_floats), std::end(of_floats));
  made.back().type = element::u8;
  return made;
}

// The first byte says which: of vectors packed or as they are.
void take(std::span<const std::byte> input) {
  static const auto packed = of_packed();
  if (input.empty()) return;
  const bool is_packed = std::to_integer<unsigned>(input.front()) % 2 == 0;
  write_container(folder() / "hc", hc::kind, is_packed ? std::span<const section_type>(packed) : of_floats, input.subspan(1));
  check_index(folder() / "hc");
}

bytes seed(const test::matrix& vectors, const hc_settings& settings) {
  const auto packed = of_packed();
  const bool is_packed = settings.vectors == stored_vectors::packed;
  require(write_hc_index(folder() / "seed", vectors, settings));
  bytes made = input_of(folder() / "seed", hc::kind, is_packed ? std::span<const section_type>(packed) : of_floats);
  made.insert(made.begin(), std::byte{static_cast<unsigned char>(is_packed ? 0 : 1)});
  return made;
}

std::vector<bytes> seeds() {
  return {seed(test::normal_matrix(70, 4, 1), {.levels = 1, .leaves = 4}),
          seed(test::normal_matrix(90, 5, 2), {.levels = 2, .leaves = 6, .code_bytes = 4, .vectors = stored_vectors::float32})};
}

const registered one({"hc_index", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
