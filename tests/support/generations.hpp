// Small generations of three products, for tests of what holds them.
#pragma once

#include <filesystem>
#include <vector>

#include "index/generation.hpp"
#include "tests/support/vectors.hpp"

namespace argosy::test {

inline const std::vector<product_facts> three_products = {{"p1", "red dress", "p1.jpg"}, {"p2", "", "p2.jpg"}, {"p3", "连衣裙", ""}};

// With vectors of (3, 4) that the seed decides.
inline result<std::uint64_t> publish_three(const std::filesystem::path& store, std::uint64_t seed = 1) {
  ARGOSY_ASSIGN(auto writer, generation_writer::create(store));
  ARGOSY_TRY(writer.write(small_integers(3, 4, seed), three_products));
  ARGOSY_TRY(writer.publish());
  return writer.number();
}

inline bool current_is_whole(const std::filesystem::path& store) {
  const auto opened = generation::open_current(store);
  return opened.ok() && opened->verify().ok();
}

}  // namespace argosy::test
