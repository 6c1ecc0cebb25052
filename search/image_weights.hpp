// How much the photograph weighs in the embedding of each product of a generation, as the model weighed it when it was published: modal adaptation
// (docs/method.md); the title has the rest. `weights.argosy`, a container of kind "image-weights" in the generation's folder. Absent of generations
// published before it was kept; not a number for products that were put by their embedding and compacted since.
// Threads   immutable; may be shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "index/generation.hpp"

namespace argosy {

inline constexpr std::string_view weights_name = "weights.argosy";

// (N), each from 0 to 1 or not a number.
status write_image_weights(const std::filesystem::path& folder, std::span<const float>);

class image_weights {
public:
  // Reads and checks the whole file; without it nothing is known.
  static result<image_weights> open(const generation&);
  bool kept() const noexcept { return !weights_.empty(); }
  // None: not known. REQUIRES a row of the generation.
  std::optional<float> of(std::uint32_t published_row) const;

private:
  std::vector<float> weights_;
};

}  // namespace argosy
