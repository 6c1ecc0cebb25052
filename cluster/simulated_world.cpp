#include "cluster/simulated_world.hpp"

#include <chrono>
#include <cmath>

namespace argosy {

double draws::long_tailed(double typical) { return typical * -std::log(1 - uniform()) + (chance(.01) ? typical * 50 * uniform() : 0); }

bool simulated_world::live_until(const bool& over, double patience_s) {
  while (!over) {
    if (events_.empty()) violated("nothing will ever happen again");
    const event next = events_.top();
    events_.pop();
    now_s_ = next.at_s;
    if (now_s_ > patience_s) return false;
    next.what();
  }
  return true;
}

steady_time simulated_world::now() const {
  return steady_time(std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(now_s_ + 1000)));
}

void simulated_world::tell(const std::string& line) {
  const std::string whole = std::to_string(static_cast<std::uint64_t>(now_s_ * 1e6)) + " us  " + line;
  for (const char c : whole) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  if (log_) log_(whole);
}

void simulated_world::violated(const std::string& what) {
  tell("broken: " + what);
  throw broken_invariant("after " + std::to_string(now_s_) + " s: " + what);
}

void simulated_world::cut_links(const std::vector<int>& places, double longest_s) {
  std::vector<int> one, other;
  for (const int place : places) (draw_.chance(.5) ? one : other).push_back(place);
  std::vector<link> links;
  for (const int a : one)
    for (const int b : other) links.emplace_back(std::minmax(a, b));
  for (const link& each : links) ++cut_[each];
  tell(std::to_string(links.size()) + " links are cut");
  at(draw_.between(.2, longest_s), [this, links] {
    for (const link& each : links)
      if (--cut_[each] == 0) cut_.erase(each);
    tell("links are whole");
  });
}

}  // namespace argosy
