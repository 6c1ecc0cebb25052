// Blocks whose last one computes the first row of every sequence alone: the same rows and the same gradients as all rows give.
#include "model/encoder.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>

#include "kernels/rows.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using numbers = std::vector<double>;
const std::vector<std::int32_t> offset{0, 3, 4, 9}, first_rows{0, 3, 4};
constexpr std::int64_t width = 8;

view rows_of(numbers& values) { return view_of(values.data(), std::ssize(values) / width, width); }

numbers waves(std::int64_t rows, double phase) {
  numbers values(static_cast<std::size_t>(rows * width));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(1.7 * static_cast<double>(i) + phase);
  return values;
}

struct stack_of_blocks {
  std::unique_ptr<device> on = make_reference_device();
  parameters weights;
  encoder blocks;
  std::vector<std::uint32_t> pair{5, 5, 5, 6, 9, 9, 9, 9, 9};
  std::vector<std::int32_t> position{0, 1, 2, 0, 0, 1, 2, 3, 4};
  dropout_plan drop;

  stack_of_blocks(int layers, double dropout) : drop{dropout, 3, 7, 100, pair, position} {
    const encoder::shape shape{layers, 2, width, 16};
    std::vector<parameter_spec> specs;
    encoder::add_specs(specs, "e", shape, .3);
    auto made = parameters::make(*on, specs, 1);
    test::require_ok(made.failure());
    weights = std::move(*made);
    blocks = encoder::bind(weights, "e", shape);
  }
  numbers forward(std::span<const std::int32_t> wanted) {
    auto x = waves(9, 0);
    test::require_ok(blocks.resize(*on, 9));
    test::require_ok(move_rows(*on, {rows_of(x), {}, {}, false}, blocks.input()));
    const auto y = blocks.forward(*on, offset, drop, wanted);
    test::require_ok(y.failure());
    return numbers(y->row<double>(0), y->row<double>(0) + y->rows * y->cols);
  }
  numbers gradients() {
    numbers all;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const const_view g = weights[i].gradient;
      all.insert(all.end(), g.as<double>(), g.as<double>() + g.rows * g.cols);
    }
    weights.zero_gradients(*on);
    return all;
  }
};

void check_equal(const numbers& got, const numbers& want, const std::string& of) {
  BOOST_REQUIRE_EQUAL(got.size(), want.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] - want[i]));
  BOOST_TEST(worst < 1e-12, of << " differ by " << worst);
}

BOOST_AUTO_TEST_SUITE(encoders)

BOOST_AUTO_TEST_CASE(wanted_rows_alone_are_those_of_all_rows) {
  for (const int layers : {1, 2})
    for (const double dropout : {0., .3}) {
      stack_of_blocks stack(layers, dropout);
      const auto of = std::to_string(layers) + " layers, dropout " + std::to_string(dropout) + ": ";
      auto d_wanted = waves(3, 2);
      numbers d_all(9 * width);
      for (std::size_t b = 0; b < 3; ++b)
        std::copy_n(d_wanted.begin() + static_cast<std::ptrdiff_t>(b) * width, width, d_all.begin() + first_rows[b] * width);

      const auto all = stack.forward({});
      test::require_ok(stack.blocks.backward(*stack.on, offset, stack.drop, rows_of(d_all), rows_of(d_all)));
      const auto want = stack.gradients();

      const auto alone = stack.forward(first_rows);
      numbers expected;
      for (const auto row : first_rows) expected.insert(expected.end(), all.begin() + row * width, all.begin() + (row + 1) * width);
      check_equal(alone, expected, of + "rows");
      numbers d_x(9 * width, 99.);
      test::require_ok(stack.blocks.backward(*stack.on, offset, stack.drop, rows_of(d_wanted), rows_of(d_x)));
      check_equal(d_x, d_all, of + "gradients of x");
      check_equal(stack.gradients(), want, of + "gradients of weights");

      check_equal(stack.forward({}), all, of + "rows once more");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
