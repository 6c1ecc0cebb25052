// Rows of length one, and the gate between title and image: one warp a row.
#include "kernels/normalise.hpp"

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/warp_rows.hpp"
#include "kernels/modal_gate.hpp"

namespace argosy::cuda {
namespace {

constexpr float shortest = 1e-12f;

struct normalise_row {
  matrix<const float> x;
  matrix<float> y;
  float* norm;
  __device__ void operator()(std::int64_t n) const {
    float squares = 0;
    for (std::int64_t c = lane(); c < x.cols; c += warp_size) squares += x.row(n)[c] * x.row(n)[c];
    const float length = fmaxf(sqrtf(warp_sum(squares)), shortest);
    for (std::int64_t c = lane(); c < x.cols; c += warp_size) y.row(n)[c] = x.row(n)[c] / length;
    if (lane() == 0) norm[n] = length;
  }
};

struct normalise_gradient {
  matrix<const float> y;
  const float* norm;
  matrix<const float> d_y;
  matrix<float> d_x;
  __device__ void operator()(std::int64_t n) const {
    float along = 0;
    for (std::int64_t c = lane(); c < y.cols; c += warp_size) along += y.row(n)[c] * d_y.row(n)[c];
    along = warp_sum(along);
    const float inverse = norm[n] > shortest ? 1 / norm[n] : 0;
    for (std::int64_t c = lane(); c < y.cols; c += warp_size) d_x.row(n)[c] = (d_y.row(n)[c] - y.row(n)[c] * along) * inverse;
  }
};

template <class T>
struct gate_row {
  matrix<const T> title, image;
  matrix<const float> logits;
  const modality* present;
  matrix<T> product;
  matrix<float> gate;
  __device__ void operator()(std::int64_t b) const {
    const modality there = present[b];
    float of_title = 1 / (1 + expf(logits.row(b)[1] - logits.row(b)[0]));
    if (there != modality::both) of_title = there == modality::title_only ? 1 : 0;
    if (lane() == 0) {
      gate.row(b)[0] = of_title;
      gate.row(b)[1] = 1 - of_title;
    }
    for (std::int64_t c = lane(); c < product.cols; c += warp_size) {
      const float from_title = there == modality::image_only ? 0 : of_title * to_float(title.row(b)[c]);
      const float from_image = there == modality::title_only ? 0 : (1 - of_title) * to_float(image.row(b)[c]);
      put(product.row(b)[c], from_title + from_image);
    }
  }
};

template <class T>
struct gate_gradient {
  matrix<const T> title, image;
  const modality* present;
  matrix<const float> gate;
  matrix<const T> d_product;
  matrix<T> d_title, d_image;
  matrix<float> d_logits;
  __device__ void operator()(std::int64_t b) const {
    const bool both = present[b] == modality::both;
    const float of_title = gate.row(b)[0], of_image = gate.row(b)[1];
    float d_gate = 0;  // of title against image
    for (std::int64_t c = lane(); c < d_product.cols; c += warp_size) {
      const float d = to_float(d_product.row(b)[c]);
      if (both) d_gate += d * (to_float(title.row(b)[c]) - to_float(image.row(b)[c]));
      put(d_title.row(b)[c], of_title * d);
      put(d_image.row(b)[c], of_image * d);
    }
    d_gate = warp_sum(d_gate) * of_title * of_image;
    if (lane() == 0) {
      d_logits.row(b)[0] = both ? d_gate : 0;
      d_logits.row(b)[1] = both ? -d_gate : 0;
    }
  }
};

}  // namespace

status cuda_device::normalise_forward(const_view x, view y, view norm) {
  return for_each_row(stream_, "normalise_forward", x.rows, normalise_row{as<float>(x), as<float>(y), norm.as<float>()});
}

status cuda_device::normalise_backward(const_view y, const_view norm, const_view d_y, view d_x) {
  const normalise_gradient each{as<float>(y), norm.as<float>(), as<float>(d_y), as<float>(d_x)};
  return for_each_row(stream_, "normalise_backward", y.rows, each);
}

status cuda_device::modal_gate_forward(const modal_gate_input& in, view product, view gate) {
  ARGOSY_ASSIGN(const modality* present, staging_->copy(in.present));
  return by_type(product.type, [&](auto type) {
    using T = decltype(type);
    const gate_row<T> each{as<T>(in.title), as<T>(in.image), as<float>(in.logits), present, as<T>(product), as<float>(gate)};
    return for_each_row(stream_, "modal_gate_forward", product.rows, each);
  });
}

status cuda_device::modal_gate_backward(const modal_gate_input& in, const_view gate, const_view d_product, const modal_gate_gradient& g) {
  ARGOSY_ASSIGN(const modality* present, staging_->copy(in.present));
  return by_type(d_product.type, [&](auto type) {
    using T = decltype(type);
    const gate_gradient<T> each{as<T>(in.title),  as<T>(in.image),  present,          as<float>(gate),
                                as<T>(d_product), as<T>(g.d_title), as<T>(g.d_image), as<float>(g.d_logits)};
    return for_each_row(stream_, "modal_gate_backward", d_product.rows, each);
  });
}

}  // namespace argosy::cuda
