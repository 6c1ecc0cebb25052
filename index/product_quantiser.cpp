#include "index/product_quantiser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "index/code_scan.hpp"
#include "index/kmeans.hpp"
#include "index/lanes.hpp"

namespace argosy {
namespace {

constexpr int training_iterations = 25;
constexpr std::size_t widest_part = 8;

std::vector<double> variances_of(const_view rows) {
  const auto columns = static_cast<std::size_t>(rows.cols);
  std::vector<double> sum(columns), square(columns), variance(columns);
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    for (std::size_t i = 0; i < columns; ++i) {
      const double x = static_cast<double>(rows.row<float>(r)[i]);
      sum[i] += x;
      square[i] += x * x;
    }
  }
  const auto count = static_cast<double>(rows.rows);
  for (std::size_t i = 0; i < columns; ++i) variance[i] = square[i] / count - sum[i] / count * (sum[i] / count);
  return variance;
}

std::size_t parts_for(std::size_t wanted, std::size_t columns) noexcept {
  return std::clamp(wanted, (columns + widest_part - 1) / widest_part, columns);
}

// 16 sums of one part: query[i] * codebook column i, from `start`.
struct entries {
  lanes low = {}, high = {};
};
entries entries_of(const float* part, const float* book, std::size_t width, entries start) noexcept {
  for (std::size_t i = 0; i < width; ++i) {
    const lanes q = splat(part[i]);
    start.low = multiply_add(q, load(book + i * part_entries), start.low);
    start.high = multiply_add(q, load(book + i * part_entries + lane_count), start.high);
  }
  return start;
}

}  // namespace

// By dynamic programming: cost[m][i] of the first i columns in m parts.
std::vector<std::uint32_t> part_widths(std::span<const double> variances, std::size_t parts) {
  const std::size_t columns = variances.size();
  ARGOSY_CHECK(parts >= 1 && parts <= columns && columns <= parts * widest_part);
  std::vector<double> logs(columns + 1);
  for (std::size_t i = 0; i < columns; ++i) logs[i + 1] = logs[i] + std::log2(std::max(variances[i], 1e-30));
  std::vector<std::vector<double>> cost(parts + 1, std::vector<double>(columns + 1, std::numeric_limits<double>::infinity()));
  std::vector<std::vector<std::uint32_t>> last(parts + 1, std::vector<std::uint32_t>(columns + 1));
  cost[0][0] = 0;
  for (std::size_t m = 1; m <= parts; ++m) {
    for (std::size_t i = m; i <= columns; ++i) {
      for (std::size_t w = 1; w <= std::min(i, widest_part); ++w) {
        const double width = static_cast<double>(w);
        const double with = cost[m - 1][i - w] + width * std::exp2((logs[i] - logs[i - w] - 8) / width);
        if (!(with < cost[m][i])) continue;
        cost[m][i] = with;
        last[m][i] = static_cast<std::uint32_t>(w);
      }
    }
  }
  std::vector<std::uint32_t> widths(parts);
  for (std::size_t m = parts, i = columns; m > 0; --m) {
    widths[m - 1] = last[m][i];
    i -= last[m][i];
  }
  return widths;
}

product_quantiser::product_quantiser(std::vector<std::uint32_t> first, std::vector<float> codebook)
    : first_(std::move(first)), codebook_(std::move(codebook)), half_square_(parts() * part_entries) {
  ARGOSY_CHECK(parts() % parts_multiple == 0 && codebook_.size() == columns() * part_entries);
  for (std::size_t m = 0; m < parts(); ++m) {
    for (std::size_t i = first_[m] * part_entries; i < first_[m + 1] * part_entries; ++i)
      half_square_[m * part_entries + i % part_entries] += 0.5f * codebook_[i] * codebook_[i];
  }
}

product_quantiser product_quantiser::train(const_view rows, std::size_t parts, std::uint64_t seed, int threads) {
  ARGOSY_CHECK(rows.rows > 0);
  const auto count = static_cast<std::size_t>(rows.rows), columns = static_cast<std::size_t>(rows.cols);
  std::vector<std::uint32_t> first = {0};
  const auto all = all_rows(count);
  for (const std::uint32_t width : part_widths(variances_of(rows), parts_for(parts, columns))) first.push_back(first.back() + width);
  const std::size_t filled = first.size() - 1;
  first.resize((filled + parts_multiple - 1) / parts_multiple * parts_multiple + 1, first.back());
  std::vector<float> codebook(columns * part_entries);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t m = 0; m < filled; ++m) {
    const std::size_t width = first[m + 1] - first[m];
    std::vector<float> part(count * width);
    for (std::size_t r = 0; r < count; ++r)
      std::copy_n(rows.row<float>(static_cast<std::int64_t>(r)) + first[m], width, part.data() + r * width);
    const const_view points = view_of(std::as_const(part).data(), rows.rows, static_cast<std::int64_t>(width));
    const auto book =
        train_kmeans(points, all, {.clusters = part_entries, .iterations = training_iterations, .seed = seed + m, .threads = 1});
    for (std::size_t at = 0; at < book.size(); ++at)  // (16, width) to (width, 16)
      codebook[(first[m] + at % width) * part_entries + at / width] = book[at];
  }
  return {std::move(first), std::move(codebook)};
}

void product_quantiser::encode(const float* row, std::uint8_t* codes) const noexcept {
  for (std::size_t m = 0; m < parts(); ++m) {
    const float* half = half_square_.data() + m * part_entries;
    const entries found = entries_of(row + first_[m], codebook_.data() + first_[m] * part_entries, first_[m + 1] - first_[m],
                                     {-load(half), -load(half + lane_count)});
    float nearness[part_entries];
    store(nearness, found.low);
    store(nearness + lane_count, found.high);
    codes[m] = static_cast<std::uint8_t>(std::max_element(nearness, nearness + part_entries) - nearness);
  }
}

void product_quantiser::make_table(const float* query, code_table& table) const {
  thread_local std::vector<float> values, least;
  values.resize(parts() * part_entries);
  least.resize(parts());
  float widest = 0;
  table.bias = 0;
  for (std::size_t m = 0; m < parts(); ++m) {
    const entries found = entries_of(query + first_[m], codebook_.data() + first_[m] * part_entries, first_[m + 1] - first_[m], {});
    float* part = values.data() + m * part_entries;
    store(part, found.low);
    store(part + lane_count, found.high);
    const auto [low, high] = std::minmax_element(part, part + part_entries);
    least[m] = *low;
    widest = std::max(widest, *high - *low);
    table.bias += *low;
  }
  table.step = widest > 0 ? widest / static_cast<float>(entry_limit(parts())) : 1.0f;
  const float per_step = 1 / table.step, most = static_cast<float>(entry_limit(parts()));
  table.entries.resize(values.size());
  for (std::size_t m = 0; m < parts(); ++m) {
    for (std::size_t at = m * part_entries; at < (m + 1) * part_entries; ++at)
      table.entries[at] = static_cast<std::uint8_t>(std::nearbyint(std::min(most, std::max(0.0f, (values[at] - least[m]) * per_step))));
  }
}

}  // namespace argosy
