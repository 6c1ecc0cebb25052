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

BOOST_AUTO_TEST_CASE(either_nccl_or_why_there_is_none) {
  const device_list all = list_devices();
  BOOST_TEST(all.nccl.empty() == !all.no_nccl.empty());
  const auto nccl = open_nccl();
  if (nccl.ok())
    BOOST_TEST(nccl_version_text((*nccl)->version()) == all.nccl);
  else
    test::check_refused(nccl.failure(), errc::unavailable, {all.no_nccl});
}

BOOST_AUTO_TEST_CASE(either_cudnn_or_why_there_is_none) {
  const device_list all = list_devices();
  BOOST_TEST(all.cudnn.empty() == !all.no_cudnn.empty());
}

BOOST_AUTO_TEST_CASE(a_network_of_images_runs_on_a_device_that_is_there) {
  const image_layers mean{{2, 2, 1}, {{.of = image_layer::kind::mean}}};
  auto on_cpu = open_image_network("cpu", mean, 1, 1);
  test::require_ok(on_cpu.failure());
  std::vector<float> feature(1);
  test::require_ok((*on_cpu)->run(std::vector<float>{1, 2, 3, 6}, feature));
  BOOST_TEST(feature[0] == 3);
  test::check_refused(open_image_network("gpu", mean, 1, 1).failure(), errc::invalid_argument, {"cpu, cuda or cuda:N", "gpu"});
  if (const device_list all = list_devices(); all.found.size() == 1)
    test::check_refused(open_image_network("cuda", mean, 1, 1).failure(), errc::unavailable, {all.no_cuda});
}

BOOST_AUTO_TEST_CASE(nccl_wants_the_device_of_a_gpu) {
  const auto nccl = open_nccl();
  if (!nccl.ok()) {
    BOOST_TEST_MESSAGE("skipped: " << nccl.failure().text());
    return;
  }
  const auto cpu = make_cpu_device(1);
  test::check_refused((*nccl)->gpu_of(*cpu).failure(), errc::invalid_argument, {"NVIDIA GPU", "cpu"});
  BOOST_TEST((*nccl)->error_text(nccl_said::remote_error, nullptr).find("remote process") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names) {
  for (const char* name : {"cpu", "cuda", "cuda:0", "cuda:12"}) BOOST_TEST(is_device_name(name), name);
  for (const char* name : {"", "CPU", "cpu:1", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999", "gpu"}) {
    BOOST_TEST(!is_device_name(name), name);
    test::check_refused(open_device(name, 1, compute::float32).failure(), errc::invalid_argument, {"cuda:N", name});
  }
}

BOOST_AUTO_TEST_CASE(products_of_8_bits_want_a_gpu) {
  test::check_refused(open_device("cpu", 1, compute::fp8).failure(), errc::invalid_argument, {"GPU", "cpu"});
}

BOOST_AUTO_TEST_CASE(cudnns_attention_wants_a_gpu_and_bfloat16) {
  test::check_refused(open_device("cpu", 1, compute::bfloat16, attention_by::cudnn).failure(), errc::invalid_argument, {"GPU", "cpu"});
  test::check_refused(open_device("cuda", 1, compute::float32, attention_by::cudnn).failure(), errc::invalid_argument, {"float32"});
}

BOOST_AUTO_TEST_CASE(a_gpu_beyond_those_that_are_there) {
  test::check_refused(open_device("cuda:4000", 1, compute::float32).failure(), errc::unavailable, {});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
