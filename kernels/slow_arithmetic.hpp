// Tells whoever asked for bfloat16 on a processor that does not multiply it (cpu_multiplies_bfloat16): one line of the log.
#pragma once

#include <string_view>

#include "kernels/device.hpp"

namespace argosy {

// `setting`: what to write instead, such as --compute float32.
void warn_of_slow_arithmetic(compute, std::string_view setting);

}  // namespace argosy
