// Whether cuDNN has a plan for the attention that training asks for, on an H200 that is described to it: it chooses engines and compiles their kernels
// without a GPU, for which a driver that loads nothing stands in (fake_driver.cpp). What the kernels compute, a GPU alone can show.
#include <dlfcn.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

#include "kernels/cuda/cudnn_frontend.hpp"
#include "tests/support/status.hpp"

namespace argosy::cuda {
namespace {

// Sizes and limits of compute capability 9.0, from NVIDIA's programming guide and data sheet, under the names that cuDNN reads.
constexpr char h200[] = R"({"deviceName": "NVIDIA H200", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0, "pciDeviceId": 0,
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "multiProcessorCount": 132, "warpSize": 32,
  "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536,
  "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1, "smClockRateKHz": 1980000,
  "memClockRateKHz": 3201000, "l2CacheSize": 62914560, "totalGlobalMem": 150754820096})";

struct cudnn_or_skip {
  cudnn_or_skip() {
    // By its soname cuDNN finds it where no driver is.
    if (dlopen("libcuda.so.1", RTLD_NOW) == nullptr && dlopen(ARGOSY_FAKE_DRIVER, RTLD_NOW) == nullptr) std::cout << dlerror() << std::endl;
    if (dlopen("libcudnn.so.9", RTLD_NOW) != nullptr) return;
    std::cout << "skipped, no cuDNN: " << dlerror() << std::endl;
    std::_Exit(77);
  }
};
BOOST_TEST_GLOBAL_FIXTURE(cudnn_or_skip);

result<std::unique_ptr<fused_plan>> plan(const fused_shape& s) { return plan_fused_attention(nullptr, {90, 132, h200}, s); }

// Slices of one matrix, as in the encoders; `queries` 1: cross-attention from first rows, as in modal adaptation.
fused_shape shape_for(bool backward, std::int64_t heads, std::int64_t width, std::int64_t longest, std::int64_t queries) {
  const std::int64_t hidden = heads * width, row = queries == longest ? 3 * hidden : hidden;
  fused_shape s{.backward = backward,
                .sequences = 1024,
                .heads = heads,
                .width = width,
                .q_longest = queries,
                .kv_longest = longest,
                .q_rows = backward ? 16384 : 0,
                .kv_rows = backward ? 16384 : 0,
                .scale = .125f};
  s.stride = {{row, row, row, hidden, heads}};
  if (backward) s.stride = {{row, row, row, hidden, heads, hidden, row, row, row}};
  return s;
}

BOOST_AUTO_TEST_SUITE(cudnn_plans)

// Those of the recipes: 12 heads of 64, 6 and 4 of 64, heads of 32; sequences of up to 512 rows.
BOOST_AUTO_TEST_CASE(every_shape_of_training_has_a_plan) {
  for (const auto& [heads, width] : {std::pair<std::int64_t, std::int64_t>{12, 64}, {4, 64}, {4, 32}, {8, 128}})
    for (const std::int64_t longest : {64, 128, 512})
      for (const std::int64_t queries : {std::int64_t{64}, longest})
        for (const bool backward : {false, true}) {
          const auto made = plan(shape_for(backward, heads, width, longest, queries));
          BOOST_TEST(made.ok(), made.failure().text() << ": " << heads << " heads of " << width << ", " << queries << " x " << longest
                                                      << (backward ? ", backward" : ""));
          // Backward sums a float32 gradient of the queries.
          if (made.ok() && backward) BOOST_TEST((*made)->workspace_bytes() >= 16384 * heads * width * 4);
        }
}

BOOST_AUTO_TEST_CASE(forward_without_lse) {
  fused_shape s = shape_for(false, 12, 64, 64, 64);
  s.stride[fused::lse] = 0;
  test::check_ok(plan(s).failure());
}

// That a shape is refused is said with cuDNN's reason: the test of plans that are there can fail.
BOOST_AUTO_TEST_CASE(heads_that_are_too_wide_are_refused) {
  test::check_refused(plan(shape_for(true, 1, 1024, 64, 64)).failure(), errc::unavailable, {"cuDNN", "fused attention"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::cuda
