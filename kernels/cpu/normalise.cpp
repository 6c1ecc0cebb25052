#include "kernels/normalise.hpp"

#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {

using cpu::vec;

namespace {

constexpr float shortest = 1e-12f;

}  // namespace

status cpu_device::normalise_forward(const_view x, view y, view norm) {
  cpu::for_rows(threads_, x.rows, x.cols, [&](std::int64_t row) {
    const float squares = cpu::map_sum(
        x.cols, [](vec a) { return a * a; }, x.row<float>(row));
    const float length = std::max(std::sqrt(squares), shortest);
    norm.as<float>()[row] = length;
    cpu::map(
        x.cols, y.row<float>(row), [by = 1.f / length](vec a) { return a * by; }, x.row<float>(row));
  });
  return {};
}

status cpu_device::normalise_backward(const_view y, const_view norm, const_view d_y, view d_x) {
  cpu::for_rows(threads_, y.rows, y.cols, [&](std::int64_t row) {
    const float *unit = y.row<float>(row), *d = d_y.row<float>(row);
    const float along = cpu::map_sum(
        y.cols, [](vec a, vec b) { return a * b; }, unit, d);
    const float length = norm.as<float>()[row];
    const float by = length > shortest ? 1.f / length : 0.f;
    cpu::map(
        y.cols, d_x.row<float>(row), [along, by](vec a, vec b) { return (b - a * along) * by; }, unit, d);
  });
  return {};
}

}  // namespace argosy
