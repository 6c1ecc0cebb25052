#include "kernels/slow_arithmetic.hpp"

#include "base/log.hpp"

namespace argosy {

void warn_of_slow_arithmetic(compute how, std::string_view setting) {
  if (how != compute::bfloat16 || cpu_multiplies_bfloat16()) return;
  log::warning("this processor does not multiply bfloat16: factors are rounded to it and multiplied as float32, slower than " +
               std::string(setting));
}

}  // namespace argosy
