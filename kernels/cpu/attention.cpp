#include "kernels/attention.hpp"

#include <omp.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/small_product.hpp"
#include "kernels/linear.hpp"

namespace argosy {
namespace {

using cpu::vec;

constexpr std::int64_t query_block = 32;  // rows of S held at once

constexpr std::int64_t padded(std::int64_t count) { return cpu::pieces_of(count, 16) * 16; }

// One head of one sequence: Tq query rows from `query`, Tk key rows from `key`, columns from `column`.
struct part {
  std::int64_t query, t_q, key, t_k, column;
  int head;
};

struct plan {
  std::int64_t sequences, head_dim, most_keys = 0;
  double flops_of_two = 0;  // of one product of every Tq x Tk x D

  explicit plan(const attention_input& in) : sequences(static_cast<std::int64_t>(in.q_offset.size()) - 1), head_dim(in.q.cols / in.heads) {
    for (std::int64_t b = 0; b < sequences; ++b) {
      const part p = part_of(in, b * in.heads);
      most_keys = std::max(most_keys, p.t_k);
      flops_of_two += 2.0 * static_cast<double>(p.t_q) * static_cast<double>(p.t_k) * static_cast<double>(in.q.cols);
    }
  }

  part part_of(const attention_input& in, std::int64_t index) const {
    const std::size_t b = static_cast<std::size_t>(index / in.heads);
    const int head = static_cast<int>(index % in.heads);
    const std::int64_t q = in.q_offset[b], k = in.kv_offset[b];
    return {q, in.q_offset[b + 1] - q, k, in.kv_offset[b + 1] - k, head * head_dim, head};
  }
};

// body(part, buffer) for every head of every sequence; each thread has `floats` of `buffers` to itself.
template <class Body>
void for_parts(int threads, const attention_input& in, const plan& of, float* buffers, std::int64_t floats, const Body& body) {
  const std::int64_t parts = of.sequences * in.heads;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t index = 0; index < parts; ++index) body(of.part_of(in, index), buffers + omp_get_thread_num() * floats);
}

// to (D, width) = rows of x transposed; columns past t_k are 0.
void transpose(const_view x, const part& p, std::int64_t head_dim, std::int64_t width, float* to) {
  for (std::int64_t j = 0; j < p.t_k; ++j) {
    const float* const from = x.row<float>(p.key + j) + p.column;
    for (std::int64_t d = 0; d < head_dim; ++d) to[d * width + j] = from[d];
  }
  for (std::int64_t d = 0; d < head_dim; ++d) std::fill(to + d * width + p.t_k, to + (d + 1) * width, 0.f);
}

// s (count, width) = rows of x times a transposed matrix.
void scores(const_view x, const part& p, std::int64_t first, std::int64_t count, std::int64_t head_dim, std::int64_t width,
            const float* transposed, float* s) {
  const float* const rows = x.row<float>(p.query + first) + p.column;
  cpu::small_product(count, width, head_dim, {rows, x.stride, 1}, {transposed, width}, false, s, width);
}

float softmax_row(std::int64_t t_k, std::int64_t width, float scale, float* s) {
  std::fill(s + t_k, s + width, -std::numeric_limits<float>::infinity());
  const float top = cpu::largest_of(width, s);
  cpu::map(
      width, s, [=](vec x) { return cpu::exp((x - top) * scale); }, s);
  const float total = cpu::map_sum(
      width, [](vec x) { return x; }, s);
  cpu::map(
      width, s, [by = 1.f / total](vec x) { return x * by; }, s);
  return top * scale + std::log(total);
}

void forward_part(const attention_input& in, const part& p, std::int64_t head_dim, float* buffer, view o, view lse) {
  const std::int64_t width = padded(p.t_k);
  float *const k_t = buffer, *const s = k_t + head_dim * width;
  transpose(in.k, p, head_dim, width, k_t);
  const cpu::small_rows v{p.t_k == 0 ? nullptr : in.v.row<float>(p.key) + p.column, in.v.stride};
  for (std::int64_t first = 0; first < p.t_q; first += query_block) {
    const std::int64_t count = std::min(query_block, p.t_q - first);
    if (p.t_k > 0) scores(in.q, p, first, count, head_dim, width, k_t, s);
    for (std::int64_t i = 0; i < count; ++i) {
      const float sum =
          p.t_k > 0 ? softmax_row(p.t_k, width, static_cast<float>(in.scale), s + i * width) : -std::numeric_limits<float>::infinity();
      if (!lse.empty()) lse.row<float>(p.query + first + i)[p.head] = sum;
    }
    cpu::small_product(count, head_dim, p.t_k, {s, width, 1}, v, false, o.row<float>(p.query + first) + p.column, o.stride);
  }
}

struct backward_arguments {
  const attention_input& in;
  const_view o, lse, d_o;
  const attention_gradient& gradient;
};

// S becomes P = exp(scale * S - lse) and dP becomes dS = scale * P * (dP - o.dO).
void score_gradient(const backward_arguments& a, const part& p, std::int64_t row, std::int64_t head_dim, std::int64_t width, float* s,
                    float* d_p) {
  const float lse = a.lse.row<float>(row)[p.head], scale = static_cast<float>(a.in.scale);
  const float along = cpu::map_sum(
      head_dim, [](vec x, vec y) { return x * y; }, a.o.row<float>(row) + p.column, a.d_o.row<float>(row) + p.column);
  cpu::map(
      width, s, [=](vec x) { return cpu::exp(x * scale - lse); }, s);
  std::fill(s + p.t_k, s + width, 0.f);
  cpu::map(
      width, d_p, [=](vec x, vec d) { return x * (d - along) * scale; }, s, d_p);
}

void clear(view x, std::int64_t first, std::int64_t count, std::int64_t column, std::int64_t cols) {
  for (std::int64_t row = first; row < first + count; ++row) std::fill_n(x.row<float>(row) + column, cols, 0.f);
}

void backward_part(const backward_arguments& a, const part& p, std::int64_t head_dim, float* buffer) {
  const auto& [d_q, d_k, d_v] = a.gradient;
  if (p.t_q == 0 || p.t_k == 0) {
    clear(d_q, p.query, p.t_q, p.column, head_dim);
    clear(d_k, p.key, p.t_k, p.column, head_dim);
    clear(d_v, p.key, p.t_k, p.column, head_dim);
    return;
  }
  const std::int64_t width = padded(p.t_k);
  float *const k_t = buffer, *const v_t = k_t + head_dim * width, *const s = v_t + head_dim * width, *const d_s = s + query_block * width;
  transpose(a.in.k, p, head_dim, width, k_t);
  transpose(a.in.v, p, head_dim, width, v_t);
  const cpu::small_rows k{a.in.k.row<float>(p.key) + p.column, a.in.k.stride};
  for (std::int64_t first = 0; first < p.t_q; first += query_block) {
    const std::int64_t count = std::min(query_block, p.t_q - first), row = p.query + first;
    scores(a.in.q, p, first, count, head_dim, width, k_t, s);
    scores(a.d_o, p, first, count, head_dim, width, v_t, d_s);
    for (std::int64_t i = 0; i < count; ++i) score_gradient(a, p, row + i, head_dim, width, s + i * width, d_s + i * width);
    const cpu::small_rows q{a.in.q.row<float>(row) + p.column, a.in.q.stride}, d_o{a.d_o.row<float>(row) + p.column, a.d_o.stride};
    const bool add = first > 0;
    cpu::small_product(count, head_dim, p.t_k, {d_s, width, 1}, k, false, d_q.row<float>(row) + p.column, d_q.stride);
    cpu::small_product(p.t_k, head_dim, count, {s, 1, width}, d_o, add, d_v.row<float>(p.key) + p.column, d_v.stride);
    cpu::small_product(p.t_k, head_dim, count, {d_s, 1, width}, q, add, d_k.row<float>(p.key) + p.column, d_k.stride);
  }
}

}  // namespace

status cpu_device::attention_forward(const attention_input& in, view o, view lse) {
  const plan of(in);
  const std::int64_t floats = (of.head_dim + query_block) * padded(of.most_keys);
  ARGOSY_ASSIGN(float* buffers, scratch(threads_ * floats));
  for_parts(threads_, in, of, buffers, floats, [&](const part& p, float* buffer) { forward_part(in, p, of.head_dim, buffer, o, lse); });
  count_product_flops(2 * of.flops_of_two);
  return {};
}

status cpu_device::attention_backward(const attention_input& in, const_view o, const_view lse, const_view d_o,
                                      const attention_gradient& gradient) {
  const plan of(in);
  const std::int64_t floats = 2 * (of.head_dim + query_block) * padded(of.most_keys);
  ARGOSY_ASSIGN(float* buffers, scratch(threads_ * floats));
  const backward_arguments arguments{in, o, lse, d_o, gradient};
  for_parts(threads_, in, of, buffers, floats, [&](const part& p, float* buffer) { backward_part(arguments, p, of.head_dim, buffer); });
  count_product_flops(5 * of.flops_of_two);
  return {};
}

}  // namespace argosy
