// Matrices of random numbers on the host.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "kernels/tensor.hpp"

namespace argosy::test {

struct matrix {
  std::int64_t rows = 0, cols = 0;
  std::vector<float> values;
  operator const_view() const noexcept { return view_of(values.data(), rows, cols); }
};

template <class Draw>
matrix make_matrix(std::int64_t rows, std::int64_t cols, Draw draw) {
  matrix made{rows, cols, std::vector<float>(static_cast<std::size_t>(rows * cols))};
  std::uint32_t at = 0;
  for (auto& value : made.values) value = draw(at++);
  return made;
}

inline matrix normal_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  return make_matrix(rows, cols, [&](std::uint32_t at) { return static_cast<float>(random_normal({seed, 0, 0}, 0, at)); });
}

// Whole numbers from -3 to 3: their products and sums are exact in float.
inline matrix small_integers(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  return make_matrix(rows, cols, [&](std::uint32_t at) {
    return static_cast<float>(static_cast<int>(random_bits({seed, 0, 0}, 0, at) % 7) - 3);
  });
}

}  // namespace argosy::test
