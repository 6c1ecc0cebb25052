// Which threads go first where several want the processor.
#pragma once

namespace argosy {

// This thread, and those that it makes from then on, wait for others: a nice value, from 1 to 19.
void let_others_go_first(int niceness) noexcept;

}  // namespace argosy
