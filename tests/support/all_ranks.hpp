// The ranks of a group, all in this process.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "net/collective.hpp"

namespace argosy::test {

using ranks = std::vector<std::unique_ptr<collective>>;

// One thread a rank; the statuses they end with, by rank.
inline std::vector<status> on_all(const ranks& group, const std::function<status(collective&)>& work) {
  std::vector<status> ends(group.size());
  std::vector<std::jthread> threads;
  for (std::size_t r = 0; r < group.size(); ++r) threads.emplace_back([&, r] { ends[r] = work(*group[r]); });
  threads.clear();
  return ends;
}

inline void check_all_ok(const std::vector<status>& ends) {
  for (const status& end : ends) BOOST_TEST(end.ok(), end.text());
}

}  // namespace argosy::test
