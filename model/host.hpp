// Small numbers of a device read and written by the host: sums of losses, trained scalars. Of devices whose memory the host can read.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>

#include "kernels/tensor.hpp"

namespace argosy {

template <class Body>
auto with_numbers(const_view v, Body body) {
  return v.type == dtype::f32 ? body(v.template as<float>()) : body(v.template as<double>());
}

inline double number_at(const_view v) {
  return with_numbers(v, [](const auto* x) { return static_cast<double>(*x); });
}

inline void add_number(view v, double by) {
  if (v.type == dtype::f32)
    *v.as<float>() += static_cast<float>(by);
  else
    *v.as<double>() += by;
}

inline double total_of(const_view v) {
  double sum = 0;
  for (std::int64_t r = 0; r < v.rows; ++r)
    sum = with_numbers(v.row_range(r, 1), [&](const auto* x) {
      return std::accumulate(x, x + v.cols, sum, [](double a, auto b) { return a + static_cast<double>(b); });
    });
  return sum;
}

inline void write_row(view to, std::span<const float> from) {
  if (to.type == dtype::f32)
    std::ranges::copy(from, to.as<float>());
  else
    std::ranges::copy(from, to.as<double>());
}

}  // namespace argosy
