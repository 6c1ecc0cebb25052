// Draws for rows of three to a sequence, for tests of dropout.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/dropout.hpp"

namespace argosy::test {

struct dropped_rows {
  explicit dropped_rows(std::int64_t rows) {
    for (std::int64_t r = 0; r < rows; ++r) {
      pair.push_back(static_cast<std::uint32_t>(r / 3) + 1000);
      position.push_back(static_cast<std::int32_t>(r % 3));
    }
  }
  dropout_input at(double rate) const { return {{.seed = 1ull << 40, .step = 7, .site = 16}, rate, pair, position}; }

  std::vector<std::uint32_t> pair;
  std::vector<std::int32_t> position;
};

}  // namespace argosy::test
