// Instructions of the GPU that C++ has no words for. tests/support/cuda_on_host has the same functions for the host.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace argosy::cuda {

// To the nearest, ties to even.
__device__ inline std::uint16_t bf16_bits(float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }

// Numbers of 8 bits (arXiv:2209.05433), to the nearest, ties to even; what is beyond the largest becomes it.
__device__ inline std::uint8_t e4m3_bits(float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3); }
__device__ inline std::uint8_t e5m2_bits(float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2); }

__device__ inline unsigned float_bits(float x) { return __float_as_uint(x); }
__device__ inline float bits_float(unsigned x) { return __uint_as_float(x); }

// Memory that the blocks of one launch share: after it is called, what came before is seen by who finds its mark.
__device__ inline void raise_to(unsigned* place, unsigned to) { atomicMax(place, to); }
__device__ inline unsigned count_in(unsigned* place) {
  __threadfence();
  const unsigned before = atomicAdd(place, 1u);
  __threadfence();
  return before;
}
__device__ inline unsigned taken_from(unsigned* place) { return atomicExch(place, 0u); }

// The shared memory that the launch asked for.
template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char shared_bytes[];
  return reinterpret_cast<T*>(shared_bytes);
}

struct four_registers {
  std::uint32_t at[4];
};
struct two_registers {
  std::uint32_t at[2];
};

// d (16, 8) += a (16, 16) b (16, 8) by a whole warp, a and b of bfloat16, two a register. Lane 4 g + t holds of d rows g, g, g + 8, g + 8 in
// columns 2 t, 2 t + 1, 2 t, 2 t + 1; of a rows g, g + 8, g, g + 8 in columns 2 t, 2 t, 2 t + 8, 2 t + 8 and the one after each; of b column g in
// rows 2 t, 2 t + 8 and the one after each.
__device__ inline void multiply_16x8x16(float (&d)[4], const four_registers& a, const two_registers& b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(b.at[0]), "r"(b.at[1]));
}

// Four matrices (8, 8) of 16 bits from shared memory, transposed: lane 8 i + r names row r of matrix i; lane 4 g + t gets of each matrix
// column g in rows 2 t and 2 t + 1.
__device__ inline four_registers load_transposed(const void* row) {
  four_registers r;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r.at[0]), "=r"(r.at[1]), "=r"(r.at[2]), "=r"(r.at[3])
               : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
  return r;
}

}  // namespace argosy::cuda
