// Between the two ways to fail: status below the actors, caf::error between them.
//   error_of   a status becomes an error of the category `argosy`, with its code and its message
//   status_of  and back; an error of CAF itself (a time-out, an actor that is down) becomes `unavailable` and says which
//   guarded    runs work that may throw; an exception becomes a status
#pragma once

#include <caf/error.hpp>
#include <exception>
#include <string>
#include <type_traits>

#include "base/status.hpp"

namespace argosy {

caf::error error_of(const status&);
status status_of(const caf::error&);

// What an exception says, as errc::internal.
status thrown(const std::exception_ptr&);

template <class Work>
auto guarded(Work work) -> std::invoke_result_t<Work> {
  try {
    return work();
  } catch (...) {
    return thrown(std::current_exception());
  }
}

}  // namespace argosy
