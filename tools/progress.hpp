// How far a command is, on standard error: one line rewritten in place on a terminal, a plain line every few seconds elsewhere.
//   vocabulary  1,200 of 3,000 words  40 %  600/s  3 s left
// A new stage starts a new line. Threads: one.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace argosy {

// Work that is counted. Rate and time left are measured from the stage's start unless they are given.
struct progress {
  std::string_view stage = {}, unit = {};
  std::uint64_t done = 0, total = 0;  // total 0: unknown
  std::optional<double> rate = {}, seconds_left = {};
  std::string_view rate_unit = {};  // empty: none
  std::string detail = {};          // goes last
};

class progress_line {
public:
  // Both outlive the line. `columns` of the terminal; 0: no terminal.
  progress_line(std::ostream& to, std::size_t columns, const clock_source& clock) : to_(&to), columns_(columns), clock_(&clock) {}
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { close(); }

  void show(const progress&);
  // Leaves the last line as it is and goes to the next.
  void close();

private:
  bool begin_stage(std::string_view stage, steady_time now);
  bool due(const progress&, steady_time now) const;
  void write(const std::string& text);

  std::ostream* to_;
  std::size_t columns_;
  const clock_source* clock_;
  std::string stage_;
  steady_time stage_start_{}, shown_{};
  bool open_ = false, any_shown_ = false, finished_ = false;
};

}  // namespace argosy
