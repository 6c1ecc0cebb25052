#include "tools/random_rows.hpp"

#include <cmath>
#include <span>

#include "base/random.hpp"

namespace argosy {

std::vector<float> random_unit_rows(std::uint64_t rows, std::uint64_t columns, std::uint64_t seed) {
  std::vector<float> values(rows * columns);
  for (std::uint64_t r = 0; r < rows; ++r) {
    double squares = 0;
    const std::span row(values.data() + r * columns, columns);
    for (std::uint64_t c = 0; c < columns; ++c) {
      const double drawn = random_normal({seed, 0, 0}, static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c));
      row[c] = static_cast<float>(drawn);
      squares += drawn * drawn;
    }
    for (float& value : row) value /= static_cast<float>(std::sqrt(squares));
  }
  return values;
}

}  // namespace argosy
