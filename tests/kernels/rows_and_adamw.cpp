// Moves of rows, optimiser and memory beside the reference.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/rows.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cpu = make_tested_device(2), reference = make_reference_device();
};

std::vector<std::int32_t> draw_rows(std::int64_t count, std::int32_t below, std::uint32_t seed) {
  std::vector<std::int32_t> rows;
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back(
        static_cast<std::int32_t>(random_bits({.seed = seed}, 5, static_cast<std::uint32_t>(i)) % static_cast<std::uint32_t>(below + 1)) -
        1);
  return rows;
}

void compare_moves(std::int64_t cols, std::int64_t gap, std::span<const std::int32_t> from_index, std::span<const std::int32_t> to_index,
                   std::int64_t from_rows, std::int64_t to_rows, bool add) {
  const devices on;
  twin from(from_rows, cols, small_integers(1), gap), to(to_rows, cols, small_integers(2), gap);
  require_ok(move_rows(*on.cpu, {from.f32(), from_index, to_index, add}, to.f32()));
  require_ok(move_rows(*on.reference, {from.f64(), from_index, to_index, add}, to.f64()));
  check_equal(add ? "added rows" : "moved rows", to);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rows)

BOOST_AUTO_TEST_CASE(gathered) {
  const auto index = draw_rows(50, 11, 1);
  for (const std::int64_t cols : {1, 7, 8, 9, 33})
    for (const bool add : {false, true}) compare_moves(cols, 3, index, {}, 11, 50, add);
}

BOOST_AUTO_TEST_CASE(scattered_with_repeats) {
  const auto index = draw_rows(200, 9, 2);
  for (const std::int64_t cols : {1, 8, 31, 63, 64, 65, 100, 192}) compare_moves(cols, 3, {}, index, 200, 9, true);
}

BOOST_AUTO_TEST_CASE(from_somewhere_to_elsewhere) {
  const std::vector<std::int32_t> from{3, -1, 0, 2}, to{5, 1, -1, 0};
  for (const bool add : {false, true}) compare_moves(70, 0, from, to, 4, 6, add);
}

BOOST_AUTO_TEST_CASE(all_rows_in_order) {
  for (const bool add : {false, true}) compare_moves(9, 2, {}, {}, 7, 7, add);
}

// In float32 the order of a sum shows: on the CPU it is that of n for any number of threads.
BOOST_AUTO_TEST_CASE(repeats_are_added_in_order) {
  const auto index = draw_rows(3000, 5, 3);
  twin from(3000, 100, normals(1)), to(5, 100, normals(2));
  std::vector<float> want(500);
  for (std::int64_t i = 0; i < 500; ++i) want[static_cast<std::size_t>(i)] = to.f32().as<float>()[i];
  for (std::size_t n = 0; n < index.size(); ++n)
    for (std::size_t c = 0; index[n] >= 0 && c < 100; ++c)
      want[static_cast<std::size_t>(index[n]) * 100 + c] += from.f32().row<float>(static_cast<std::int64_t>(n))[c];
  require_ok(move_rows(*make_cpu_device(3), {from.f32(), {}, index, true}, to.f32()));
  for (std::int64_t i = 0; i < 500; ++i) BOOST_TEST(to.f32().as<float>()[i] == want[static_cast<std::size_t>(i)]);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(adamw_updates)

BOOST_AUTO_TEST_CASE(three_updates_of_every_length) {
  const devices on;
  for (const std::int64_t n : {1, 7, 8, 9, 100, 16383, 16384, 16385, 50000}) {
    twin parameter(1, n, normals(1)), first(1, n, constant(0)), second(1, n, constant(0));
    twin squares(1, 1, constant(4));
    adamw_settings s{.rate = 1e-2, .weight_decay = .01, .clip = 1}, exact = s;
    s.squares = squares.f32();
    exact.squares = squares.f64();
    for (s.step = exact.step = 1; s.step <= 3; ++s.step, ++exact.step) {
      twin gradient(1, n, normals(static_cast<std::uint32_t>(s.step) + 1));
      require_ok(adamw(*on.cpu, s, gradient.f32(), parameter.f32(), first.f32(), second.f32()));
      require_ok(adamw(*on.reference, exact, gradient.f64(), parameter.f64(), first.f64(), second.f64()));
    }
    // A moment is off by a few units a step. An update is at most a few rates, m over sqrt(v) to ten units a step; the parameter rounds.
    check_near("first", first, 12 * unit_roundoff);
    check_near("second", second, 12 * unit_roundoff * second.largest_value());
    check_near("parameter", parameter, 3 * unit_roundoff * (parameter.largest_value() + s.rate * 40));
  }
}

// What an update with these squares, clipped at 1, leaves of a parameter that was 1, and of its moments, which were 0.
std::vector<float> after_update(device& on, double squares) {
  twin all(4, 1, constant(1)), norm(1, 1, constant(squares));
  const view rows = all.f32();
  on.zero(rows.row_range(2, 2));
  require_ok(adamw(on, {.rate = .1, .clip = 1, .squares = norm.f32()}, rows.row_range(0, 1), rows.row_range(1, 1), rows.row_range(2, 1),
                   rows.row_range(3, 1)));
  return {all.bits().begin() + 1, all.bits().begin() + 4};
}

BOOST_AUTO_TEST_CASE(a_norm_within_the_limit_leaves_gradients_alone) {
  const devices on;
  BOOST_TEST(after_update(*on.cpu, 1) == after_update(*on.cpu, 0), boost::test_tools::per_element());
  BOOST_TEST(after_update(*on.cpu, 4)[1] < after_update(*on.cpu, 1)[1]);
}

BOOST_AUTO_TEST_CASE(a_norm_that_is_not_finite_changes_nothing) {
  const devices on;
  const std::vector<float> before{1, 0, 0};
  for (const double norm : {HUGE_VAL, std::nan("")}) {
    BOOST_TEST(after_update(*on.cpu, norm) == before, boost::test_tools::per_element());
    twin gradient(1, 3, constant(1)), squares(1, 1, constant(norm)), all(3, 3, constant(2));
    const view rows = all.f64();
    require_ok(adamw(*on.reference, {.rate = .1, .clip = 1, .squares = squares.f64()}, gradient.f64(), rows.row_range(0, 1),
                     rows.row_range(1, 1), rows.row_range(2, 1)));
    check_equal("parameter and moments", all);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(allocated_memory_is_aligned_and_zero) {
  const auto device = make_tested_device(1);
  for (const std::size_t bytes : {0ul, 1ul, 63ul, 64ul, 65ul, 100000ul}) {
    const auto memory = device->allocate(bytes);
    BOOST_REQUIRE(memory.ok());
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(memory->get()) % 64 == 0);
    for (std::size_t i = 0; i < bytes; ++i) BOOST_REQUIRE(memory->get()[i] == std::byte{0});
  }
}

BOOST_AUTO_TEST_CASE(too_much_memory_is_a_status_with_the_size) {
  const auto device = make_tested_device(1);
  for (const std::size_t bytes : {std::size_t{1} << 60, std::numeric_limits<std::size_t>::max()})
    check_refused(device->allocate(bytes).failure(), errc::unavailable, {std::to_string(bytes), "memory"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
