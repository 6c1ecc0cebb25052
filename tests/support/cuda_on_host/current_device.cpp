// On which device CUDA's calls act. The GPU check has one GPU alone, so this is of the host's CUDA.
#include <cuda_runtime.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <thread>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/rows.hpp"
#include "tests/support/status.hpp"

namespace argosy::cuda {
namespace {

BOOST_AUTO_TEST_SUITE(current_devices)

BOOST_AUTO_TEST_CASE(what_a_bank_calls_from_another_thread_acts_on_its_device) {
  const auto on = cuda_device::open(3, compute::float32).value();
  auto rows = tensor::make(*on, 2, 2).value(), others = tensor::make(*on, 2, 2).value();
  float numbers[4] = {1, 2, 3, 4};
  const std::function<status()> calls[] = {[&] { return on->allocate(64).failure(); }, [&] { return on->upload(numbers, rows); },
                                           [&] {
                                             return on->move_rows({rows, {}, {}, false}, others);
                                           },
                                           [&] { return on->download(others, numbers); }};
  for (const auto& call : calls) {
    int before = -1, after = -1;
    status done;
    std::jthread([&] {
      cudaGetDevice(&before);
      done = call();
      cudaGetDevice(&after);
    }).join();
    test::check_ok(done);
    BOOST_TEST(before == 0);
    BOOST_TEST(after == 3);
  }
  BOOST_TEST(numbers[3] == 4);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::cuda
