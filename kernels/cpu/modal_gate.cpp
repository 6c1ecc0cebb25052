#include "kernels/modal_gate.hpp"

#include <cmath>

#include "kernels/cpu/cpu_device.hpp"
#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/vec.hpp"

namespace argosy {
namespace {

using cpu::vec;

struct weights {
  float title, image;
};

weights gate_of(modality present, const float* logits) {
  if (present == modality::title_only) return {1, 0};
  if (present == modality::image_only) return {0, 1};
  const double title = 1 / (1 + std::exp(static_cast<double>(logits[1]) - static_cast<double>(logits[0])));
  return {static_cast<float>(title), static_cast<float>(1 - title)};
}

void scale_into(std::int64_t cols, float by, const float* from, float* to) {
  cpu::map(
      cols, to, [by](vec a) { return a * by; }, from);
}

float dot(std::int64_t cols, const float* a, const float* b) {
  return cpu::map_sum(
      cols, [](vec x, vec y) { return x * y; }, a, b);
}

}  // namespace

status cpu_device::modal_gate_forward(const modal_gate_input& in, view product, view gate) {
  const std::int64_t cols = product.cols;
  cpu::for_rows(threads_, product.rows, cols, [&](std::int64_t row) {
    const modality present = in.present[static_cast<std::size_t>(row)];
    const auto [title, image] = gate_of(present, in.logits.row<float>(row));
    float* const out = product.row<float>(row);
    if (present == modality::both) {
      const auto mix = [g_t = title, g_v = image](vec t, vec v) { return t * g_t + v * g_v; };
      cpu::map(cols, out, mix, in.title.row<float>(row), in.image.row<float>(row));
    } else {
      std::copy_n((present == modality::title_only ? in.title : in.image).row<float>(row), cols, out);
    }
    gate.row<float>(row)[0] = title;
    gate.row<float>(row)[1] = image;
  });
  return {};
}

status cpu_device::modal_gate_backward(const modal_gate_input& in, const_view gate, const_view d_product,
                                       const modal_gate_gradient& gradient) {
  const std::int64_t cols = d_product.cols;
  cpu::for_rows(threads_, d_product.rows, cols, [&](std::int64_t row) {
    const float *g = gate.row<float>(row), *d = d_product.row<float>(row);
    float d_logit = 0;
    if (in.present[static_cast<std::size_t>(row)] == modality::both)
      d_logit = g[0] * g[1] * (dot(cols, d, in.title.row<float>(row)) - dot(cols, d, in.image.row<float>(row)));
    scale_into(cols, g[0], d, gradient.d_title.row<float>(row));
    scale_into(cols, g[1], d, gradient.d_image.row<float>(row));
    gradient.d_logits.row<float>(row)[0] = d_logit;
    gradient.d_logits.row<float>(row)[1] = -d_logit;
  });
  return {};
}

}  // namespace argosy
