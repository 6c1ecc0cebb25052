#include "index/inner_product.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/support/vectors.hpp"

namespace argosy {

BOOST_AUTO_TEST_SUITE(inner_products)

BOOST_AUTO_TEST_CASE(small_integers_are_exact_at_every_length) {
  const auto a = test::small_integers(1, 140, 1), b = test::small_integers(1, 140, 2);
  for (std::size_t n = 0; n <= 136; ++n) {
    for (std::size_t shift = 0; shift < 4; ++shift) {
      const float *x = a.values.data() + shift, *y = b.values.data() + 3 - shift;
      BOOST_TEST(inner_product(x, y, n) == static_cast<float>(inner_product_reference(x, y, n)), "n = " << n);
    }
  }
}

BOOST_AUTO_TEST_CASE(real_numbers_keep_the_bound_of_the_header) {
  for (const std::size_t n : {1u, 7u, 8u, 9u, 31u, 32u, 33u, 255u, 256u, 257u, 1000u}) {
    const auto a = test::normal_matrix(1, static_cast<std::int64_t>(n), 3), b = test::normal_matrix(1, static_cast<std::int64_t>(n), 4);
    double magnitude = 0;
    for (std::size_t i = 0; i < n; ++i) magnitude += std::abs(static_cast<double>(a.values[i]) * b.values[i]);
    const double bound = (static_cast<double>(n / 32) + 11) * 0x1p-24 * magnitude;
    const double error = inner_product(a.values.data(), b.values.data(), n) - inner_product_reference(a.values.data(), b.values.data(), n);
    BOOST_TEST(std::abs(error) <= bound, "n = " << n << ": " << error << " above " << bound);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
