// Small generations of three products, for tests of what holds them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "index/generation.hpp"
#include "index/store.hpp"
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

// Products of ids that differ, and nothing else.
struct many_products {
  explicit many_products(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ids.push_back("p" + std::to_string(i));
    for (const auto& id : ids) facts.push_back({id, "red dress", ""});
  }
  std::vector<std::string> ids;
  std::vector<product_facts> facts;
};

inline status make_current_again(const std::filesystem::path& store, const generation& which) {
  const auto now = generation::open_current(store);
  return now.ok() && now->number() == which.number() ? status{} : roll_back(store, which.number()).failure();
}

inline bool current_is_whole(const std::filesystem::path& store) {
  const auto opened = generation::open_current(store);
  return opened.ok() && opened->verify().ok();
}

}  // namespace argosy::test
