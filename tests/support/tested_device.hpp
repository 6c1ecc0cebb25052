// The float32 device that the tests of operators compare with the reference: of the CPU in one test program, of CUDA in another.
#pragma once

#include <memory>

#include "kernels/device.hpp"
#include "kernels/image_network.hpp"

namespace argosy::test {

// `threads` is for devices that have them, and whose attention it is for GPUs.
std::unique_ptr<device> make_tested_device(int threads, compute = compute::float32, attention_by = attention_by::argosy);
result<std::unique_ptr<image_network>> make_tested_image_network(const image_layers&, int batch, int threads);

}  // namespace argosy::test
