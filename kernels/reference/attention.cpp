#include "kernels/attention.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference/reference_device.hpp"

namespace argosy {
namespace {

// Columns h*D .. h*D + D - 1 are head h.
double dot_head(const_view a, std::int64_t i, const_view b, std::int64_t j, std::int64_t first, std::int64_t features) {
  double sum = 0;
  for (std::int64_t c = first; c < first + features; ++c) sum += a.row<double>(i)[c] * b.row<double>(j)[c];
  return sum;
}

struct head_span {
  std::int64_t q_first, q_last, k_first, k_last, first, features, head;
};

template <class Visit>
void each_head(const attention_input& in, Visit visit) {
  const auto features = in.q.cols / in.heads;
  for (std::size_t b = 0; b + 1 < in.q_offset.size(); ++b)
    for (int h = 0; h < in.heads; ++h)
      visit(head_span{in.q_offset[b], in.q_offset[b + 1], in.kv_offset[b], in.kv_offset[b + 1], h * features, features, h});
}

}  // namespace

status reference_device::attention_forward(const attention_input& in, view o, view lse) {
  each_head(in, [&](const head_span& s) {
    for (auto i = s.q_first; i < s.q_last; ++i) {
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      std::vector<double> score;
      for (auto j = s.k_first; j < s.k_last; ++j) {
        score.push_back(in.scale * dot_head(in.q, i, in.k, j, s.first, s.features));
        largest = std::max(largest, score.back());
      }
      for (const double x : score) sum += std::exp(x - largest);
      if (!lse.empty()) lse.row<double>(i)[s.head] = score.empty() ? largest : largest + std::log(sum);
      for (auto c = s.first; c < s.first + s.features; ++c) {
        double mixed = 0;
        for (auto j = s.k_first; j < s.k_last; ++j)
          mixed += std::exp(score[static_cast<std::size_t>(j - s.k_first)] - largest) / sum * in.v.row<double>(j)[c];
        o.row<double>(i)[c] = mixed;
      }
    }
  });
  return {};
}

// dV = P^T dO    dP = dO V^T    dS = P * (dP - rowsum(dO * O))    dQ = scale dS K    dK = scale dS^T Q
status reference_device::attention_backward(const attention_input& in, const_view o, const_view lse, const_view d_o,
                                            const attention_gradient& g) {
  for (const auto& d : {g.d_q, g.d_k, g.d_v}) zero(d);
  each_head(in, [&](const head_span& s) {
    for (auto i = s.q_first; i < s.q_last; ++i) {
      const double along = dot_head(d_o, i, o, i, s.first, s.features);
      for (auto j = s.k_first; j < s.k_last; ++j) {
        const double p = std::exp(in.scale * dot_head(in.q, i, in.k, j, s.first, s.features) - lse.row<double>(i)[s.head]);
        const double d_s = in.scale * p * (dot_head(d_o, i, in.v, j, s.first, s.features) - along);
        for (auto c = s.first; c < s.first + s.features; ++c) {
          g.d_v.row<double>(j)[c] += p * d_o.row<double>(i)[c];
          g.d_q.row<double>(i)[c] += d_s * in.k.row<double>(j)[c];
          g.d_k.row<double>(j)[c] += d_s * in.q.row<double>(i)[c];
        }
      }
    }
  });
  return {};
}

}  // namespace argosy
