// What does not fit is refused with what was wanted and found, and nothing is written.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/modal_gate.hpp"
#include "kernels/normalise.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"
#include "tests/support/status.hpp"

namespace {

using namespace argosy;
using test::check_refused;

struct fixture {
  std::unique_ptr<device> on = make_reference_device();
  std::vector<double> numbers = std::vector<double>(64, 7);
  view at(std::int64_t rows, std::int64_t cols) { return view_of(numbers.data(), rows, cols); }
  ~fixture() {
    for (const double x : numbers) BOOST_TEST(x == 7.0, "a refused call has written");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(refusals, fixture)

BOOST_AUTO_TEST_CASE(shapes) {
  check_refused(linear_forward(*on, {at(2, 3), at(4, 5), {}}, at(2, 4)), errc::shape_mismatch,
                {"weight", "want (4, 3) f64", "got (4, 5) f64"});
  check_refused(linear_forward(*on, {at(2, 3), at(4, 3), at(1, 3)}, at(2, 4)), errc::shape_mismatch, {"bias", "want (1, 4)"});
  check_refused(linear_backward(*on, {at(2, 3), at(4, 3), {}}, at(2, 5), {}), errc::shape_mismatch, {"d_y", "want (2, 4)"});
  check_refused(add(*on, at(2, 3), at(3, 2)), errc::shape_mismatch, {"y", "want (2, 3)"});
  check_refused(bias_gelu_forward(*on, at(2, 3), at(1, 2), at(2, 3)), errc::shape_mismatch, {"bias", "want (1, 3)"});
  check_refused(bias_gelu_backward(*on, at(2, 3), at(1, 3), at(2, 3), at(2, 3), at(1, 4)), errc::shape_mismatch, {"d_bias", "want (1, 3)"});
  check_refused(layer_norm_forward(*on, {at(2, 3), {}, at(1, 2), at(1, 3), 1e-12}, at(2, 3), {}), errc::shape_mismatch, {"gain"});
  check_refused(normalise_forward(*on, at(2, 3), at(2, 3), at(1, 3)), errc::shape_mismatch, {"norm", "want (1, 2)"});
  check_refused(adamw(*on, {}, at(1, 4), at(1, 4), at(1, 3), at(1, 4)), errc::shape_mismatch, {"first", "want (1, 4)"});
  check_refused(adamw(*on, {.clip = 1, .squares = at(1, 2)}, at(1, 4), at(1, 4), at(1, 4), at(1, 4)), errc::shape_mismatch,
                {"squares", "want (1, 1)"});
  check_refused(add_squares(*on, at(2, 3), at(1, 2)), errc::shape_mismatch, {"to", "want (1, 1)"});
  check_refused(add_total(*on, at(2, 3), 1, at(2, 1)), errc::shape_mismatch, {"to", "want (1, 1)"});
  const std::vector<modality> three(3);
  check_refused(modal_gate_forward(*on, {at(2, 3), at(2, 3), at(2, 2), three}, at(2, 3), at(2, 2)), errc::shape_mismatch,
                {"present", "want 2 elements, got 3"});
}

BOOST_AUTO_TEST_CASE(transfers) {
  const std::vector<float> five(5);
  const std::vector<double> seven(7);
  check_refused(upload(*on, five, at(2, 3)), errc::shape_mismatch, {"from", "want 6 elements, got 5"});
  check_refused(upload(*on, seven, at(2, 3)), errc::shape_mismatch, {"from", "want 6 elements, got 7"});
  float single[6] = {};
  check_refused(upload(*on, seven, view_of(single, 1, 6)), errc::shape_mismatch, {"to", "want f64", "f32"});
  check_refused(numbers_of(*on, view_of(single, 1, 6)).failure(), errc::shape_mismatch, {"from", "want f64", "f32"});
  check_refused(floats_of(*on, const_view{nullptr, dtype::f64, 2, 3, 3}).failure(), errc::shape_mismatch, {"from", "no memory"});
}

BOOST_AUTO_TEST_CASE(types_and_strides) {
  float single[6] = {};
  check_refused(add(*on, view_of(single, 2, 3), at(2, 3)), errc::shape_mismatch, {"x", "want f64", "f32"});
  view overlapping = at(2, 3);
  overlapping.stride = 2;
  check_refused(add(*on, overlapping, at(2, 3)), errc::shape_mismatch, {"stride 2"});
  check_refused(add(*on, const_view{nullptr, dtype::f64, 2, 3, 3}, at(2, 3)), errc::shape_mismatch, {"no memory"});
}

BOOST_AUTO_TEST_CASE(offsets_and_indices) {
  const std::vector<std::int32_t> good{0, 2, 4}, falling{0, 3, 1, 4}, short_one{0, 2, 3}, none;
  const auto attend = [&](const std::vector<std::int32_t>& q, const std::vector<std::int32_t>& kv, int heads) {
    return attention_forward(*on, {heads, 1, at(4, 4), at(4, 4), at(4, 4), q, kv}, at(4, 4), {});
  };
  check_refused(attend(falling, falling, 2), errc::invalid_argument, {"q_offset", "rising"});
  check_refused(attend(good, short_one, 2), errc::shape_mismatch, {"kv_offset", "from 0 to 4"});
  check_refused(attend(none, good, 2), errc::shape_mismatch, {"q_offset", "at least 1"});
  check_refused(attend(good, good, 3), errc::invalid_argument, {"heads", "divisor of 4"});
  const std::vector<std::int32_t> beyond{0, 4}, below{-2, 0};
  check_refused(move_rows(*on, {at(4, 2), beyond, {}, false}, at(2, 2)), errc::invalid_argument, {"from_index[1]", "got 4"});
  check_refused(move_rows(*on, {at(2, 2), {}, below, false}, at(4, 2)), errc::invalid_argument, {"to_index[0]", "got -2"});
  check_refused(move_rows(*on, {at(3, 2), {}, {}, false}, at(4, 2)), errc::shape_mismatch, {"3 rows to read, 4 to write"});
}

BOOST_AUTO_TEST_CASE(numbers_out_of_their_limits) {
  check_refused(dropout(*on, {{}, 1.0, {}, {}}, at(1, 1)), errc::invalid_argument, {"rate"});
  check_refused(layer_norm_forward(*on, {at(2, 3), {}, at(1, 3), at(1, 3), 1, {{}, .5}}, at(2, 3), {}), errc::shape_mismatch, {"pair"});
  check_refused(
      layer_norm_backward(*on, {{}, {}, at(1, 3), {}, 1}, {at(2, 3), at(1, 2)}, at(2, 3), {at(2, 3), at(1, 3), at(1, 3), at(2, 3)}),
      errc::invalid_argument, {"d_residual"});
  check_refused(layer_norm_forward(*on, {at(2, 3), {}, at(1, 3), at(1, 3), 0}, at(2, 3), {}), errc::invalid_argument, {"eps"});
  adamw_settings s;
  s.step = 0;
  check_refused(adamw(*on, s, at(1, 4), at(1, 4), at(1, 4), at(1, 4)), errc::invalid_argument, {"step"});
  check_refused(adamw(*on, {.squares = at(1, 1)}, at(1, 4), at(1, 4), at(1, 4), at(1, 4)), errc::invalid_argument, {"clip"});
  tensor t;
  check_refused(t.resize(*on, std::numeric_limits<std::int64_t>::max() / 2, 3), errc::out_of_range, {"cannot hold"});
  check_refused(t.resize(*on, -1, 3), errc::out_of_range, {"(-1, 3)"});
}

BOOST_AUTO_TEST_CASE(the_loss) {
  std::vector<std::int64_t> ids{1, 2};
  std::vector<std::int32_t> own{0, 2}, known{0, 0, 0}, counts(2);
  qpm_input in;
  in.query = in.product = at(2, 3);
  in.product_id = ids;
  in.product_log_p = at(1, 2);
  in.own = own;
  in.known_offset = known;
  const qpm_output out{at(1, 2), at(1, 2), at(1, 2), at(1, 2), counts, counts};
  check_refused(qpm_forward(*on, in, out), errc::invalid_argument, {"own[1]", "0 .. 1", "got 2"});
  own = {0, 1};
  in.scale = -1;
  check_refused(qpm_forward(*on, in, out), errc::invalid_argument, {"scale"});
  in.scale = 1;
  in.scale_limit = 0;
  check_refused(qpm_forward(*on, in, out), errc::invalid_argument, {"scale_limit"});
  in.scale_limit = 1;
  in.log_scale = at(1, 2);
  check_refused(qpm_forward(*on, in, out), errc::shape_mismatch, {"log_scale", "want (1, 1)"});
  in.log_scale = at(1, 1);
  check_refused(qpm_backward(*on, in, out, 1, {{}, {}, at(2, 1)}), errc::shape_mismatch, {"d_log_scale", "want (1, 1)"});
  in.bank = at(4, 3);
  check_refused(qpm_forward(*on, in, out), errc::shape_mismatch, {"bank_id", "want 4 elements, got 0"});
}

BOOST_AUTO_TEST_SUITE_END()
