// What the program tells people: lines on standard error, by spdlog, which is included only in base/base.cpp.
// Thread-safe. Results of a command go to standard output and not through here.
#pragma once

#include <string_view>

namespace argosy::log {

void info(std::string_view);
void warning(std::string_view);
// Whether lines are written: yes, to begin with. Of the whole process.
void enable(bool wanted);

}  // namespace argosy::log
