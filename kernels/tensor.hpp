// Views of matrices: what every operator takes. A view owns nothing; a tensor owns device memory.
// Letters   rows, columns; row-major, `stride` elements from one row to the next, columns adjacent. A vector is one row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/check.hpp"

namespace argosy {

enum class dtype : std::uint8_t { f32, f64, bf16 };
constexpr std::size_t size_of(dtype type) noexcept { return type == dtype::f32 ? 4 : type == dtype::f64 ? 8 : 2; }

template <bool Const>
struct basic_view {
  using pointer = std::conditional_t<Const, const void*, void*>;
  pointer data = nullptr;
  dtype type = dtype::f32;
  std::int64_t rows = 0, cols = 0, stride = 0;

  constexpr bool empty() const noexcept { return data == nullptr || rows == 0 || cols == 0; }
  constexpr bool contiguous() const noexcept { return stride == cols || rows <= 1; }
  constexpr bool is(std::int64_t r, std::int64_t c) const noexcept { return rows == r && cols == c; }

  // REQUIRES the type to match.
  template <class T>
  auto as() const noexcept {
    ARGOSY_CHECK(sizeof(T) == size_of(type));
    return static_cast<std::conditional_t<Const, const T*, T*>>(data);
  }
  template <class T>
  auto row(std::int64_t r) const noexcept {
    return as<T>() + r * stride;
  }
  basic_view row_range(std::int64_t first, std::int64_t count) const noexcept {
    return {shifted(first * stride), type, count, cols, stride};
  }
  basic_view column_range(std::int64_t first, std::int64_t count) const noexcept { return {shifted(first), type, rows, count, stride}; }
  operator basic_view<true>() const noexcept requires(!Const) { return {data, type, rows, cols, stride}; }

private:
  constexpr pointer shifted(std::int64_t elements) const noexcept {
    using byte = std::conditional_t<Const, const std::byte*, std::byte*>;
    return data == nullptr ? nullptr : static_cast<pointer>(static_cast<byte>(data) + elements * static_cast<std::int64_t>(size_of(type)));
  }
};

using view = basic_view<false>;
using const_view = basic_view<true>;

// A contiguous matrix over memory that somebody else owns.
inline view view_of(float* data, std::int64_t rows, std::int64_t cols) noexcept { return {data, dtype::f32, rows, cols, cols}; }
inline view view_of(double* data, std::int64_t rows, std::int64_t cols) noexcept { return {data, dtype::f64, rows, cols, cols}; }
inline const_view view_of(const float* data, std::int64_t rows, std::int64_t cols) noexcept { return {data, dtype::f32, rows, cols, cols}; }
inline const_view view_of(const double* data, std::int64_t rows, std::int64_t cols) noexcept {
  return {data, dtype::f64, rows, cols, cols};
}

std::string shape_text(const_view);  // "(17, 192) f32"

}  // namespace argosy
