// What the actors of a node have done, for who looks at it: each has a gauge, and the board shows them all.
// Threads  any: a gauge is written by its actor and read by another.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/job_protocol.hpp"
#include "base/clock.hpp"

namespace caf {
class scheduled_actor;
}

namespace argosy {

class actor_gauge {
public:
  // The clock outlives the gauge.
  actor_gauge(std::string name, const clock_source&);

  // The actor is there, or there anew: why the one before is not. Of the first there is nothing to say.
  void starts(const std::string& cause = {});
  void failed(const std::string& cause);
  void handled(double seconds);  // of what is not handled at once, but with waiting for others between
  actor_figures figures() const;

  // As long as it lives the actor handles a message, behind which so many wait. Of an actor without a gauge: nothing.
  class handling {
  public:
    handling(actor_gauge*, std::size_t waiting);
    ~handling();
    handling(const handling&) = delete;
    handling& operator=(const handling&) = delete;

  private:
    actor_gauge* of_;
    steady_time began_{};
  };

private:
  const clock_source* clock_;
  mutable std::mutex mutex_;
  actor_figures figures_;
};

inline constexpr actor_gauge* no_gauge = nullptr;

class actor_board {
public:
  explicit actor_board(const clock_source& clock) : clock_(&clock) {}
  actor_gauge& add(const std::string& name);  // lives as long as the board; before anybody looks
  std::vector<actor_figures> figures() const;

private:
  const clock_source* clock_;
  std::vector<std::unique_ptr<actor_gauge>> gauges_;
};

namespace detail {
// Messages that wait behind the one that the actor handles. REQUIRES its own thread
std::size_t messages_behind(caf::scheduled_actor&);

template <class Self, class Handler, class Result, class... Arguments>
auto gauged(Self* self, actor_gauge* gauge, Handler handler, Result (Handler::*)(Arguments...) const) {
  return [self, gauge, handler](Arguments... arguments) -> Result {
    const actor_gauge::handling here(gauge, messages_behind(*self));
    return handler(std::forward<Arguments>(arguments)...);
  };
}
}  // namespace detail

// The handler of a message, measured. The gauge may be null; it outlives the actor.
template <class Self, class Handler>
auto gauged(Self* self, actor_gauge* gauge, Handler handler) {
  return detail::gauged(self, gauge, handler, &Handler::operator());
}

}  // namespace argosy
