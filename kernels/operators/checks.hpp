// What the checked operators share: each returns ok, or the first thing that does not fit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/device.hpp"

namespace argosy {

// `name`: want (rows, cols) f32, got ...; also refuses a null view that should hold something, and rows that overlap.
status want_shape(const device&, std::string_view name, const_view got, std::int64_t rows, std::int64_t cols);
// Of the device's type and well-formed, whatever its shape.
status want_matrix(const device&, std::string_view name, const_view got);
// The same for rows between operators: of the device's type or of its row type.
status want_rows(const device&, std::string_view name, const_view got, std::int64_t rows, std::int64_t cols);
status want_rows(const device&, std::string_view name, const_view got);
// Where an operator takes rows of one type alone: that of `like`. Whatever is empty fits.
status want_alike(std::string_view name, const_view got, const_view like);
status want_count(std::string_view name, std::size_t got, std::int64_t want);
// (sequences + 1), rising, from 0 to `rows`.
status want_offsets(std::string_view name, std::span<const std::int32_t> offset, std::int64_t rows);
// Each least .. limit - 1.
status want_indices(std::string_view name, std::span<const std::int32_t> index, std::int64_t least, std::int64_t limit);
status want_positive(std::string_view name, double value);

}  // namespace argosy
