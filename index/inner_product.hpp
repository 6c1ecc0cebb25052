// Inner product of two vectors of n floats: the score of every hit.
//     s = sum over i of a_i b_i        |error| <= (n / 32 + 11) u sum |a_i b_i|, u = 2^-24 (by the order of summation below)
// Order     32 running sums by i mod 32 (8 by i mod 8 for what is left of n mod 32), then halved; fused multiply-adds where the machine
//           has them. It is fixed, so that a score does not depend on threads or on the queries beside it.
// Truth     inner_product_reference, compared in tests/index/inner_product.cpp.
#pragma once

#include <cstddef>

namespace argosy {

float inner_product(const float* a, const float* b, std::size_t n) noexcept;
double inner_product_reference(const float* a, const float* b, std::size_t n) noexcept;

}  // namespace argosy
