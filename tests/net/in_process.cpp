#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <thread>

#include "net/collective.hpp"

#include "tests/support/all_ranks.hpp"

namespace argosy {
namespace {

using test::check_all_ok;
using test::on_all;
using test::ranks;

void check_all(const std::vector<status>& ends, errc code) {
  for (const status& end : ends) BOOST_TEST((end.code() == code), end.text());
}

// A matrix inside a wider one, the columns around it filled with a mark.
template <class T>
struct strided {
  strided(std::int64_t rows, std::int64_t cols) : rows_(rows), cols_(cols), memory(static_cast<std::size_t>(rows * (cols + 3)), mark) {}
  view all() { return {memory.data() + 1, sizeof(T) == 4 ? dtype::f32 : dtype::f64, rows_, cols_, cols_ + 3}; }
  T& at(std::int64_t r, std::int64_t c) { return memory[static_cast<std::size_t>(r * (cols_ + 3) + 1 + c)]; }
  bool margins_untouched() {
    for (std::int64_t r = 0; r < rows_; ++r)
      if (at(r, -1) != mark || at(r, cols_) != mark || at(r, cols_ + 1) != mark) return false;
    return true;
  }
  static constexpr T mark = -77;
  std::int64_t rows_, cols_;
  std::vector<T> memory;
};

template <class T>
void gathers_uneven_rows() {
  const std::vector<std::int64_t> rows_of{2, 0, 3};
  const auto group = make_in_process_group(3);
  check_all_ok(on_all(group, [&](collective& c) -> status {
    const auto rows = rows_of[static_cast<std::size_t>(c.rank())];
    strided<T> mine(rows, 5), all(5, 5);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t k = 0; k < 5; ++k) mine.at(r, k) = static_cast<T>(100 * c.rank() + 10 * r + k);
    ARGOSY_TRY(c.all_gather(mine.all(), rows_of, all.all()));
    const std::vector<int> start{0, 10, 200, 210, 220};
    for (std::int64_t r = 0; r < 5; ++r)
      for (std::int64_t k = 0; k < 5; ++k)
        if (all.at(r, k) != static_cast<T>(start[static_cast<std::size_t>(r)] + k)) return {errc::internal, "wrong element"};
    return all.margins_untouched() ? status{} : status{errc::internal, "wrote beside the matrix"};
  }));
}

template <class T>
void sums_in_the_order_of_ranks() {
  constexpr std::int64_t rows = 3, cols = 7;
  const auto value = [](int rank, std::int64_t i) {
    return static_cast<T>(std::sin(rank * 37.0 + static_cast<double>(i)) * std::pow(10., rank * 3));
  };
  const auto group = make_in_process_group(4);
  check_all_ok(on_all(group, [&](collective& c) -> status {
    strided<T> x(rows, cols);
    for (std::int64_t i = 0; i < rows * cols; ++i) x.at(i / cols, i % cols) = value(c.rank(), i);
    ARGOSY_TRY(c.all_reduce(x.all()));
    for (std::int64_t i = 0; i < rows * cols; ++i) {
      T want = value(0, i);
      for (int r = 1; r < 4; ++r) want += value(r, i);
      if (x.at(i / cols, i % cols) != want) return {errc::internal, "other bits on rank " + std::to_string(c.rank())};
    }
    return x.margins_untouched() ? status{} : status{errc::internal, "wrote beside the matrix"};
  }));
}

template <class T>
void scatters_sums() {
  const std::vector<std::int64_t> rows_of{1, 3, 0};
  const auto group = make_in_process_group(3);
  check_all_ok(on_all(group, [&](collective& c) -> status {
    const auto rank = static_cast<std::size_t>(c.rank());
    const auto first = std::accumulate(rows_of.begin(), rows_of.begin() + c.rank(), std::int64_t{0});
    strided<T> all(4, 2), mine(rows_of[rank], 2);
    for (std::int64_t r = 0; r < 4; ++r)
      for (std::int64_t k = 0; k < 2; ++k) all.at(r, k) = static_cast<T>((c.rank() + 1) * (10 * r + k));
    ARGOSY_TRY(c.reduce_scatter(all.all(), rows_of, mine.all()));
    for (std::int64_t r = 0; r < mine.rows_; ++r)
      for (std::int64_t k = 0; k < 2; ++k)
        if (mine.at(r, k) != static_cast<T>(6 * (10 * (first + r) + k))) return {errc::internal, "wrong sum"};
    return mine.margins_untouched() ? status{} : status{errc::internal, "wrote beside the matrix"};
  }));
}

BOOST_AUTO_TEST_SUITE(in_process)

BOOST_AUTO_TEST_CASE(gathers_rows_of_uneven_ranks_f32) { gathers_uneven_rows<float>(); }
BOOST_AUTO_TEST_CASE(gathers_rows_of_uneven_ranks_f64) { gathers_uneven_rows<double>(); }
BOOST_AUTO_TEST_CASE(all_reduce_gives_the_same_bits_everywhere_f32) { sums_in_the_order_of_ranks<float>(); }
BOOST_AUTO_TEST_CASE(all_reduce_gives_the_same_bits_everywhere_f64) { sums_in_the_order_of_ranks<double>(); }
BOOST_AUTO_TEST_CASE(reduce_scatter_is_the_adjoint_of_gather_f32) { scatters_sums<float>(); }
BOOST_AUTO_TEST_CASE(reduce_scatter_is_the_adjoint_of_gather_f64) { scatters_sums<double>(); }

BOOST_AUTO_TEST_CASE(one_element_among_many_ranks_and_no_element_at_all) {
  check_all_ok(on_all(make_in_process_group(5), [](collective& c) -> status {
    double x = c.rank() + 1;
    ARGOSY_TRY(c.all_reduce(view_of(&x, 1, 1)));
    ARGOSY_TRY(c.all_reduce(view_of(&x, 1, 0)));
    ARGOSY_TRY(c.all_reduce(view_of(&x, 0, 1)));
    return x == 15 ? status{} : status{errc::internal, "wrong sum"};
  }));
}

BOOST_AUTO_TEST_CASE(gathers_bytes_and_counts_and_broadcasts) {
  const auto group = make_in_process_group(3);
  check_all_ok(on_all(group, [](collective& c) -> status {
    const std::vector<std::int64_t> mine(static_cast<std::size_t>(c.rank()), c.rank() * 11);
    ARGOSY_ASSIGN(auto bytes_of, c.gather_counts(std::ssize(mine) * 8));
    if (bytes_of != std::vector<std::int64_t>{0, 8, 16}) return {errc::internal, "wrong counts"};
    std::vector<std::int64_t> all(3);
    ARGOSY_TRY(c.all_gather(std::as_bytes(std::span(mine)), bytes_of, std::as_writable_bytes(std::span(all))));
    if (all != std::vector<std::int64_t>{11, 22, 22}) return {errc::internal, "wrong bytes"};
    std::vector<std::int64_t> at_root(c.rank() == 1 ? 3 : 0);
    ARGOSY_TRY(c.gather(std::as_bytes(std::span(mine)), bytes_of, 1, std::as_writable_bytes(std::span(at_root))));
    if (at_root != (c.rank() == 1 ? all : std::vector<std::int64_t>())) return {errc::internal, "wrong bytes at the root"};
    strided<float> x(2, 3);
    for (std::int64_t i = 0; i < 6; ++i) x.at(i / 3, i % 3) = static_cast<float>(c.rank() * 10 + i);
    ARGOSY_TRY(c.broadcast(x.all(), 2));
    for (std::int64_t i = 0; i < 6; ++i)
      if (x.at(i / 3, i % 3) != static_cast<float>(20 + i)) return {errc::internal, "wrong broadcast"};
    return x.margins_untouched() ? status{} : status{errc::internal, "wrote beside the matrix"};
  }));
}

BOOST_AUTO_TEST_CASE(a_thousand_operations_stay_in_step) {
  check_all_ok(on_all(make_in_process_group(3), [](collective& c) -> status {
    for (int i = 0; i < 1000; ++i) {
      float x[2] = {static_cast<float>(i), static_cast<float>(c.rank())};
      ARGOSY_TRY(c.all_reduce(view_of(x, 1, 2)));
      if (x[0] != static_cast<float>(3 * i) || x[1] != 3) return {errc::internal, "wrong sum at " + std::to_string(i)};
    }
    return {};
  }));
}

BOOST_AUTO_TEST_CASE(disagreement_about_sizes_is_told_to_all_and_the_group_lives) {
  const auto group = make_in_process_group(3);
  check_all(on_all(group,
                   [](collective& c) {
                     std::vector<float> x(10, 1.f);
                     return c.all_reduce(view_of(x.data(), 1, c.rank() == 1 ? 9 : 10));
                   }),
            errc::shape_mismatch);
  check_all(on_all(group,
                   [](collective& c) {
                     std::vector<float> mine(4), all(12);
                     const std::vector<std::int64_t> rows_of{2, 2, c.rank() == 2 ? 1 : 2};
                     return c.all_gather(view_of(mine.data(), 2, 2), rows_of, view_of(all.data(), 6, 2));
                   }),
            errc::shape_mismatch);
  check_all(on_all(group,
                   [](collective& c) {
                     float single[2] = {};
                     double twice[2] = {};
                     return c.rank() == 0 ? c.all_reduce(view_of(single, 1, 2)) : c.all_reduce(view_of(twice, 1, 2));
                   }),
            errc::shape_mismatch);
  check_all(on_all(group,
                   [](collective& c) {
                     float x[2] = {};
                     return c.rank() == 0 ? c.all_reduce(view_of(x, 1, 2)) : c.broadcast(view_of(x, 1, 2), 0);
                   }),
            errc::shape_mismatch);
  check_all_ok(on_all(group, [](collective& c) -> status {
    float one = 1;
    ARGOSY_TRY(c.all_reduce(view_of(&one, 1, 1)));
    return one == 3 ? status{} : status{errc::internal, "wrong sum"};
  }));
}

BOOST_AUTO_TEST_CASE(a_refused_sum_changes_nothing) {
  check_all_ok(on_all(make_in_process_group(2), [](collective& c) -> status {
    std::vector<float> x(4, 5.f);
    if (c.all_reduce(view_of(x.data(), 2, c.rank() == 0 ? 2 : 1)).ok()) return {errc::internal, "not refused"};
    return x == std::vector<float>(4, 5.f) ? status{} : status{errc::internal, "changed"};
  }));
}

BOOST_AUTO_TEST_CASE(an_abort_wakes_everyone_with_its_reason) {
  const auto group = make_in_process_group(4);
  const auto ends = on_all(group, [](collective& c) -> status {
    if (c.rank() == 3) {
      c.aborter()->abort({errc::io_error, "step 7: the disk is gone"});
      c.aborter()->abort({errc::aborted, "a later reason"});
      return {errc::aborted, "io_error: the disk is gone"};
    }
    float x = 1;
    return c.all_reduce(view_of(&x, 1, 1));
  });
  check_all(ends, errc::aborted);
  for (int rank : {0, 1, 2}) BOOST_TEST(ends[static_cast<std::size_t>(rank)].message().find("the disk is gone") != std::string::npos);
  const auto after = group[0]->gather_counts(1);
  BOOST_TEST((after.failure().code() == errc::aborted));
}

BOOST_AUTO_TEST_CASE(a_rank_that_is_gone_is_not_waited_for) {
  auto group = make_in_process_group(2);
  std::jthread leaver([gone = std::move(group[1])]() mutable { gone.reset(); });
  const auto counts = group[0]->gather_counts(1);
  BOOST_REQUIRE(!counts.ok());
  BOOST_TEST(counts.failure().message().find("rank 1 left") != std::string::npos);
  BOOST_TEST(group[0]->whole().ok());  // it left in peace
  group[0]->aborter()->abort({errc::io_error, "the disk is gone"});
  BOOST_TEST(group[0]->whole().message().find("the disk is gone") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
