// Seconds of repeated work, told as median and spread.
#pragma once

#include <string>
#include <vector>

namespace argosy {

struct timing {
  double median = 0, low = 0, high = 0;  // low and high: the quartiles
};

// REQUIRES at least one.
timing timing_of(std::vector<double> seconds);
std::string spread_text(const timing&);  // "1.24 ms (1.20 .. 1.31)"

}  // namespace argosy
