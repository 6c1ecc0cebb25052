// What `prepare` may make of patches before they are stored: rows of features by a frozen backbone, which this room knows by this
// interface alone (model/backbone.hpp implements it). method.md, section 1.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/status.hpp"

namespace argosy {

// What the patches of images are. No name: their bytes.
struct patch_backbone {
  std::string name = {};       // "resnet50"
  std::uint64_t checksum = 0;  // xxh3 of its file of weights
  int side = 0;                // patches are resized to side x side pixels
  int features = 0;            // of one patch
  bool none() const noexcept { return name.empty(); }
  bool operator==(const patch_backbone&) const = default;
};

std::string text_of(const patch_backbone&);  // "resnet50 (weights 0123456789abcdef, side 64)", "pixels"

class patch_features {
public:
  virtual ~patch_features() = default;
  virtual const patch_backbone& about() const noexcept = 0;
  // `patches` (P, height, width, 3) bytes, `to` (P, features). Features of the same patch are the same bits whatever stands beside it.
  virtual status compute(std::span<const std::uint8_t> patches, int width, int height, std::span<float> to) = 0;
};

}  // namespace argosy
