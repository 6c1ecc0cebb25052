// Files of weights for backbones, made of random numbers that keep features near one.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/safetensors.hpp"

namespace argosy::test {

// With the classifier and the counters that torchvision's files have.
safetensors_file random_backbone(std::string_view name, std::uint32_t seed);

}  // namespace argosy::test
