#include "tests/support/tested_device.hpp"

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/image_network.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {

std::unique_ptr<device> make_tested_device(int, compute how, attention_by attention) {
  auto made = cuda::cuda_device::open(0, how, attention);
  require_ok(made.failure());
  return std::move(*made);
}
result<std::unique_ptr<image_network>> make_tested_image_network(const image_layers& of, int batch, int) {
  return cuda::make_image_network(0, of, batch);
}

}  // namespace argosy::test
