#include "kernels/operators/checks.hpp"

#include <cmath>

namespace argosy {
namespace {

std::string type_text(dtype type) { return type == dtype::f32 ? "f32" : type == dtype::f64 ? "f64" : "bf16"; }

status refuse(std::string_view name, const std::string& want, const std::string& got) {
  return {errc::shape_mismatch, std::string(name) + ": want " + want + ", got " + got};
}

// Well-formed, whatever its type.
status want_memory(std::string_view name, const_view got) {
  if (got.rows < 0 || got.cols < 0 || (got.rows > 1 && got.stride < got.cols))
    return refuse(name, "rows that do not overlap", shape_text(got) + " with stride " + std::to_string(got.stride));
  if (got.data == nullptr && got.rows * got.cols > 0) return refuse(name, shape_text(got), "no memory");
  return {};
}

}  // namespace

std::string shape_text(const_view v) { return "(" + std::to_string(v.rows) + ", " + std::to_string(v.cols) + ") " + type_text(v.type); }

status want_matrix(const device& on, std::string_view name, const_view got) {
  if (got.type != on.type()) return refuse(name, type_text(on.type()), shape_text(got));
  return want_memory(name, got);
}

status want_shape(const device& on, std::string_view name, const_view got, std::int64_t rows, std::int64_t cols) {
  if (!got.is(rows, cols) || got.type != on.type())
    return refuse(name, "(" + std::to_string(rows) + ", " + std::to_string(cols) + ") " + type_text(on.type()), shape_text(got));
  return want_memory(name, got);
}

status want_rows(const device& on, std::string_view name, const_view got) {
  if (got.type != on.row_type() && got.type != on.type()) return refuse(name, type_text(on.row_type()), shape_text(got));
  return want_memory(name, got);
}

status want_rows(const device& on, std::string_view name, const_view got, std::int64_t rows, std::int64_t cols) {
  if (!got.is(rows, cols)) return want_shape(on, name, got, rows, cols);
  return want_rows(on, name, got);
}

status want_alike(std::string_view name, const_view got, const_view like) {
  return got.empty() || got.type == like.type ? status{} : refuse(name, type_text(like.type), shape_text(got));
}

status want_count(std::string_view name, std::size_t got, std::int64_t want) {
  if (static_cast<std::int64_t>(got) == want) return {};
  return refuse(name, std::to_string(want) + " elements", std::to_string(got));
}

status want_offsets(std::string_view name, std::span<const std::int32_t> offset, std::int64_t rows) {
  if (offset.empty()) return refuse(name, "at least 1 element", "0");
  if (offset.front() != 0 || offset.back() != rows)
    return refuse(name, "offsets from 0 to " + std::to_string(rows),
                  std::to_string(offset.front()) + " to " + std::to_string(offset.back()));
  for (std::size_t b = 1; b < offset.size(); ++b)
    if (offset[b] < offset[b - 1])
      return {errc::invalid_argument,
              std::string(name) + ": want rising offsets, got " + std::to_string(offset[b - 1]) + " before " + std::to_string(offset[b])};
  return {};
}

status want_indices(std::string_view name, std::span<const std::int32_t> index, std::int64_t least, std::int64_t limit) {
  for (std::size_t n = 0; n < index.size(); ++n)
    if (index[n] < least || index[n] >= limit)
      return {errc::invalid_argument, std::string(name) + "[" + std::to_string(n) + "]: want " + std::to_string(least) + " .. " +
                                          std::to_string(limit - 1) + ", got " + std::to_string(index[n])};
  return {};
}

status want_positive(std::string_view name, double value) {
  if (value > 0 && std::isfinite(value)) return {};
  return {errc::invalid_argument, std::string(name) + ": want a positive number, got " + std::to_string(value)};
}

}  // namespace argosy
