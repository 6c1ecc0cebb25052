// Ranks of a group over Gloo as processes of this machine: rank 0 is the calling one, the others are forked from it.
// REQUIRES that no other thread runs.   Errors   of the operating system, of the group, and of rank 0's work.
#pragma once

#include <functional>

#include "net/collective.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

// `work` on every rank; a failure of another rank ends rank 0's work with `aborted`.
status run_ranks(int size, const node_credentials&, const std::function<status(collective&)>& work);

}  // namespace argosy
