// Eq. 3 and AdamW against golden/, of the reference device and of the cpu device. The encoder and modal adaptation: tests/model/golden.cpp.
#include "tests/support/golden.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "kernels/adamw.hpp"
#include "kernels/classify.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/linear.hpp"
#include "kernels/normalise.hpp"
#include "kernels/qpm_loss.hpp"
#include "tests/support/status.hpp"

namespace {

using namespace argosy;
using test::compare_golden;
using test::golden_arithmetics;
using test::require_ok;

template <class Number>
struct unit_rows {
  unit_rows(device& on, std::vector<Number> from, std::int64_t rows, std::int64_t cols)
      : raw(std::move(from)), unit(raw.size()), norm(static_cast<std::size_t>(rows)), n(rows), d(cols) {
    require_ok(normalise_forward(on, view_of(raw.data(), n, d), values(), view_of(norm.data(), 1, n)));
  }
  view values() { return view_of(unit.data(), n, d); }
  std::vector<Number> backward(device& on, std::vector<Number> d_unit) {
    const auto v = view_of(d_unit.data(), n, d);
    require_ok(normalise_backward(on, values(), view_of(norm.data(), 1, n), v, v));
    return d_unit;
  }
  std::vector<Number> raw, unit, norm;
  std::int64_t n, d;
};

template <class Arithmetic>
void qpm_agrees(const std::string& name) {
  const auto golden = test::open_golden(name);
  if (!golden) return;
  using number = typename Arithmetic::number;
  const std::unique_ptr<device> on = Arithmetic::make();
  const auto queries = golden->rows("query"), products = golden->rows("product"), kept = golden->rows("bank"),
             width = golden->columns("query");
  unit_rows query(*on, golden->values<number>("query"), queries, width), product(*on, golden->values<number>("product"), products, width);
  auto bank = golden->values<number>("bank"), log_p = golden->values<number>("log_p"), bank_log_p = golden->values<number>("bank_log_p");
  const auto ids = golden->integers("product_id"), bank_ids = golden->integers("bank_product_id");
  const auto own = golden->offsets("own");
  const auto known_query = golden->integers("known_query"), known_product = golden->integers("known_product");
  std::vector<std::int32_t> known_offset{0};
  for (std::int64_t b = 0; b < queries; ++b)
    known_offset.push_back(static_cast<std::int32_t>(std::ranges::upper_bound(known_query, b) - known_query.begin()));
  auto log_scale = golden->values<number>("log_scale");
  const double scale = std::min(std::exp(static_cast<double>(log_scale.front())), 100.0);
  std::vector<number> d_log_scale(1);

  qpm_input in;
  in.query = query.values();
  in.product = product.values();
  if (kept > 0) in.bank = view_of(bank.data(), kept, width);
  in.log_scale = view_of(log_scale.data(), 1, 1);
  in.scale_limit = 100;
  in.weight_product = golden->setting("w2");
  in.weight_bank = golden->setting("w1");
  in.product_id = ids;
  in.bank_id = bank_ids;
  in.product_log_p = view_of(log_p.data(), 1, products);
  in.bank_log_p = view_of(bank_log_p.data(), 1, kept);
  in.own = own;
  in.known_offset = known_offset;
  in.known_product = known_product;
  const auto count = static_cast<std::size_t>(queries);
  std::vector<number> loss(count), lse(count), share_product(count), share_bank(count), d_query(query.raw.size()),
      d_product(product.raw.size());
  std::vector<std::int32_t> negatives_product(count), negatives_bank(count);
  const auto row = [&](std::vector<number>& v) { return view_of(v.data(), 1, queries); };
  const qpm_output out{row(loss), row(lse), row(share_product), row(share_bank), negatives_product, negatives_bank};
  require_ok(qpm_forward(*on, in, out));
  require_ok(qpm_backward(
      *on, in, out, 1.0 / static_cast<double>(queries),
      {view_of(d_query.data(), queries, width), view_of(d_product.data(), products, width), view_of(d_log_scale.data(), 1, 1)}));

  // A cosine of D terms is off by some sqrt(D) roundings of either sign, a logit by `scale` times that, and by as much, relatively, every
  // exponential that the loss and its gradients are sums of.
  const double tolerance = Arithmetic::tolerance(scale * std::sqrt(static_cast<double>(width)));
  double mean = 0;
  for (const number l : loss) mean += static_cast<double>(l) / static_cast<double>(queries);
  compare_golden("loss", &mean, golden->numbers("loss"), tolerance);
  compare_golden("d_query", query.backward(*on, d_query).data(), golden->numbers("d_query"), tolerance);
  compare_golden("d_product", product.backward(*on, d_product).data(), golden->numbers("d_product"), tolerance);
  compare_golden("d_log_scale", d_log_scale.data(), golden->numbers("d_log_scale"), tolerance);
  BOOST_TEST(negatives_product == golden->offsets("n_negatives_w2"), boost::test_tools::per_element());
  BOOST_TEST(negatives_bank == golden->offsets("n_negatives_w1"), boost::test_tools::per_element());
}

// Eq. 1-2 as eq. 3's sum: true patches for queries, predictions of all positions for products, no log p.
template <class Arithmetic>
void patches_agree(const std::string& name) {
  const auto golden = test::open_golden(name);
  if (!golden) return;
  using number = typename Arithmetic::number;
  const std::unique_ptr<device> on = Arithmetic::make();
  const auto& shape = golden->at("target").shape;
  const auto width = static_cast<std::int64_t>(shape.at(2)), rows = static_cast<std::int64_t>(shape.at(0) * shape.at(1));
  unit_rows target(*on, golden->values<number>("target"), rows, width), predicted(*on, golden->values<number>("predicted"), rows, width);
  const auto image = golden->integers("masked_image"), patch = golden->integers("masked_patch");
  const auto masked = std::ssize(image);
  std::vector<std::int32_t> own, known(image.size() + 1, 0), negatives(image.size()), none(image.size());
  std::vector<number> query(static_cast<std::size_t>(masked * width)), log_p(static_cast<std::size_t>(rows)), loss(image.size()),
      lse(image.size()), share(image.size()), d_predicted(predicted.raw.size());
  for (std::size_t m = 0; m < image.size(); ++m) {
    own.push_back(static_cast<std::int32_t>(image[m] * static_cast<std::int64_t>(shape.at(1)) + patch[m]));
    std::copy_n(target.unit.begin() + own[m] * width, width, query.begin() + static_cast<std::ptrdiff_t>(m) * width);
  }
  std::vector<std::int64_t> id(static_cast<std::size_t>(rows));
  std::iota(id.begin(), id.end(), 0);
  auto log_scale = golden->values<number>("log_inv_tau");
  const double scale = std::min(std::exp(static_cast<double>(log_scale.front())), 100.0);
  std::vector<number> d_log_scale(1);
  qpm_input in;
  in.query = view_of(query.data(), masked, width);
  in.product = predicted.values();
  in.log_scale = view_of(log_scale.data(), 1, 1);
  in.scale_limit = 100;
  in.product_id = id;
  in.product_log_p = view_of(log_p.data(), 1, rows);
  in.own = own;
  in.known_offset = known;
  const auto row = [&](std::vector<number>& v) { return view_of(v.data(), 1, masked); };
  const qpm_output out{row(loss), row(lse), row(share), row(share), negatives, none};
  require_ok(qpm_forward(*on, in, out));
  require_ok(qpm_backward(*on, in, out, 1.0 / static_cast<double>(masked),
                          {{}, view_of(d_predicted.data(), rows, width), view_of(d_log_scale.data(), 1, 1)}));

  const double tolerance = Arithmetic::tolerance(scale * std::sqrt(static_cast<double>(width)));  // as of a matching logit
  double mean = 0;
  for (const number l : loss) mean += static_cast<double>(l) / static_cast<double>(masked);
  compare_golden("loss", &mean, golden->numbers("loss"), tolerance);
  compare_golden("d_predicted", predicted.backward(*on, d_predicted).data(), golden->numbers("d_predicted"), tolerance);
  compare_golden("d_log_inv_tau", d_log_scale.data(), golden->numbers("d_log_inv_tau"), tolerance);
  for (const std::int32_t count : negatives) BOOST_TEST(count == rows - 1);  // oracle 6: N*L terms
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE_TEMPLATE(matching_in_batch, arithmetic, golden_arithmetics) { qpm_agrees<arithmetic>("qpm_in_batch"); }
BOOST_AUTO_TEST_CASE_TEMPLATE(matching_with_a_bank, arithmetic, golden_arithmetics) { qpm_agrees<arithmetic>("qpm_bank"); }
BOOST_AUTO_TEST_CASE_TEMPLATE(matching_across_devices, arithmetic, golden_arithmetics) { qpm_agrees<arithmetic>("qpm_cross_device"); }
BOOST_AUTO_TEST_CASE_TEMPLATE(matching_one_pair_without_negatives, arithmetic, golden_arithmetics) {
  qpm_agrees<arithmetic>("qpm_one_pair");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(matching_other_weights_and_widths, arithmetic, golden_arithmetics) { qpm_agrees<arithmetic>("qpm_wide"); }

BOOST_AUTO_TEST_CASE_TEMPLATE(masked_patches, arithmetic, golden_arithmetics) { patches_agree<arithmetic>("mpm_r"); }
BOOST_AUTO_TEST_CASE_TEMPLATE(masked_patches_of_one_image, arithmetic, golden_arithmetics) { patches_agree<arithmetic>("mpm_r_one"); }

BOOST_AUTO_TEST_CASE_TEMPLATE(regression_of_masked_patches, arithmetic, golden_arithmetics) {
  const auto golden = test::open_golden("mpm_kl");
  if (!golden) return;
  using number = typename arithmetic::number;
  const std::unique_ptr<device> on = arithmetic::make();
  auto target = golden->values<number>("target"), predicted = golden->values<number>("predicted");
  const auto rows = golden->rows("target"), width = golden->columns("target");
  std::vector<number> loss(static_cast<std::size_t>(rows)), d(predicted.size());
  require_ok(divergence(*on, {view_of(target.data(), rows, width), view_of(predicted.data(), rows, width)}, 1.0 / static_cast<double>(rows),
                        view_of(loss.data(), 1, rows), view_of(d.data(), rows, width)));
  const double mean = static_cast<double>(std::accumulate(loss.begin(), loss.end(), number{})) / static_cast<double>(rows);
  const double tolerance = arithmetic::tolerance(16);  // a softmax of 12 numbers of size 3, its logarithm and a sum of 12
  compare_golden("loss", &mean, golden->numbers("loss"), tolerance);
  compare_golden("d_predicted", d.data(), golden->numbers("d_predicted"), tolerance);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(classification_of_pairs, arithmetic, golden_arithmetics) {
  const auto golden = test::open_golden("qpc");
  if (!golden) return;
  using number = typename arithmetic::number;
  const std::unique_ptr<device> on = arithmetic::make();
  const auto rows = golden->rows("query"), width = golden->columns("query"), inner = golden->rows("up_weight");
  struct matrix {
    std::vector<number> values;
    std::int64_t rows, cols;
    operator view() { return view_of(values.data(), rows, cols); }
    operator const_view() { return view_of(values.data(), rows, cols); }
  };
  const auto made = [](std::int64_t r, std::int64_t c) { return matrix{std::vector<number>(static_cast<std::size_t>(r * c)), r, c}; };
  const auto read = [&](const char* name, std::int64_t r, std::int64_t c) { return matrix{golden->values<number>(name), r, c}; };
  auto query = read("query", rows, width), product = read("product", rows, width), up = read("up_weight", inner, 4 * width),
       up_bias = read("up_bias", 1, inner), down = read("down_weight", 2, inner), down_bias = read("down_bias", 1, 2);
  auto features = made(rows, 4 * width), wide = made(rows, inner), active = made(rows, inner), logits = made(rows, 2), loss = made(1, rows),
       d_logits = made(rows, 2), d_active = made(rows, inner), d_features = made(rows, 4 * width), d_query = made(rows, width),
       d_product = made(rows, width), d_up = made(inner, 4 * width), d_up_bias = made(1, inner), d_down = made(2, inner),
       d_down_bias = made(1, 2);
  require_ok(pair_features_forward(*on, {query, product}, features));
  require_ok(linear_forward(*on, {features, up, {}}, wide));
  require_ok(bias_gelu_forward(*on, wide, up_bias, active));
  require_ok(linear_forward(*on, {active, down, down_bias}, logits));
  require_ok(cross_entropy(*on, {logits, golden->offsets("label")}, 1.0 / static_cast<double>(rows), loss, d_logits));
  require_ok(linear_backward(*on, {active, down, down_bias}, d_logits, {d_active, false, d_down, d_down_bias}));
  require_ok(bias_gelu_backward(*on, wide, up_bias, d_active, d_active, d_up_bias));
  require_ok(linear_backward(*on, {features, up, {}}, d_active, {d_features, false, d_up, {}}));
  require_ok(pair_features_backward(*on, {query, product}, d_features, d_query, d_product));

  const double mean = static_cast<double>(std::accumulate(loss.values.begin(), loss.values.end(), number{})) / static_cast<double>(rows);
  const double tolerance =
      arithmetic::tolerance(4 * std::sqrt(static_cast<double>(4 * width)));  // a product over 4 C, and three small ones
  compare_golden("loss", &mean, golden->numbers("loss"), tolerance);
  for (auto& [name, found] : {std::pair<const char*, matrix&>{"d_query", d_query},
                              {"d_product", d_product},
                              {"d_up_weight", d_up},
                              {"d_up_bias", d_up_bias},
                              {"d_down_weight", d_down},
                              {"d_down_bias", d_down_bias}})
    compare_golden(name, found.values.data(), golden->numbers(name), tolerance);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(adamw_over_a_whole_schedule, arithmetic, golden_arithmetics) {
  const auto golden = test::open_golden("adamw");
  if (!golden) return;
  using number = typename arithmetic::number;
  const std::unique_ptr<device> on = arithmetic::make();
  auto w = golden->values<number>("w0"), b = golden->values<number>("b0");
  std::vector<number> w_first(w.size()), w_second(w.size()), b_first(b.size()), b_second(b.size());
  const auto gradients = golden->values<number>("gradient");
  const auto rates = golden->numbers("rate"), norms = golden->numbers("gradient_norm"), path = golden->numbers("parameters");
  const std::size_t width = w.size() + b.size();
  for (std::size_t step = 0; step < rates.size(); ++step) {
    std::vector<number> g(gradients.begin() + static_cast<std::ptrdiff_t>(step * width),
                          gradients.begin() + static_cast<std::ptrdiff_t>((step + 1) * width));
    std::vector<number> squares(1);
    require_ok(add_squares(*on, view_of(g.data(), 1, static_cast<std::int64_t>(width)), view_of(squares.data(), 1, 1)));
    const double norm = std::sqrt(static_cast<double>(squares[0]));
    // The gradient, its squares, their sum and the root.
    BOOST_TEST(norm == norms[step], boost::test_tools::tolerance(arithmetic::tolerance(4)));
    adamw_settings s;
    s.rate = rates[step];
    s.clip = 1;
    s.squares = view_of(squares.data(), 1, 1);
    s.step = static_cast<std::int64_t>(step) + 1;
    const auto update = [&](number* gradient, std::vector<number>& value, std::vector<number>& first, std::vector<number>& second,
                            double decay) {
      const auto n = static_cast<std::int64_t>(value.size());
      s.weight_decay = decay;
      require_ok(
          adamw(*on, s, view_of(gradient, 1, n), view_of(value.data(), 1, n), view_of(first.data(), 1, n), view_of(second.data(), 1, n)));
    };
    update(g.data(), w, w_first, w_second, .01);
    update(g.data() + w.size(), b, b_first, b_second, 0);
    // Every step rounds the parameter; before the first it was rounded, and so were the rate and what it is multiplied with.
    const double roundings = static_cast<double>(step) + 4;
    std::vector<number> now(w);
    now.insert(now.end(), b.begin(), b.end());
    compare_golden(
        "parameters", now.data(),
        {path.begin() + static_cast<std::ptrdiff_t>(step * width), path.begin() + static_cast<std::ptrdiff_t>((step + 1) * width)},
        arithmetic::tolerance(roundings));
  }
}

BOOST_AUTO_TEST_SUITE_END()
