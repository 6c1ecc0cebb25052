// The tests of operators and of training steps on the first NVIDIA GPU. Without one the program says why and ends with 77, CTest's skip.
#include "tests/support/tested_device.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>

#include "kernels/devices.hpp"
#include "tests/support/remote_device.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

struct gpu_or_skip {
  gpu_or_skip() {
    const device_list all = list_devices();
    for (const auto& d : all.found) std::cout << d.name << ": " << d.what << "; " << d.notes << std::endl;
    if (all.no_cuda.empty()) return;
    std::cout << "skipped, no GPU: " << all.no_cuda << std::endl;
    std::_Exit(77);
  }
};
BOOST_TEST_GLOBAL_FIXTURE(gpu_or_skip);

}  // namespace

std::unique_ptr<device> make_tested_device(int, compute how, attention_by attention) {
  auto opened = open_device("cuda", 1, how, attention);
  require_ok(opened.failure());
  return make_remote_device(std::move(*opened));
}
result<std::unique_ptr<image_network>> make_tested_image_network(const image_layers& of, int batch, int threads) {
  return open_image_network("cuda", of, batch, threads);
}

}  // namespace argosy::test
