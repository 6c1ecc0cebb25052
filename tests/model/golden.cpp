// The encoder and modal adaptation against golden/, on the reference device and on the cpu device.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/rows.hpp"
#include "model/encoder.hpp"
#include "model/towers.hpp"
#include "tests/support/golden.hpp"

namespace {

using namespace argosy;

using test::compare_golden;
using test::golden_arithmetics;
using test::golden_file;
using test::open_golden;

template <class Number>
void load(const parameters& all, const golden_file& golden, const std::string& prefix) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& p = all[i];
    const auto values = golden.values<Number>(p.spec.name.substr(prefix.size()));
    BOOST_REQUIRE(values.size() == static_cast<std::size_t>(p.value.rows * p.value.cols));
    std::copy(values.begin(), values.end(), p.value.as<Number>());
  }
}

template <class Number>
void compare_gradients(const parameters& all, const golden_file& golden, const std::string& prefix, double tolerance) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto name = "d_" + all[i].spec.name.substr(prefix.size());
    compare_golden(name, all[i].gradient.as<Number>(), golden.numbers(name), tolerance);
  }
}

// One product after another, each a sum of at most `terms`: every sum is off by some sqrt(terms) roundings of either sign, and the errors
// of one product add to those of the next as their squares.
double roundings(int products, std::int64_t terms) { return std::sqrt(static_cast<double>(products * terms)); }

template <class Arithmetic>
void encoder_agrees(const std::string& name) {
  const auto golden = open_golden(name);
  if (!golden) return;
  using number = typename Arithmetic::number;
  const std::unique_ptr<device> on = Arithmetic::make();
  const auto d = golden->columns("x"), n = golden->rows("x");
  const encoder::shape shape{static_cast<int>(golden->setting("layers")), static_cast<int>(golden->setting("heads")), d,
                             golden->rows("0.up.weight")};
  // Six products of a layer one after another (q, scores, mix, o, up, down), and twelve with those of the way back.
  const double tolerance = Arithmetic::tolerance(roundings(12 * shape.layers, shape.feed_forward));
  std::vector<parameter_spec> specs;
  encoder::add_specs(specs, "e", shape, .02);
  auto weights = parameters::make(*on, specs, 1).value();
  load<number>(weights, *golden, "e.");
  auto stack = encoder::bind(weights, "e", shape);

  const auto offset = golden->offsets("offset");
  auto x = golden->values<number>("x"), d_y = golden->values<number>("d_y");
  BOOST_REQUIRE(stack.resize(*on, n).ok());
  BOOST_REQUIRE(move_rows(*on, {view_of(x.data(), n, d), {}, {}, false}, stack.input()).ok());
  const auto y = stack.forward(*on, offset, {});
  BOOST_REQUIRE_MESSAGE(y.ok(), y.failure().text());
  compare_golden("y", y->as<number>(), golden->numbers("y"), tolerance);
  const auto back = stack.backward(*on, offset, {}, view_of(d_y.data(), n, d), view_of(d_y.data(), n, d));
  BOOST_REQUIRE_MESSAGE(back.ok(), back.text());
  compare_golden("d_x", d_y.data(), golden->numbers("d_x"), tolerance);
  compare_gradients<number>(weights, *golden, "e.", tolerance);
}

std::vector<std::int32_t> first_rows(const std::vector<std::int32_t>& offset) {
  std::vector<std::int32_t> rows;
  for (std::size_t b = 0; b + 1 < offset.size(); ++b) rows.push_back(offset[b] < offset[b + 1] ? offset[b] : -1);
  return rows;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE_TEMPLATE(encoder_of_two_layers, arithmetic, golden_arithmetics) { encoder_agrees<arithmetic>("encoder"); }
BOOST_AUTO_TEST_CASE_TEMPLATE(encoder_wider_and_longer, arithmetic, golden_arithmetics) { encoder_agrees<arithmetic>("encoder_wide"); }

BOOST_AUTO_TEST_CASE_TEMPLATE(modal_adaptation_with_absent_titles_and_images, arithmetic, golden_arithmetics) {
  const auto golden = open_golden("modal_adaptation");
  if (!golden) return;
  using number = typename arithmetic::number;
  const std::unique_ptr<device> on = arithmetic::make();
  const auto d = golden->columns("title"), title_rows = golden->rows("title"), image_rows = golden->rows("image");
  // q, scores, mix, o, the gate's up and down, there and back; the gate reads both sides at once.
  const double tolerance = arithmetic::tolerance(roundings(12, 2 * d));
  std::vector<parameter_spec> specs;
  modal_adaptation::add_specs(specs, "a", d, .02);
  auto weights = parameters::make(*on, specs, 1).value();
  load<number>(weights, *golden, "a.");
  auto adapt = modal_adaptation::bind(weights, "a", d, static_cast<int>(golden->setting("heads")));

  auto t = golden->values<number>("title"), v = golden->values<number>("image"), d_product = golden->values<number>("d_product");
  const auto t_offset = golden->offsets("title_offset"), v_offset = golden->offsets("image_offset");
  const auto t_first = first_rows(t_offset), v_first = first_rows(v_offset);
  const auto products = static_cast<std::int64_t>(t_first.size());
  const modal_adaptation::packed_rows titles{view_of(t.data(), title_rows, d), t_offset, t_first};
  const modal_adaptation::packed_rows images{view_of(v.data(), image_rows, d), v_offset, v_first};
  const auto product = adapt.forward(*on, titles, images);
  BOOST_REQUIRE_MESSAGE(product.ok(), product.failure().text());
  compare_golden("product", product->as<number>(), golden->numbers("product"), tolerance);
  compare_golden("gate", adapt.gate().as<number>(), golden->numbers("gate"), tolerance);

  std::vector<number> d_t(t.size(), 7), d_v(v.size(), 7);  // overwritten, whatever was there
  const auto back = adapt.backward(*on, titles, images, view_of(d_product.data(), products, d), view_of(d_t.data(), title_rows, d),
                                   view_of(d_v.data(), image_rows, d));
  BOOST_REQUIRE_MESSAGE(back.ok(), back.text());
  compare_golden("d_title", d_t.data(), golden->numbers("d_title"), tolerance);
  compare_golden("d_image", d_v.data(), golden->numbers("d_image"), tolerance);
  compare_gradients<number>(weights, *golden, "a.", tolerance);
}

BOOST_AUTO_TEST_SUITE_END()
