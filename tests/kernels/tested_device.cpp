#include "tests/support/tested_device.hpp"

namespace argosy::test {

std::unique_ptr<device> make_tested_device(int threads, compute how, attention_by) { return make_cpu_device(threads, how); }
result<std::unique_ptr<image_network>> make_tested_image_network(const image_layers& of, int batch, int threads) {
  return make_cpu_image_network(of, batch, threads);
}

}  // namespace argosy::test
