// Sums over all elements of a matrix: pieces whose bounds depend on the shape alone, each summed in double, added in their order.
#include <vector>

#include "kernels/adamw.hpp"
#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/elementwise.hpp"

namespace argosy {
namespace {

// The sum of of_piece(first element, count).
template <class OfPiece>
double total_of(int threads, const const_view x, const OfPiece& of_piece) {
  const bool flat = x.contiguous();
  const std::int64_t rows = flat ? 1 : x.rows, cols = flat ? x.rows * x.cols : x.cols;
  double total = 0;
  std::vector<double> partial(static_cast<std::size_t>(cpu::pieces_of(cols, cpu::piece_elements)));
  for (std::int64_t row = 0; row < rows; ++row) {
    cpu::for_pieces(threads, cols, cpu::piece_elements, [&](std::int64_t piece, std::int64_t from, std::int64_t to) {
      partial[static_cast<std::size_t>(piece)] = of_piece(x.row<float>(row) + from, to - from);
    });
    for (const double part : partial) total += part;
  }
  return total;
}

double sum_of(const float* x, std::int64_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::int64_t i = 0; i < count; ++i) total += static_cast<double>(x[i]);
  return total;
}

double squares_of(const float* x, std::int64_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::int64_t i = 0; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

void add_number(view to, double number) { *to.as<float>() = static_cast<float>(static_cast<double>(*to.as<float>()) + number); }

}  // namespace

status cpu_device::add_total(const_view x, double factor, view to) {
  add_number(to, factor * total_of(threads_, x, sum_of));
  return {};
}

status cpu_device::add_squares(const_view x, view to) {
  add_number(to, total_of(threads_, x, squares_of));
  return {};
}

}  // namespace argosy
