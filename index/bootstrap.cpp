#include "index/bootstrap.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "base/random.hpp"

namespace argosy {
namespace {

constexpr double tail = 0.025;
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

// Uniform in 0 .. below - 1, up to a bias of below / 2^32.
std::size_t place(std::uint32_t bits, std::size_t below) noexcept {
  return static_cast<std::size_t>((static_cast<std::uint64_t>(bits) * below) >> 32);
}

// Site 0 is nobody's in draw_site, so these draws are nobody else's under the same seed.
double resampled_mean(std::span<const double> values, std::uint32_t resample, std::uint64_t seed) noexcept {
  double sum = 0;
  for (std::size_t at = 0; at < values.size(); at += 4) {
    const philox_block drawn = philox(seed, {static_cast<std::uint32_t>(at / 4), resample, 0, 0});
    const std::size_t here = std::min<std::size_t>(4, values.size() - at);
    for (std::size_t i = 0; i < here; ++i) sum += values[place(drawn[i], values.size())];
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

interval paired_bootstrap(std::span<const double> differences, std::size_t resamples, std::uint64_t seed) {
  if (differences.empty()) return {nothing, nothing, nothing};
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / static_cast<double>(differences.size());
  if (resamples == 0) return {mean, nothing, nothing};
  std::vector<double> means(resamples);
  for (std::size_t r = 0; r < resamples; ++r) means[r] = resampled_mean(differences, static_cast<std::uint32_t>(r), seed);
  std::sort(means.begin(), means.end());
  const std::size_t k = std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(resamples + 1) * tail));
  return {mean, means[k - 1], means[resamples - k]};
}

}  // namespace argosy
