// What this machine can do at best, measured: the denominators of `argosy bench`.
#pragma once

#include <string_view>

#include "kernels/device.hpp"

namespace argosy {

// GFLOP/s of products with weights packed ahead, 2048 x 2048 x 2048, best of several; takes about half a second. Of bfloat16 where the
// processor multiplies it, else those of float32.
double measure_product_peak(int threads, compute = compute::float32);
// The same by a device's own operators, `size` x `size` x `size`, of its row type.
result<double> measure_product_peak(device&, std::int64_t size);
// What `bench` compares a device of this name with (kernels/devices.hpp): of the CPU the first, by `threads`, 0 for all; of a GPU the second, of
// 8192. unavailable where there is no such device.
result<double> measure_product_peak(std::string_view device_name, int threads, compute);
// GB/s read while summing an array larger than the caches, best of several.
double measure_read_bandwidth(int threads);

}  // namespace argosy
