#include "tests/support/tested_device.hpp"

#include "kernels/cuda/cuda_device.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {

std::unique_ptr<device> make_tested_device(int, compute how) {
  auto made = cuda::cuda_device::open(0, how);
  require_ok(made.failure());
  return std::move(*made);
}

}  // namespace argosy::test
