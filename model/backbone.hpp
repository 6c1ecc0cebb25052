// Frozen backbones for patches: ResNet-18, 34, 50 and 101 (He et al., arXiv:1512.03385) up to their pooled features, with the weights and
// by the names of torchvision: conv1.weight, bn1.*, layer1.0.conv1.weight, ... The bottleneck's stride is in its 3 x 3 convolution, as
// there. Batch-norm has fixed statistics, so it is folded into the convolution before it:
//     w' = w g / sqrt(var + 1e-5)        b' = beta - mean g / sqrt(var + 1e-5)
// A patch of bytes is resized to side x side (data/image.hpp) and normalised as torchvision does, (byte / 255 - mean_c) / deviation_c.
//   resnet18, resnet34   512 features        resnet50, resnet101   2048
// Truth     PyTorch, in tests/parity/backbone.py.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/patch_features.hpp"
#include "kernels/image_network.hpp"
#include "model/safetensors.hpp"

namespace argosy {

inline constexpr int least_backbone_side = 32, largest_backbone_side = 512;  // 32: the stride of the whole network

struct backbone_options {
  std::string name;
  std::filesystem::path weights;  // safetensors
  int side = 64;                  // ours; training of these weights saw 224
  int threads = 0;                // 0: all cores
  std::string device = "cpu";     // kernels/devices.hpp
};
// not_found for a tensor that is missing, shape_mismatch for one of another shape or type, invalid_argument for one that the network does
// not know; the classifier (fc.*) and counters (*.num_batches_tracked) are known and unused. unavailable
// for a device that is not there.
result<std::shared_ptr<patch_features>> load_backbone(const backbone_options&);

std::span<const std::string_view> backbone_names() noexcept;

// What load_backbone is made of.
struct backbone_tensor {
  std::string name;
  std::vector<std::int64_t> shape;
};
result<std::vector<backbone_tensor>> backbone_tensors(std::string_view name);
result<image_layers> backbone_layers(std::string_view name, const safetensors_file&, int side);

}  // namespace argosy
