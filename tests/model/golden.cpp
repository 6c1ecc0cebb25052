// The encoder and modal adaptation against golden/ on the reference device, to 1e-10.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "kernels/rows.hpp"
#include "model/encoder.hpp"
#include "model/safetensors.hpp"
#include "model/towers.hpp"
#include "tests/support/folders.hpp"

namespace {

using namespace argosy;

constexpr double golden_tolerance = 1e-10;  // relative to the largest element: float64 on both sides, sums in another order

struct golden_file {
  safetensors_file file;
  std::vector<double> numbers(const std::string& name) const {
    const auto* t = file.find(name);
    BOOST_REQUIRE_MESSAGE(t != nullptr, "golden file lacks " << name);
    return t->numbers().value();
  }
  std::vector<std::int32_t> offsets(const std::string& name) const {
    const auto wide = file.find(name)->integers().value();
    return {wide.begin(), wide.end()};
  }
  std::int64_t rows(const std::string& name) const { return file.find(name)->shape.at(0); }
  std::int64_t columns(const std::string& name) const { return file.find(name)->shape.at(1); }
  int setting(const std::string& name) const { return std::stoi(file.metadata.at(name)); }
};

std::optional<golden_file> open_golden(const std::string& name) {
  const auto folder = test::golden_folder();
  if (!folder) {
    BOOST_TEST_MESSAGE("skipped: no golden folder (ARGOSY_GOLDEN, else ../shared/golden)");
    return std::nullopt;
  }
  auto file = read_safetensors(*folder / (name + ".safetensors"));
  BOOST_REQUIRE_MESSAGE(file.ok(), file.failure().text());
  return golden_file{std::move(file).value()};
}

void compare(const std::string& what, const double* got, const std::vector<double>& want) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::abs(want[i]));
    worst = std::max(worst, std::abs(want[i] - got[i]));
  }
  BOOST_TEST(worst <= golden_tolerance * std::max(largest, 1.0), what << ": off by " << worst << ", largest element " << largest);
}

void load(const parameters& all, const golden_file& golden, const std::string& prefix) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& p = all[i];
    const auto values = golden.numbers(p.spec.name.substr(prefix.size()));
    BOOST_REQUIRE(values.size() == static_cast<std::size_t>(p.value.rows * p.value.cols));
    std::copy(values.begin(), values.end(), p.value.as<double>());
  }
}

void compare_gradients(const parameters& all, const golden_file& golden, const std::string& prefix) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto name = "d_" + all[i].spec.name.substr(prefix.size());
    compare(name, all[i].gradient.as<double>(), golden.numbers(name));
  }
}

void encoder_agrees(const std::string& name) {
  const auto golden = open_golden(name);
  if (!golden) return;
  const auto on = make_reference_device();
  const auto d = golden->columns("x"), n = golden->rows("x");
  const encoder::shape shape{golden->setting("layers"), golden->setting("heads"), d, golden->rows("0.up.weight")};
  std::vector<parameter_spec> specs;
  encoder::add_specs(specs, "e", shape, .02);
  auto weights = parameters::make(*on, specs, 1).value();
  load(weights, *golden, "e.");
  auto stack = encoder::bind(weights, "e", shape);

  const auto offset = golden->offsets("offset");
  auto x = golden->numbers("x"), d_y = golden->numbers("d_y");
  BOOST_REQUIRE(stack.resize(*on, n).ok());
  BOOST_REQUIRE(move_rows(*on, {view_of(x.data(), n, d), {}, {}, false}, stack.input()).ok());
  const auto y = stack.forward(*on, offset, {});
  BOOST_REQUIRE_MESSAGE(y.ok(), y.failure().text());
  compare("y", y->as<double>(), golden->numbers("y"));
  const auto back = stack.backward(*on, offset, {}, view_of(d_y.data(), n, d));
  BOOST_REQUIRE_MESSAGE(back.ok(), back.text());
  compare("d_x", d_y.data(), golden->numbers("d_x"));
  compare_gradients(weights, *golden, "e.");
}

std::vector<std::int32_t> first_rows(const std::vector<std::int32_t>& offset) {
  std::vector<std::int32_t> rows;
  for (std::size_t b = 0; b + 1 < offset.size(); ++b) rows.push_back(offset[b] < offset[b + 1] ? offset[b] : -1);
  return rows;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE(encoder_of_two_layers) { encoder_agrees("encoder"); }
BOOST_AUTO_TEST_CASE(encoder_wider_and_longer) { encoder_agrees("encoder_wide"); }

BOOST_AUTO_TEST_CASE(modal_adaptation_with_absent_titles_and_images) {
  const auto golden = open_golden("modal_adaptation");
  if (!golden) return;
  const auto on = make_reference_device();
  const auto d = golden->columns("title"), title_rows = golden->rows("title"), image_rows = golden->rows("image");
  std::vector<parameter_spec> specs;
  modal_adaptation::add_specs(specs, "a", d, .02);
  auto weights = parameters::make(*on, specs, 1).value();
  load(weights, *golden, "a.");
  auto adapt = modal_adaptation::bind(weights, "a", d, golden->setting("heads"));

  auto t = golden->numbers("title"), v = golden->numbers("image"), d_product = golden->numbers("d_product");
  const auto t_offset = golden->offsets("title_offset"), v_offset = golden->offsets("image_offset");
  const auto t_first = first_rows(t_offset), v_first = first_rows(v_offset);
  const auto products = static_cast<std::int64_t>(t_first.size());
  const modal_adaptation::packed_rows titles{view_of(t.data(), title_rows, d), t_offset, t_first};
  const modal_adaptation::packed_rows images{view_of(v.data(), image_rows, d), v_offset, v_first};
  const auto product = adapt.forward(*on, titles, images);
  BOOST_REQUIRE_MESSAGE(product.ok(), product.failure().text());
  compare("product", product->as<double>(), golden->numbers("product"));
  compare("gate", adapt.gate().as<double>(), golden->numbers("gate"));

  std::vector<double> d_t(t.size(), 7), d_v(v.size(), 7);  // overwritten, whatever was there
  const auto back = adapt.backward(*on, titles, images, view_of(d_product.data(), products, d), view_of(d_t.data(), title_rows, d),
                                   view_of(d_v.data(), image_rows, d));
  BOOST_REQUIRE_MESSAGE(back.ok(), back.text());
  compare("d_title", d_t.data(), golden->numbers("d_title"));
  compare("d_image", d_v.data(), golden->numbers("d_image"));
  compare_gradients(weights, *golden, "a.");
}

BOOST_AUTO_TEST_SUITE_END()
