// What the CPU device promises about order: the same numbers from run to run, and for everything but oneDNN's products the same numbers
// whatever the number of threads. Several devices work at once in threads of their own.
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/normalise.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using namespace test;

constexpr std::int64_t rows = 500, cols = 96;
using numbers = std::vector<float>;

void append(numbers& to, const twin& from) { to.insert(to.end(), from.bits().begin(), from.bits().end()); }

bool same_bits(const numbers& a, const numbers& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

numbers norms_of(device& on) {
  twin x(rows, cols, normals(1)), gain(1, cols, normals(2)), bias(1, cols, normals(3)), y(rows, cols, constant(0));
  twin normalised(rows, cols, constant(0)), rstd(1, rows, constant(0)), d_gain(1, cols, normals(4)), d_bias(1, cols, normals(5));
  const layer_norm_input in{x.f32(), {}, gain.f32(), bias.f32(), 1e-6};
  require_ok(layer_norm_forward(on, in, y.f32(), {normalised.f32(), rstd.f32()}));
  require_ok(layer_norm_backward(on, in, {normalised.f32(), rstd.f32()}, y.f32(), {x.f32(), d_gain.f32(), d_bias.f32()}));
  require_ok(normalise_forward(on, y.f32(), y.f32(), rstd.f32()));
  require_ok(bias_gelu_forward(on, y.f32(), bias.f32(), y.f32()));
  require_ok(bias_gelu_backward(on, y.f32(), bias.f32(), y.f32(), x.f32(), d_bias.f32()));
  numbers all;
  for (const twin* each : {&x, &y, &d_gain, &d_bias, &rstd}) append(all, *each);
  return all;
}

numbers attention_of(device& on) {
  std::vector<std::int32_t> offset{0};
  for (std::int32_t b = 0; offset.back() + 1 + b % 20 <= rows; ++b) offset.push_back(offset.back() + 1 + b % 20);
  const std::int64_t n = offset.back();
  twin q(n, cols, normals(1)), k(n, cols, normals(2)), v(n, cols, normals(3)), o(n, cols, constant(0)), lse(n, 3, constant(0));
  twin d_q(n, cols, constant(0)), d_k(n, cols, constant(0)), d_v(n, cols, constant(0));
  const attention_input in{3, .2, q.f32(), k.f32(), v.f32(), offset, offset};
  require_ok(attention_forward(on, in, o.f32(), lse.f32()));
  require_ok(attention_backward(on, in, o.f32(), lse.f32(), v.f32(), {d_q.f32(), d_k.f32(), d_v.f32()}));
  numbers all;
  for (const twin* each : {&o, &lse, &d_q, &d_k, &d_v}) append(all, *each);
  return all;
}

numbers updates_of(device& on) {
  twin from(rows, cols, normals(1)), table(7, cols, constant(0)), first(7, cols, constant(0)), second(7, cols, constant(0));
  twin parameter(1, 7 * cols, normals(2)), bias(1, cols, constant(0)), weight(cols, cols, normals(3));
  std::vector<std::int32_t> index;
  for (std::int32_t n = 0; n < rows; ++n) index.push_back(n * n % 7);
  require_ok(move_rows(on, {from.f32(), {}, index, true}, table.f32()));
  const auto flat = [](twin& x) { return view_of(x.f32().as<float>(), 1, 7 * cols); };
  require_ok(adamw(on, {.rate = 1e-3}, flat(table), parameter.f32(), flat(first), flat(second)));
  require_ok(linear_backward(on, {from.f32(), weight.f32(), {}}, from.f32(), {{}, false, {}, bias.f32()}));
  numbers all(2);
  require_ok(add_squares(on, from.f32(), view_of(&all[0], 1, 1)));
  require_ok(add_total(on, from.f32(), 1, view_of(&all[1], 1, 1)));
  for (const twin* each : {&table, &parameter, &bias}) append(all, *each);
  return all;
}

numbers products_of(device& on) {
  twin x(rows, cols, normals(1)), weight(40, cols, normals(2)), y(rows, 40, constant(0)), d_x(rows, cols, constant(0));
  twin d_weight(40, cols, constant(0)), d_bias(1, 40, constant(0));
  const linear_input in{x.f32(), weight.f32(), {}};
  require_ok(linear_forward(on, in, y.f32()));
  require_ok(linear_backward(on, in, y.f32(), {d_x.f32(), false, d_weight.f32(), d_bias.f32()}));
  numbers all;
  for (const twin* each : {&y, &d_x, &d_weight, &d_bias}) append(all, *each);
  return all;
}

numbers losses_of(device& on) {
  constexpr std::int64_t queries = 60;
  twin query(queries, cols, normals(1, .1)), product(queries, cols, normals(2, .1)), bank(rows, cols, normals(3, .1));
  twin log_p(1, queries, constant(-5)), bank_log_p(1, rows, constant(-5)), per_query(4, queries, constant(0));
  twin d_query(queries, cols, constant(0)), d_product(queries, cols, constant(0));
  std::vector<std::int64_t> ids(queries), bank_ids(rows);
  std::vector<std::int32_t> own(queries), offset(queries + 1), negatives(2 * queries);
  for (std::size_t b = 0; b < queries; ++b) ids[b] = own[b] = static_cast<std::int32_t>(b);
  const view out = per_query.f32();
  const std::span counts(negatives);
  const qpm_input in{.query = query.f32(),
                     .product = product.f32(),
                     .bank = bank.f32(),
                     .scale = 10,
                     .product_id = ids,
                     .bank_id = bank_ids,
                     .product_log_p = log_p.f32(),
                     .bank_log_p = bank_log_p.f32(),
                     .own = own,
                     .known_offset = offset,
                     .known_product = {}};
  const qpm_output results{out.row_range(0, 1), out.row_range(1, 1),   out.row_range(2, 1),
                           out.row_range(3, 1), counts.first(queries), counts.last(queries)};
  numbers all(1);
  require_ok(qpm_forward(on, in, results));
  require_ok(qpm_backward(on, in, results, 1, {d_query.f32(), d_product.f32(), view_of(all.data(), 1, 1)}));
  for (const twin* each : {&per_query, &d_query, &d_product}) append(all, *each);
  return all;
}

numbers run_with(int threads, numbers (*work)(device&)) { return work(*make_cpu_device(threads)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(cpu_threads)

BOOST_AUTO_TEST_CASE(our_kernels_do_not_depend_on_the_number_of_threads) {
  for (const auto work : {norms_of, attention_of, updates_of}) {
    const numbers one = run_with(1, work);
    for (const int threads : {2, 3, 7}) BOOST_TEST(same_bits(one, run_with(threads, work)));
  }
}

BOOST_AUTO_TEST_CASE(every_operator_is_the_same_from_run_to_run) {
  for (const auto work : {norms_of, attention_of, updates_of, products_of, losses_of})
    for (const int threads : {1, 2}) {
      const numbers once = run_with(threads, work);
      for (int again = 0; again < 5; ++again) BOOST_TEST(same_bits(once, run_with(threads, work)));
    }
}

// A device in use keeps its scratch: what an earlier call left there must not show.
BOOST_AUTO_TEST_CASE(a_used_device_computes_like_a_new_one) {
  const auto used = make_cpu_device(2);
  for (const auto work : {losses_of, attention_of, norms_of, products_of, updates_of}) work(*used);
  for (const auto work : {norms_of, attention_of, updates_of, products_of, losses_of})
    BOOST_TEST(same_bits(work(*used), run_with(2, work)));
}

BOOST_AUTO_TEST_CASE(devices_work_side_by_side) {
  for (const auto work : {attention_of, products_of, losses_of}) {
    const numbers alone = run_with(1, work);
    std::vector<numbers> found(2);
    std::vector<std::thread> workers;
    for (numbers& each : found) workers.emplace_back([&each, work] { each = run_with(1, work); });
    for (std::thread& each : workers) each.join();
    for (const numbers& each : found) BOOST_TEST(same_bits(alone, each));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
