// Dropout of a row, for the operators that have it in their own pass.
#pragma once

#include <cstdint>

#include "kernels/dropout.hpp"

namespace argosy::cpu {

// The input outlives it.
class row_dropout {
public:
  explicit row_dropout(const dropout_input&);
  bool drops() const noexcept { return dropped_below_ > 0; }
  // to[c] = from[c] * keep / (1 - rate) for the `cols` columns of the row; `to` may be `from`. REQUIRES drops().
  void operator()(std::int64_t row, std::int64_t cols, const float* from, float* to) const;

private:
  const dropout_input& in_;
  std::int32_t dropped_below_;  // of a draw of 24 bits
  float kept_;
};

}  // namespace argosy::cpu
