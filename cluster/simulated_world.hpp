// What simulated worlds share: time as a queue of events, chance from one seed, links that can be cut, a log whose digest tells lives apart.
// The same seed gives the same life, byte for byte.   Threads  one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"

namespace argosy {

using simulation_log = std::function<void(const std::string&)>;  // each line of what happens; may be empty

class draws {
public:
  explicit draws(std::uint64_t seed) : bits_(seed) {}
  double uniform() { return static_cast<double>(bits_() >> 11) * 0x1.0p-53; }
  bool chance(double p) { return uniform() < p; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  double long_tailed(double typical);  // most are short, few are very long
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(uniform() * static_cast<double>(n)); }

private:
  std::mt19937_64 bits_;
};

// Thrown and caught within a simulation, whose answer it becomes.
class broken_invariant {
public:
  explicit broken_invariant(std::string what) : what_(std::move(what)) {}
  const std::string& what() const noexcept { return what_; }

private:
  std::string what_;
};

class simulated_world {
public:
  std::uint64_t digest() const noexcept { return digest_; }  // of the log

protected:
  simulated_world(std::uint64_t seed, simulation_log log) : draw_(seed), log_(std::move(log)) {}
  ~simulated_world() = default;

  void at(double after_s, std::function<void()> what) { events_.push({now_s_ + after_s, ++event_number_, std::move(what)}); }
  bool live_until(const bool& over, double patience_s);  // false: it is not over by then. Broken: nothing happens any more
  double now_s() const noexcept { return now_s_; }
  steady_time now() const;
  void tell(const std::string& line);
  [[noreturn]] void violated(const std::string& what);

  using link = std::pair<int, int>;  // of two places
  bool is_cut(int a, int b) const { return cut_.contains(std::minmax(a, b)); }
  // Of each link between one side and the other, which are drawn; whole again after a while.
  void cut_links(const std::vector<int>& places, double longest_s);

  draws draw_;

private:
  struct event {
    double at_s;
    std::uint64_t number;
    std::function<void()> what;
    bool operator>(const event& other) const { return std::pair(at_s, number) > std::pair(other.at_s, other.number); }
  };
  simulation_log log_;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::map<link, int> cut_;  // how often
  double now_s_ = 0;
  std::uint64_t event_number_ = 0, digest_ = 0;
};

// internal, with the seed, where an invariant breaks.
template <class Life>
auto lived_through(std::uint64_t seed, Life life) -> result<decltype(life())> {
  try {
    return life();
  } catch (const broken_invariant& broken) {
    return status{errc::internal, "seed " + std::to_string(seed) + ": " + broken.what()};
  }
}

}  // namespace argosy
