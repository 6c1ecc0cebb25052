// UTF-8 as bytes: is it valid, and which code point stands here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace argosy {

// The first byte that is not part of a well-formed sequence (no surrogates, nothing overlong, at most U+10FFFF); npos when all are.
std::size_t first_invalid_utf8(std::string_view) noexcept;

// The code point at `at`, which moves behind it.   REQUIRES valid UTF-8 and at < size.
char32_t next_code_point(std::string_view valid, std::size_t& at) noexcept;

std::size_t count_code_points(std::string_view valid) noexcept;

// Control characters become spaces: what a file or a user gave, fit for a message.
std::string one_line(std::string_view);

constexpr bool continues_code_point(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u; }

}  // namespace argosy
