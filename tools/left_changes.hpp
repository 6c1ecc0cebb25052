// The warning that a generation which has become the current one lacks changes of the one before (docs/changes.md, "Whose").
#pragma once

#include <cstdint>
#include <vector>

#include "index/store.hpp"

namespace argosy {

// `before`: the store's generations before the switch.
void warn_of_left_changes(const std::vector<stored_generation>& before, std::uint64_t current);

}  // namespace argosy
