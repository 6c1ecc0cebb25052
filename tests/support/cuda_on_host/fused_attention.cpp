// kernels/cuda/fused_attention.hpp in plain loops, which hold a call to what cuDNN asks for; and what is decided before cuDNN is asked.
#include "kernels/cuda/fused_attention.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/device_code.hpp"
#include "tests/support/bf16.hpp"
#include "tests/support/status.hpp"

namespace argosy::cuda {
namespace {

int calls_of_fused = 0;

class plain_fused_attention final : public fused_attention {
public:
  status run(const fused_call& call) override {
    ++calls_of_fused;
    const fused_shape& s = call.shape;
    std::int64_t q_rows = 0, kv_rows = 0;
    for (std::int64_t b = 0; b < s.sequences; ++b) {
      q_rows += call.q_length[b];
      kv_rows += call.kv_length[b];
      if (call.q_length[b] > s.q_longest || call.kv_length[b] > s.kv_longest) return refused("a sequence is longer than the bucket");
      for (std::size_t i = 0; i < fused_matrices; ++i)
        if (s.stride[i] != 0 && call.first[i][b + 1] - call.first[i][b] != length(call, static_cast<fused>(i), b) * s.stride[i])
          return refused("an offset does not fit the lengths");
    }
    if (s.backward && (q_rows > s.q_rows || kv_rows > s.kv_rows)) return refused("more rows than the bucket has");
    for (std::int64_t b = 0; b < s.sequences; ++b)
      for (std::int64_t h = 0; h < s.heads; ++h) s.backward ? backward(call, b, h) : forward(call, b, h);
    return {};
  }

private:
  static status refused(const std::string& why) { return {errc::invalid_argument, "fused attention: " + why}; }
  static std::int32_t length(const fused_call& call, fused which, std::int64_t b) {
    return is_of_keys(which) ? call.kv_length[b] : call.q_length[b];
  }
  // Number `at` of a row of a head.
  static std::int64_t place(const fused_call& call, fused which, std::int64_t b, std::int64_t h, std::int64_t row, std::int64_t at) {
    const std::int64_t width = which == fused::lse ? 1 : call.shape.width;
    return call.first[which][b] + row * call.shape.stride[which] + h * width + at;
  }
  static double number(const fused_call& call, fused which, std::int64_t b, std::int64_t h, std::int64_t row, std::int64_t at) {
    return static_cast<double>(to_float(static_cast<const bf16*>(call.data[which])[place(call, which, b, h, row, at)]));
  }
  static void write(const fused_call& call, fused which, std::int64_t b, std::int64_t h, std::int64_t row, const std::vector<double>& all) {
    for (std::size_t d = 0; d < all.size(); ++d)
      put(static_cast<bf16*>(call.data[which])[place(call, which, b, h, row, static_cast<std::int64_t>(d))], static_cast<float>(all[d]));
  }
  static double dot(const fused_call& call, fused one, std::int64_t row, fused other, std::int64_t other_row, std::int64_t b,
                    std::int64_t h) {
    double sum = 0;
    for (std::int64_t d = 0; d < call.shape.width; ++d) sum += number(call, one, b, h, row, d) * number(call, other, b, h, other_row, d);
    return sum;
  }

  static void forward(const fused_call& call, std::int64_t b, std::int64_t h) {
    const auto scale = static_cast<double>(call.shape.scale);
    for (std::int32_t i = 0; i < call.q_length[b]; ++i) {
      double most = -HUGE_VAL, sum = 0;
      for (std::int32_t j = 0; j < call.kv_length[b]; ++j) most = std::max(most, scale * dot(call, fused::q, i, fused::k, j, b, h));
      std::vector<double> o(static_cast<std::size_t>(call.shape.width));
      for (std::int32_t j = 0; j < call.kv_length[b]; ++j) {
        const double p = std::exp(scale * dot(call, fused::q, i, fused::k, j, b, h) - most);
        sum += p;
        for (std::size_t d = 0; d < o.size(); ++d) o[d] += p * number(call, fused::v, b, h, j, static_cast<std::int64_t>(d));
      }
      for (double& x : o) x /= sum;
      write(call, fused::o, b, h, i, o);
      if (call.shape.stride[fused::lse] != 0)
        static_cast<float*>(call.data[fused::lse])[place(call, fused::lse, b, h, i, 0)] = static_cast<float>(most + std::log(sum));
    }
  }

  static void backward(const fused_call& call, std::int64_t b, std::int64_t h) {
    const auto scale = static_cast<double>(call.shape.scale);
    const auto width = static_cast<std::size_t>(call.shape.width), rows = static_cast<std::size_t>(call.q_length[b]),
               keys = static_cast<std::size_t>(call.kv_length[b]);
    std::vector<std::vector<double>> d_q(rows, std::vector<double>(width)), d_k(keys, std::vector<double>(width)), d_v = d_k;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const double delta = dot(call, fused::o, row, fused::d_o, row, b, h);
      const auto lse = static_cast<double>(static_cast<const float*>(call.data[fused::lse])[place(call, fused::lse, b, h, row, 0)]);
      for (std::size_t j = 0; j < keys; ++j) {
        const auto key = static_cast<std::int64_t>(j);
        const double p = std::exp(scale * dot(call, fused::q, row, fused::k, key, b, h) - lse);
        const double d_s = scale * p * (dot(call, fused::d_o, row, fused::v, key, b, h) - delta);
        for (std::size_t d = 0; d < width; ++d) {
          const auto at = static_cast<std::int64_t>(d);
          d_q[i][d] += d_s * number(call, fused::k, b, h, key, at);
          d_k[j][d] += d_s * number(call, fused::q, b, h, row, at);
          d_v[j][d] += p * number(call, fused::d_o, b, h, row, at);
        }
      }
    }
    for (std::size_t i = 0; i < rows; ++i) write(call, fused::d_q, b, h, static_cast<std::int64_t>(i), d_q[i]);
    for (std::size_t j = 0; j < keys; ++j) {
      write(call, fused::d_k, b, h, static_cast<std::int64_t>(j), d_k[j]);
      write(call, fused::d_v, b, h, static_cast<std::int64_t>(j), d_v[j]);
    }
  }
};

// Rows of bfloat16 that nobody reads.
struct self_attention {
  self_attention(std::vector<std::int32_t> offset_, int heads, std::int64_t width, std::int64_t gap = 0)
      : offset(std::move(offset_)),
        cols(heads * width),
        stride(cols + gap),
        numbers(static_cast<std::size_t>(offset.back() * stride + 64)),
        in{heads, .5, rows(), rows(), rows(), offset, offset} {}
  const_view rows() { return {numbers.data(), dtype::bf16, offset.back(), cols, stride}; }

  std::vector<std::int32_t> offset;
  std::int64_t cols, stride;
  std::vector<bf16> numbers;
  attention_input in;
};

std::optional<fused_shape> forward_shape(const attention_input& in, const const_view& o) {
  return fused_shape_of(in, {{in.q, in.k, in.v, o}});
}

BOOST_AUTO_TEST_SUITE(fused_attentions)

BOOST_AUTO_TEST_CASE(a_plan_is_for_a_bucket) {
  self_attention of({0, 5, 5, 70}, 2, 64, 128);
  const auto forward = forward_shape(of.in, of.rows());
  BOOST_TEST_REQUIRE(forward.has_value());
  const fused_shape& s = *forward;
  BOOST_TEST(!s.backward);
  BOOST_TEST(s.sequences == 128);
  BOOST_TEST(s.heads == 2);
  BOOST_TEST(s.width == 64);
  BOOST_TEST(s.q_longest == 128);
  BOOST_TEST(s.q_rows == 0);
  BOOST_TEST(s.scale == .5f);
  BOOST_TEST(s.stride[fused::q] == 256);
  BOOST_TEST(s.stride[fused::lse] == 0);
  BOOST_TEST(s.stride[fused::d_q] == 0);

  const auto d = of.rows();
  const const_view lse{of.numbers.data(), dtype::f32, 70, 2, 2};
  const auto backward = fused_shape_of(of.in, {{d, d, d, d, lse, d, d, d, d}});
  BOOST_TEST_REQUIRE(backward.has_value());
  BOOST_TEST(backward->backward);
  BOOST_TEST(backward->q_rows == 8192);
  BOOST_TEST(backward->kv_rows == 8192);
  BOOST_TEST(backward->stride[fused::lse] == 2);

  // Another batch of the same bucket has the same plan; one sequence more than the bucket has does not.
  self_attention beside({0, 1, 64, 127}, 2, 64, 128);
  BOOST_TEST((forward_shape(beside.in, beside.rows())->sequences == s.sequences));
  std::vector<std::int32_t> many(130);
  for (std::size_t b = 0; b < many.size(); ++b) many[b] = static_cast<std::int32_t>(b);
  self_attention more(many, 2, 64, 128);
  const auto next = forward_shape(more.in, more.rows());
  BOOST_TEST(next->sequences == 256);
  BOOST_TEST(next->q_longest == 64);
  BOOST_TEST((*next != s));
}

BOOST_AUTO_TEST_CASE(what_cudnn_does_not_take) {
  const auto taken = [](self_attention of) { return forward_shape(of.in, of.rows()).has_value(); };
  BOOST_TEST(taken({{0, 3, 5}, 2, 128}));
  BOOST_TEST(!taken({{0, 3, 5}, 2, 136}));
  BOOST_TEST(!taken({{0, 3, 5}, 2, 60}));
  BOOST_TEST(!taken({{0, 3, 5}, 2, 64, 3}));

  self_attention of({0, 3, 5}, 1, 64);
  const std::vector<std::int32_t> without{0, 5, 5};
  attention_input one_sided = of.in;
  one_sided.kv_offset = without;
  BOOST_TEST(!forward_shape(one_sided, of.rows()).has_value());

  attention_input wide = of.in;
  wide.q.type = dtype::f32;
  BOOST_TEST(!forward_shape(wide, of.rows()).has_value());

  const_view beside = of.rows();
  beside.data = of.numbers.data() + 1;
  BOOST_TEST(!forward_shape(of.in, beside).has_value());

  const_view far = of.rows();
  far.stride = std::int64_t{1} << 29;
  BOOST_TEST(!forward_shape(of.in, far).has_value());
}

BOOST_AUTO_TEST_CASE(it_runs_where_it_is_asked_for) {
  self_attention of({0, 3, 5}, 1, 64), not_taken({0, 3, 5}, 1, 60);
  std::vector<bf16> o(5 * 64);
  const auto calls_of = [&](attention_by whose, const self_attention& a) {
    const auto on = cuda_device::open(0, compute::bfloat16, whose).value();
    const int before = calls_of_fused;
    test::check_ok(attention_forward(*on, a.in, view{o.data(), dtype::bf16, 5, a.cols, a.cols}, {}));
    return calls_of_fused - before;
  };
  BOOST_TEST(calls_of(attention_by::cudnn, of) == 1);
  BOOST_TEST(calls_of(attention_by::argosy, of) == 0);
  BOOST_TEST(calls_of(attention_by::cudnn, not_taken) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

result<std::unique_ptr<fused_attention>> make_fused_attention(cudaStream_t) {
  return std::unique_ptr<fused_attention>(std::make_unique<plain_fused_attention>());
}

}  // namespace argosy::cuda
