// What this machine can do at best, measured: the denominators of `argosy bench`.
#pragma once

#include "kernels/device.hpp"

namespace argosy {

// GFLOP/s of products with weights packed ahead, 2048 x 2048 x 2048, best of several; takes about half a second. Of bfloat16 where the
// processor multiplies it, else those of float32.
double measure_product_peak(int threads, compute = compute::float32);
// The same by a device's own operators, `size` x `size` x `size`, of its row type.
result<double> measure_product_peak(device&, std::int64_t size);
// GB/s read while summing an array larger than the caches, best of several.
double measure_read_bandwidth(int threads);

}  // namespace argosy
