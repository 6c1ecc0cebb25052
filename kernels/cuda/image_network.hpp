// Networks of images on a GPU: convolutions by cuDNN (convolution.hpp), the rest by kernels of ours, all in float32.
#pragma once

#include <memory>

#include "kernels/image_network.hpp"

namespace argosy::cuda {

// `batch` images at a time, >= 1. unavailable: no such GPU, no cuDNN, or not enough memory.
result<std::unique_ptr<image_network>> make_image_network(int ordinal, const image_layers&, int batch);

}  // namespace argosy::cuda
