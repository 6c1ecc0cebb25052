// Convolutions on the device, by cuDNN (cudnn.cpp), which is opened when a network of images wants it: a GPU trains without it.
//     y[p, o] = sum over c and a K x K window of w[o, ., c] * x[stride * p - padding + ., c]
// Letters   N images, H x W pixels, C channels, O channels out.
// Layout    x (N, H, W, C), y (N, H', W', O), w (O, K, K, C), last letter fastest.
// Sums      in float32, of products that are not rounded beforehand. A result of one image does not depend on the others.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>

#include "base/status.hpp"
#include "kernels/image_network.hpp"

namespace argosy::cuda {

struct convolution_shape {
  int images = 0;
  image_shape in, out;
  int size = 1, stride = 1, padding = 0;
};

class convolution {
public:
  virtual ~convolution() = default;
  virtual std::size_t scratch_bytes() const noexcept = 0;
  // Queued, not waited for. All in the device's memory; scratch of scratch_bytes().
  virtual status run(const float* x, const float* w, float* y, void* scratch) = 0;
};

class convolutions {
public:
  virtual ~convolutions() = default;
  // What it made it outlives.
  virtual result<std::unique_ptr<convolution>> make(const convolution_shape&) = 0;
};

// 91900: 9.19.0. unavailable: as below.
result<std::size_t> cudnn_version();

// On this stream of the current device, which outlives the object. unavailable: the plug-in was built without cuDNN's header, or the library
// is not on this machine.
result<std::unique_ptr<convolutions>> make_convolutions(cudaStream_t);

}  // namespace argosy::cuda
