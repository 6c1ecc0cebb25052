// What the program tells people: lines on standard error, by spdlog, which is included only in base/base.cpp.
// Thread-safe. Results of a command go to standard output and not through here.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace argosy::log {

// Of what a line is about: `warning slow query request="7f3a" seconds=0.3`. Texts are quoted: they may be a stranger's.
struct field {
  std::string_view name;
  std::variant<std::string_view, double, std::uint64_t> value;
};

void info(std::string_view, std::initializer_list<field> = {});
void warning(std::string_view, std::initializer_list<field> = {});
// Lines are JSON objects from then on: {"time" (UTC), "level", "message", fields}. Of the whole process.
void write_json();
// Whether lines are written: yes, to begin with. Of the whole process.
void enable(bool wanted);

}  // namespace argosy::log
