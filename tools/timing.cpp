#include "tools/timing.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

// Between neighbours, linearly.
double quantile(const std::vector<double>& rising, double share) {
  const double place = share * static_cast<double>(rising.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, rising.size() - 1);
  return std::lerp(rising[below], rising[above], place - static_cast<double>(below));
}

}  // namespace

timing timing_of(std::vector<double> seconds) {
  ARGOSY_CHECK(!seconds.empty());
  std::sort(seconds.begin(), seconds.end());
  return {quantile(seconds, .5), quantile(seconds, .25), quantile(seconds, .75)};
}

std::string spread_text(const timing& t) {
  return fixed(t.median * 1e3, 2) + " ms (" + fixed(t.low * 1e3, 2) + " .. " + fixed(t.high * 1e3, 2) + ")";
}

}  // namespace argosy
