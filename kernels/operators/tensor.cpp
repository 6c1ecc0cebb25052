#include "kernels/device.hpp"

namespace argosy {

result<tensor> tensor::make(device& on, std::int64_t rows, std::int64_t cols) {
  tensor made;
  ARGOSY_TRY(made.resize(on, rows, cols));
  return made;
}

status tensor::resize(device& on, std::int64_t rows, std::int64_t cols) { return resize_to(on, on.type(), rows, cols); }

status tensor::resize_rows(device& on, std::int64_t rows, std::int64_t cols) { return resize_to(on, on.row_type(), rows, cols); }

status tensor::resize_to(device& on, dtype type, std::int64_t rows, std::int64_t cols) {
  std::int64_t elements = 0, bytes = 0;
  if (rows < 0 || cols < 0 || __builtin_mul_overflow(rows, cols, &elements) ||
      __builtin_mul_overflow(elements, static_cast<std::int64_t>(size_of(type)), &bytes))
    return {errc::out_of_range, "tensor: cannot hold (" + std::to_string(rows) + ", " + std::to_string(cols) + ")"};
  const auto wanted = static_cast<std::size_t>(bytes);
  if (wanted > capacity_ || memory_ == nullptr) {
    ARGOSY_ASSIGN(memory_, on.allocate(wanted));
    capacity_ = wanted;
  }
  type_ = type;
  rows_ = rows;
  cols_ = cols;
  return {};
}

}  // namespace argosy
