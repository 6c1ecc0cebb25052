#include "kernels/rows.hpp"

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

std::int64_t count_of(const move_rows_input& in, view to) {
  if (!in.from_index.empty()) return static_cast<std::int64_t>(in.from_index.size());
  if (!in.to_index.empty()) return static_cast<std::int64_t>(in.to_index.size());
  return std::min(in.from.rows, to.rows);
}

std::int64_t at(std::span<const std::int32_t> index, std::int64_t n) { return index.empty() ? n : index[static_cast<std::size_t>(n)]; }

// Columns first .. first + count of to[to_index[n]].
void move_row(const move_rows_input& in, view to, std::int64_t n, std::int64_t first, std::int64_t count) {
  const std::int64_t source = at(in.from_index, n), target = at(in.to_index, n);
  if (target < 0) return;
  float* const out = to.row<float>(target) + first;
  if (source < 0) {
    if (!in.add) std::fill_n(out, count, 0.f);
    return;
  }
  const float* const from = in.from.row<float>(source) + first;
  if (in.add) {
    cpu::map(
        count, out, [](cpu::vec a, cpu::vec b) { return a + b; }, out, from);
  } else {
    std::copy_n(from, count, out);
  }
}

}  // namespace

// Repeated target rows are kept in order by giving every thread columns of its own instead of rows.
status cpu_device::move_rows(const move_rows_input& in, view to) {
  const std::int64_t count = count_of(in, to);
  if (in.add && !in.to_index.empty()) {
    const std::int64_t strips = std::clamp<std::int64_t>(to.cols / 32, 1, threads_);
    const std::int64_t width = cpu::pieces_of(cpu::pieces_of(to.cols, strips), 16) * 16;
    cpu::for_pieces(threads_, to.cols, width, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t n = 0; n < count; ++n) move_row(in, to, n, first, last - first);
    });
  } else {
    cpu::for_rows(threads_, count, to.cols, [&](std::int64_t n) { move_row(in, to, n, 0, to.cols); });
  }
  return {};
}

}  // namespace argosy
