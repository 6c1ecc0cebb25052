// What three ranks bring to an operation that does not go together, and what each of them is told.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "tests/support/all_ranks.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {

struct disagreement {
  std::function<status(collective&)> work;
  std::vector<std::string_view> told;
};

inline std::vector<disagreement> disagreements_of_three() {
  return {{[](collective& c) {
             std::vector<float> x(10, 1.f);
             const status end = c.all_reduce(view_of(x.data(), 1, c.rank() == 1 ? 9 : 10));
             return x == std::vector<float>(10, 1.f) ? end : status(errc::internal, "changed");
           },
           {"rank 1", "(1, 10) f32", "(1, 9) f32"}},
          {[](collective& c) {
             std::vector<float> mine(4), all(12);
             const std::vector<std::int64_t> rows_of{2, 2, c.rank() == 2 ? 1 : 2};
             return c.all_gather(view_of(mine.data(), 2, 2), rows_of, view_of(all.data(), 6, 2));
           },
           {"rank 2", "own size: want 1, got 2"}},
          {[](collective& c) {
             std::vector<float> mine(4), all(12);
             const std::vector<std::int64_t> rows_of{2, 2, 2};
             return c.reduce_scatter(view_of(all.data(), 6, 2), rows_of, view_of(mine.data(), c.rank() == 0 ? 1 : 2, 2));
           },
           {"rank 0", "own size: want 2, got 1"}},
          {[](collective& c) {
             float x[2] = {};
             return c.broadcast(view_of(x, 1, 2), c.rank() == 2 ? 1 : 0);
           },
           {"rank 2", "want root 0, got 1"}},
          {[](collective& c) {
             std::vector<std::byte> mine(2), all(6);
             const std::vector<std::int64_t> bytes_of{2, 2, 2};
             return c.gather(mine, bytes_of, c.rank() == 2 ? 1 : 0, all);
           },
           {"rank 2", "want root 0, got 1"}},
          {[](collective& c) {
             float x[2] = {};
             return c.rank() == 0 ? c.all_reduce(view_of(x, 1, 2)) : c.broadcast(view_of(x, 1, 2), 0);
           },
           {"another operation"}}};
}

// By all ranks, each time; after it the group lives.
inline void check_disagreements_are_refused(const ranks& group) {
  const auto refused = [&](const std::function<status(collective&)>& work, errc code, const std::vector<std::string_view>& told) {
    for (const status& end : on_all(group, work))
      for (const std::string_view part : told) check_refused(end, code, {part});
  };
  for (const disagreement& each : disagreements_of_three()) refused(each.work, errc::shape_mismatch, each.told);
  refused(
      [](collective& c) {
        float x[2] = {};
        return c.broadcast(view_of(x, 1, 2), 3);
      },
      errc::out_of_range, {"root: want 0 .. 2, got 3"});
}

// Of f32 at rank 0 and f64 at the others.
inline status sum_of_two_types(collective& c) {
  float single[2] = {};
  double twice[2] = {};
  return c.rank() == 0 ? c.all_reduce(view_of(single, 1, 2)) : c.all_reduce(view_of(twice, 1, 2));
}

inline status sum_of_ones(collective& c) {
  std::vector<float> x(4, 1.f);
  ARGOSY_TRY(c.all_reduce(view_of(x.data(), 2, 2)));
  return x == std::vector<float>(4, static_cast<float>(c.size())) ? status{} : status(errc::internal, "wrong sum");
}

}  // namespace argosy::test
