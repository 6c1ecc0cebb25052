// The device that stands between tests of the host and a GPU, before the CUDA device on the host: what the GPU check relies on.
#include <boost/test/unit_test.hpp>

#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/transfer.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/remote_device.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"

namespace argosy {

using namespace test;

BOOST_AUTO_TEST_SUITE(remote)

BOOST_AUTO_TEST_CASE(what_is_written_comes_back_beside_its_gaps) {
  const auto far = make_remote_device(make_tested_device(1));
  twin x(5, 7, small_integers(1), 3), y(5, 7, small_integers(2), 2);
  require_ok(add(*far, x.f32(), y.f32()));
  require_ok(add(*make_reference_device(), x.f64(), y.f64()));
  check_equal("y", y);
  check_equal("x", x);
}

BOOST_AUTO_TEST_CASE(a_matrix_may_be_read_and_written) {
  const auto far = make_remote_device(make_tested_device(1));
  twin x(3, 8, normals(1), 1), gain(1, 8, normals(2)), bias(1, 8, normals(3));
  require_ok(layer_norm_forward(*far, {x.f32(), {}, gain.f32(), bias.f32(), 1e-5}, x.f32(), {}));
  require_ok(layer_norm_forward(*make_reference_device(), {x.f64(), {}, gain.f64(), bias.f64(), 1e-5}, x.f64(), {}));
  check_near("x", x, unit_roundoff * 200);
}

BOOST_AUTO_TEST_CASE(memory_of_the_device_stays_there) {
  const auto far = make_remote_device(make_tested_device(1));
  auto made = tensor::make(*far, 2, 3).value();
  require_ok(upload(*far, std::vector<double>{1, 2, 3, 4, 5, 6}, made));
  require_ok(add(*far, made, made));
  BOOST_TEST(numbers_of(*far, made).value() == (std::vector<double>{2, 4, 6, 8, 10, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
