// What this machine can do at best, measured: the denominators of `argosy bench`.
#pragma once

namespace argosy {

// GFLOP/s of float32 products with weights packed ahead, 2048 x 2048 x 2048, best of several; takes about half a second.
double measure_product_peak(int threads);
// GB/s read while summing an array larger than the caches, best of several.
double measure_read_bandwidth(int threads);

}  // namespace argosy
