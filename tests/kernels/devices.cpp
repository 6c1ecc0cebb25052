#include "kernels/devices.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/status.hpp"

namespace argosy {

BOOST_AUTO_TEST_SUITE(devices)

BOOST_AUTO_TEST_CASE(the_cpu_is_always_there) {
  const device_list all = list_devices();
  BOOST_REQUIRE(!all.found.empty());
  BOOST_TEST(all.found.front().name == "cpu");
  BOOST_TEST(all.found.front().what.find(" cores") != std::string::npos);
  const auto opened = open_device("cpu", 1, compute::float32);
  test::require_ok(opened.failure());
  BOOST_TEST((*opened)->name() == "cpu");
}

BOOST_AUTO_TEST_CASE(either_a_gpu_or_why_there_is_none) {
  const device_list all = list_devices();
  BOOST_TEST((all.found.size() > 1) == all.no_cuda.empty());
  if (all.found.size() > 1) return;
  test::check_refused(open_device("cuda", 1, compute::float32).failure(), errc::unavailable, {all.no_cuda});
}

BOOST_AUTO_TEST_CASE(names) {
  for (const char* name : {"cpu", "cuda", "cuda:0", "cuda:12"}) BOOST_TEST(is_device_name(name), name);
  for (const char* name : {"", "CPU", "cpu:1", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999", "gpu"}) {
    BOOST_TEST(!is_device_name(name), name);
    test::check_refused(open_device(name, 1, compute::float32).failure(), errc::invalid_argument, {"cuda:N", name});
  }
}

BOOST_AUTO_TEST_CASE(a_gpu_beyond_those_that_are_there) {
  test::check_refused(open_device("cuda:4000", 1, compute::float32).failure(), errc::unavailable, {});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
