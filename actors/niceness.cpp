#include "actors/niceness.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace argosy {

// Of Linux a thread alone.
void let_others_go_first(int niceness) noexcept { static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness)); }

}  // namespace argosy
