// Paired bootstrap: how far the mean difference of two systems could be another with other queries of the same kind.
//   d_q = measure of system A on query q - that of system B;   a resample draws as many queries, with replacement, and takes its mean.
// The interval is the percentile one: k = floor((resamples + 1) * 0.025); the k-th least and the k-th largest mean (at least the first).
// Efron and Tibshirani, An Introduction to the Bootstrap, 1993, sections 12.5 and 13.3.
// Draws come from Philox (base/random.hpp), so the same differences and seed give the same bits.
// Cost  resamples * differences.size() draws, 8 bytes a resample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace argosy {

struct interval {
  double mean = 0, low = 0, high = 0;
};

// 95 %. All three are NaN without differences, low and high without resamples.
interval paired_bootstrap(std::span<const double> differences, std::size_t resamples, std::uint64_t seed);

}  // namespace argosy
