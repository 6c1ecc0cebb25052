// NumPy's array format, version 1.0: magic, version, length of the header, a header that ends at a multiple of 64, the numbers by rows.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace argosy {

// (values.size() / columns, columns).
std::string npy_of(std::span<const float> values, std::int64_t columns);
std::string npy_of(std::span<const std::int64_t> values, std::int64_t columns);

}  // namespace argosy
