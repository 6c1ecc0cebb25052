// The CPU's moves of rows, optimiser and memory beside the reference.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/rows.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using namespace test;

struct devices {
  std::unique_ptr<device> cpu = make_cpu_device(2), reference = make_reference_device();
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

BOOST_AUTO_TEST_SUITE(cpu_rows)

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

// In float32 the order of a sum shows: it is that of n for any number of threads.
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

BOOST_AUTO_TEST_SUITE(cpu_adamw)

BOOST_AUTO_TEST_CASE(three_updates_of_every_length) {
  const devices on;
  for (const std::int64_t n : {1, 7, 8, 9, 100, 16383, 16384, 16385, 50000}) {
    twin parameter(1, n, normals(1)), first(1, n, constant(0)), second(1, n, constant(0));
    adamw_settings s{.rate = 1e-2, .weight_decay = .01, .gradient_scale = .5};
    for (s.step = 1; s.step <= 3; ++s.step) {
      twin gradient(1, n, normals(static_cast<std::uint32_t>(s.step) + 1));
      require_ok(adamw(*on.cpu, s, gradient.f32(), parameter.f32(), first.f32(), second.f32()));
      require_ok(adamw(*on.reference, s, gradient.f64(), parameter.f64(), first.f64(), second.f64()));
    }
    // A moment is off by a few units a step. An update is at most a few rates, m over sqrt(v) to ten units a step; the parameter rounds.
    check_near("first", first, 12 * unit_roundoff);
    check_near("second", second, 12 * unit_roundoff * second.largest_value());
    check_near("parameter", parameter, 3 * unit_roundoff * (parameter.largest_value() + s.rate * 40));
  }
}

BOOST_AUTO_TEST_CASE(squares_of_integers_are_exact) {
  const devices on;
  for (const std::int64_t cols : {1, 9, 16384, 16385, 40000})
    for (const std::int64_t gap : {0, 7}) {
      twin x(3, cols, small_integers(1), gap);
      const auto found = sum_of_squares(*on.cpu, x.f32()), want = sum_of_squares(*on.reference, x.f64());
      BOOST_REQUIRE(found.ok() && want.ok());
      BOOST_TEST(found.value() == want.value());
    }
}

// Terms whose sum does not fit a float32.
BOOST_AUTO_TEST_CASE(squares_are_summed_in_double) {
  twin x(1, 1000, constant(1e20));
  const auto found = sum_of_squares(*make_cpu_device(1), x.f32());
  BOOST_REQUIRE(found.ok());
  BOOST_TEST(std::abs(found.value() / 1e43 - 1) < 1e-6);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(cpu_memory)

BOOST_AUTO_TEST_CASE(allocated_memory_is_aligned_and_zero) {
  const auto device = make_cpu_device(1);
  for (const std::size_t bytes : {0ul, 1ul, 63ul, 64ul, 65ul, 100000ul}) {
    const auto memory = device->allocate(bytes);
    BOOST_REQUIRE(memory.ok());
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(memory->get()) % 64 == 0);
    for (std::size_t i = 0; i < bytes; ++i) BOOST_REQUIRE(memory->get()[i] == std::byte{0});
  }
}

BOOST_AUTO_TEST_CASE(too_much_memory_is_a_status_with_the_size) {
  const auto device = make_cpu_device(1);
  for (const std::size_t bytes : {std::size_t{1} << 60, std::numeric_limits<std::size_t>::max()})
    check_refused(device->allocate(bytes).failure(), errc::unavailable, {std::to_string(bytes), "memory"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
