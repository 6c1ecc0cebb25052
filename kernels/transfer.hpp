// Numbers between the host and a device, row after row. Converted where the host's type is not the device's.
// Cost      each call waits for the device; what reads from it waits for all work that it was given before.
#pragma once

#include <span>
#include <vector>

#include "kernels/device.hpp"

namespace argosy {

status upload(device&, std::span<const float>, view to);  // rows * cols numbers
status upload(device&, std::span<const double>, view to);
result<std::vector<double>> numbers_of(device&, const_view);
result<std::vector<float>> floats_of(device&, const_view);

}  // namespace argosy
