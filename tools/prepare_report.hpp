// What preparing shows while it runs and when it is done; `prepare` and `publish` share it.
#pragma once

#include <functional>
#include <iosfwd>

#include "data/prepared.hpp"
#include "tools/console.hpp"

namespace argosy {

std::function<void(const prepare_progress&)> show_preparing(const console&);  // the console outlives it
// What was read and kept, and what was refused, by reason.
void print_report(const prepare_report&, std::ostream&);

}  // namespace argosy
