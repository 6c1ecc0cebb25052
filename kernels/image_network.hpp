// A convolutional network that only runs forward: a frozen backbone whose batch-norm was folded into its convolutions.
//     convolution   y[p, o] = relu( b[o] + sum over c and a K x K window of w[o, c, .] x[stride * p - padding + ., c]  + z[p, o] )
//     max pool      the largest of each K x K window; what lies in the padding counts for nothing
//     mean          of all pixels of a channel
//   relu and z, the result of an earlier layer (a residual), where the layer says so.
// Letters   N images, H x W pixels, C channels, O channels out.
// Layout    images and results (N, H, W, C), last letter fastest; weights (O, C, K, K), as PyTorch keeps them.
// Cost      network_flops. On the CPU by oneDNN, in the layouts that it chooses, weights packed once, residual and relu within the convolution;
//           on NVIDIA GPUs (kernels/devices.hpp) convolutions by cuDNN in float32, the rest by kernels of ours.
// Truth     kernels/reference/image_network.cpp, compared in tests/kernels/image_network.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.hpp"

namespace argosy {

inline constexpr int no_layer = -2, the_images = -1;

struct image_layer {
  enum class kind : std::uint8_t { convolution, max_pool, mean };
  kind of = kind::convolution;
  int from = the_images;  // the layer whose result it reads
  int add = no_layer;     // convolution: the layer whose result is z
  bool relu = false;      // convolution
  int channels = 0;       // convolution: O
  int size = 1, stride = 1, padding = 0;
  std::vector<float> weight = {}, bias = {};  // convolution: (O, C, K, K), (O)
};

struct image_shape {
  int height = 0, width = 0, channels = 0;
  std::size_t count() const noexcept {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  bool operator==(const image_shape&) const = default;
};

// The result of the last layer is that of the network.
struct image_layers {
  image_shape input;
  std::vector<image_layer> layers;
};

// The result of each layer. invalid_argument and shape_mismatch name the layer, what was wanted and what was found.
result<std::vector<image_shape>> shapes_of(const image_layers&);
// Of each layer's result the last layer that reads it; of the last layer's, one past it: the caller does.
std::vector<std::size_t> last_uses(const image_layers&);
// Multiplications and additions of the convolutions for one image.
result<double> network_flops(const image_layers&);

// Threads   belongs to one thread at a time, and works with those it was made for.
// Same bits the result of an image depends neither on its place among the others nor on how many they are.
class image_network {
public:
  virtual ~image_network() = default;
  // images (N, H, W, C), features (N, result). shape_mismatch when the lengths disagree; nothing is written then.
  virtual status run(std::span<const float> images, std::span<float> features) = 0;
};

// How many images these are. shape_mismatch when they are no whole number, or the features not those of as many.
result<std::size_t> count_images(const image_shape& input, const image_shape& features_of_one, std::span<const float> images,
                                 std::span<const float> features);

// Computes `batch` images at a time, >= 1; `threads` >= 1, or 0 for all cores.
result<std::unique_ptr<image_network>> make_cpu_image_network(const image_layers&, int batch, int threads);
// The definition: plain loops in float64.
result<std::vector<double>> reference_image_network(const image_layers&, std::span<const float> images);

}  // namespace argosy
