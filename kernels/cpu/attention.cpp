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

constexpr std::int64_t few_queries = 3;  // up to so many, dot products beat a transposed copy of the keys

constexpr std::int64_t padded(std::int64_t count) { return cpu::pieces_of(count, cpu::lanes) * cpu::lanes; }

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

float dot(std::int64_t count, const float* a, const float* b) {
  return cpu::map_sum(
      count, [](vec x, vec y) { return x * y; }, a, b);
}

// The keys or values of a part as the right side of scores: a transposed copy, or for few queries the rows themselves.
struct key_side {
  cpu::small_rows rows;
  const float* transposed = nullptr;  // (D, width)

  key_side(const_view x, const part& p, std::int64_t head_dim, std::int64_t width, float* buffer)
      : rows{p.t_k == 0 ? nullptr : x.row<float>(p.key) + p.column, x.stride} {
    if (p.t_q <= few_queries) return;
    cpu::small_transpose(p.t_k, head_dim, rows, buffer, width);
    transposed = buffer;
  }
};

// s (count, width) = rows of x, from `first` of the part, times keys.
void scores(const_view x, const part& p, std::int64_t first, std::int64_t count, std::int64_t head_dim, std::int64_t width,
            const key_side& keys, float* s) {
  const float* const rows = x.row<float>(p.query + first) + p.column;
  if (keys.transposed != nullptr) {
    cpu::small_product(count, width, head_dim, {rows, x.stride, 1}, {keys.transposed, width}, false, s, width);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const float* const row = rows + i * x.stride;
    for (std::int64_t j = 0; j < p.t_k; ++j) s[i * width + j] = dot(head_dim, row, keys.rows.data + j * keys.rows.stride);
    std::fill(s + i * width + p.t_k, s + (i + 1) * width, 0.f);
  }
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
  float* const s = buffer + head_dim * width;
  const key_side keys(in.k, p, head_dim, width, buffer);
  const cpu::small_rows v{p.t_k == 0 ? nullptr : in.v.row<float>(p.key) + p.column, in.v.stride};
  for (std::int64_t first = 0; first < p.t_q; first += query_block) {
    const std::int64_t count = std::min(query_block, p.t_q - first);
    if (p.t_k > 0) scores(in.q, p, first, count, head_dim, width, keys, s);
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
  const float along = dot(head_dim, a.o.row<float>(row) + p.column, a.d_o.row<float>(row) + p.column);
  cpu::map(
      width, s, [=](vec x) { return cpu::exp(x * scale - lse); }, s);
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
  float *const s = buffer + 2 * head_dim * width, *const d_s = s + query_block * width;
  const key_side keys(a.in.k, p, head_dim, width, buffer), values(a.in.v, p, head_dim, width, buffer + head_dim * width);
  for (std::int64_t first = 0; first < p.t_q; first += query_block) {
    const std::int64_t count = std::min(query_block, p.t_q - first), row = p.query + first;
    scores(a.in.q, p, first, count, head_dim, width, keys, s);
    scores(a.d_o, p, first, count, head_dim, width, values, d_s);
    for (std::int64_t i = 0; i < count; ++i) score_gradient(a, p, row + i, head_dim, width, s + i * width, d_s + i * width);
    const cpu::small_rows q{a.in.q.row<float>(row) + p.column, a.in.q.stride}, d_o{a.d_o.row<float>(row) + p.column, a.d_o.stride};
    const bool add = first > 0;
    cpu::small_product(count, head_dim, p.t_k, {d_s, width, 1}, keys.rows, false, d_q.row<float>(row) + p.column, d_q.stride);
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
