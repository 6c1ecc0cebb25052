// What the program tells people: leveled lines on standard error, by spdlog, which is included only in log.cpp.
// Thread-safe. Results of a command go to standard output and not through here.
#pragma once

#include <string_view>

namespace argosy::log {

enum class level : unsigned char { debug, info, warning, error };

void set_level(level);
void debug(std::string_view);
void info(std::string_view);
void warning(std::string_view);
void error(std::string_view);

}  // namespace argosy::log
