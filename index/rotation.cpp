#include "index/rotation.hpp"

#include <eigen3/Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "index/kmeans.hpp"
#include "index/lanes.hpp"

namespace argosy {
namespace {

using matrix = Eigen::MatrixXd;
using column = Eigen::VectorXd;

constexpr std::size_t drawn_for_moments = 1 << 15;
constexpr double ridge = 0.05, left_out = 1e-4;
constexpr std::size_t kept_multiple = 16;

struct moments {
  column mean;
  matrix second;
};

moments moments_of(const_view vectors, const std::vector<std::uint32_t>& rows) {
  constexpr Eigen::Index tile = 256;
  const Eigen::Index columns = vectors.cols;
  moments found{column::Zero(columns), matrix::Zero(columns, columns)};
  matrix block(columns, tile);
  for (std::size_t first = 0; first < rows.size(); first += tile) {
    const auto count = static_cast<Eigen::Index>(std::min<std::size_t>(tile, rows.size() - first));
    for (Eigen::Index r = 0; r < count; ++r) {
      const float* x = vectors.row<float>(rows[first + static_cast<std::size_t>(r)]);
      block.col(r) = Eigen::Map<const Eigen::VectorXf>(x, columns).cast<double>();
    }
    found.mean += block.leftCols(count).rowwise().sum();
    found.second.selfadjointView<Eigen::Lower>().rankUpdate(block.leftCols(count));
  }
  const auto count = static_cast<double>(rows.size());
  found.mean /= count;
  found.second = matrix(found.second.selfadjointView<Eigen::Lower>()) / count;
  return found;
}

void rotate_from(std::size_t k, std::span<const float> axes_by_columns, std::size_t columns, const float* x, float* out) noexcept {
  for (; k < columns; ++k) {
    out[k] = 0;
    for (std::size_t i = 0; i < columns; ++i) out[k] = multiply_add(x[i], axes_by_columns[i * columns + k], out[k]);
  }
}

std::size_t axes_worth_keeping(const column& spread) {
  const auto columns = static_cast<std::size_t>(spread.size());
  double left = 0;
  std::size_t kept = columns;
  for (; kept > 1; --kept) {
    left += spread[static_cast<Eigen::Index>(kept - 1)];
    if (left > left_out * spread.sum()) break;
  }
  return std::min(columns, (kept + kept_multiple - 1) / kept_multiple * kept_multiple);
}

}  // namespace

rotation train_rotation(const_view vectors, std::uint64_t seed) {
  ARGOSY_CHECK(vectors.rows > 0);
  const moments found = moments_of(vectors, drawn_rows(all_rows(static_cast<std::size_t>(vectors.rows)), drawn_for_moments, seed));
  const Eigen::SelfAdjointEigenSolver<matrix> solved(found.second - found.mean * found.mean.transpose());
  const matrix axes = solved.eigenvectors().rowwise().reverse().transpose();
  const column lambda = solved.eigenvalues().reverse().cwiseMax(0);
  const double evenly = found.second.trace() / static_cast<double>(vectors.cols);
  column s = (axes * found.second * axes.transpose()).diagonal() * (1 - ridge);
  s.array() += evenly > 0 ? ridge * evenly : 1.0;

  rotation made{static_cast<std::size_t>(vectors.cols), axes_worth_keeping(s.cwiseProduct(lambda)), {}, {}, {}};
  for (Eigen::Index k = 0; k < axes.rows(); ++k) {
    for (Eigen::Index i = 0; i < axes.cols(); ++i) made.axes.push_back(static_cast<float>(axes(k, i)));
    made.mean.push_back(static_cast<float>(axes.row(k).dot(found.mean)));
    if (static_cast<std::size_t>(k) < made.kept) made.weight.push_back(static_cast<float>(std::sqrt(s[k] / s.maxCoeff())));
  }
  return made;
}

std::vector<float> by_columns(std::span<const float> axes, std::size_t columns) {
  std::vector<float> turned(axes.size());
  for (std::size_t k = 0; k < columns; ++k) {
    for (std::size_t i = 0; i < columns; ++i) turned[i * columns + k] = axes[k * columns + i];
  }
  return turned;
}

void rotate(std::span<const float> axes_by_columns, std::size_t columns, const float* x, float* out) noexcept {
  constexpr std::size_t at_once = 8 * lane_count;  // sums stay in registers while the columns go by
  std::size_t k = 0;
  for (; k + at_once <= columns; k += at_once) {
    lanes sum[8] = {};
    for (std::size_t i = 0; i < columns; ++i) {
      const lanes value = splat(x[i]);
      const float* axis = axes_by_columns.data() + i * columns + k;
#pragma GCC unroll 8
      for (std::size_t l = 0; l < 8; ++l) sum[l] = multiply_add(value, load(axis + l * lane_count), sum[l]);
    }
    for (std::size_t l = 0; l < 8; ++l) store(out + k + l * lane_count, sum[l]);
  }
  rotate_from(k, axes_by_columns, columns, x, out);
}

void rotate(std::span<const float> axes_by_columns, const_view x, float* out) noexcept {
  constexpr std::size_t at_once = 2 * lane_count;
  const auto columns = static_cast<std::size_t>(x.cols);
  std::int64_t row = 0;
  for (; row + static_cast<std::int64_t>(rotated_together) <= x.rows; row += rotated_together, out += rotated_together * columns) {
    const float* in[rotated_together];
    for (std::size_t r = 0; r < rotated_together; ++r) in[r] = x.row<float>(row + static_cast<std::int64_t>(r));
    std::size_t k = 0;
    for (; k + at_once <= columns; k += at_once) {
      lanes sum[rotated_together][2] = {};
      for (std::size_t i = 0; i < columns; ++i) {
        const float* axis = axes_by_columns.data() + i * columns + k;
        const lanes low = load(axis), high = load(axis + lane_count);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < rotated_together; ++r) {
          const lanes value = splat(in[r][i]);
          sum[r][0] = multiply_add(value, low, sum[r][0]);
          sum[r][1] = multiply_add(value, high, sum[r][1]);
        }
      }
      for (std::size_t r = 0; r < rotated_together; ++r) {
        store(out + r * columns + k, sum[r][0]);
        store(out + r * columns + k + lane_count, sum[r][1]);
      }
    }
    for (std::size_t r = 0; r < rotated_together; ++r) rotate_from(k, axes_by_columns, columns, in[r], out + r * columns);
  }
  for (; row < x.rows; ++row, out += columns) rotate(axes_by_columns, columns, x.row<float>(row), out);
}

std::vector<float> project_rows(const rotation& by, const_view vectors, int threads) {
  const auto rows = all_rows(static_cast<std::size_t>(vectors.rows));
  std::vector<float> projected(rows.size() * by.kept);
  const centroid_panels panels(view_of(by.axes.data(), static_cast<std::int64_t>(by.kept), vectors.cols));
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> tile(tile_rows * by.columns), scores;
#pragma omp for schedule(static)
    for (std::size_t first = 0; first < rows.size(); first += tile_rows) {
      const std::size_t count = std::min(tile_rows, rows.size() - first);
      gather_rows(vectors, std::span(rows).subspan(first, count), tile.data());
      panels.products(tile.data(), count, scores, [&](std::size_t r, std::size_t k, float product) {
        projected[(first + r) * by.kept + k] = by.weight[k] * (product - by.mean[k]);
      });
    }
  }
  return projected;
}

}  // namespace argosy
