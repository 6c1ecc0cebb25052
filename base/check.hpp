// Assertions for our own bugs, on in every build. What a file, a peer or a user sends is never checked here:
// that is a status (status.hpp).
#pragma once

namespace argosy {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}

#define ARGOSY_CHECK(condition) ((condition) ? static_cast<void>(0) : ::argosy::check_failed(#condition, __FILE__, __LINE__))
