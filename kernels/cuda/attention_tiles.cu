#include "kernels/cuda/attention_tiles.hpp"

namespace argosy::cuda {
namespace {

constexpr int rows_a_warp = 16, longest_sequence = 64;

// A row of a tile in shared memory: 16 bytes more than its numbers, so that eight rows lie in different banks.
template <int Width>
constexpr int tile_stride = Width + 8;

// Rows of one head, `Rows` of them, those beyond `count` as zeros.
template <int Width, int Rows>
__device__ void load_rows(matrix<const bf16> from, std::int64_t first, std::int64_t count, std::int64_t column, bf16* to) {
  constexpr int packs = Width / 8;
  for (int i = static_cast<int>(threadIdx.x); i < Rows * packs; i += static_cast<int>(blockDim.x)) {
    const int row = i / packs, at = i % packs * 8;
    pack<bf16, 8> numbers{};
    if (row < count) numbers = *reinterpret_cast<const pack<bf16, 8>*>(from.row(first + row) + column + at);
    *reinterpret_cast<pack<bf16, 8>*>(to + row * tile_stride<Width> + at) = numbers;
  }
}

struct alignas(16) four_pairs {
  std::uint32_t at[4];
};

// Lane 4 g + t takes numbers 32 c + 8 t .. + 7 of a row, c = 0, 1, ...: the sum over a row's numbers has no order, so both factors of a
// product may give theirs to the tensor cores in this one, and are read 16 bytes at a time.
template <int Width>
__device__ four_pairs pairs_of(const bf16* row, int c) {
  return *reinterpret_cast<const four_pairs*>(row + 32 * c + 8 * (lane() % 4));
}

// scores (16, 8 * Tiles) = rows first .. first + 15 of `a` times the rows of `b`.
template <int Width, int Tiles>
__device__ void multiply_rows(const bf16* a, int first, const bf16* b, float (&scores)[Tiles][4]) {
  const int g = lane() / 4;
#pragma unroll
  for (int c = 0; c < Width / 32; ++c) {
    const four_pairs upper = pairs_of<Width>(a + (first + g) * tile_stride<Width>, c);
    const four_pairs lower = pairs_of<Width>(a + (first + g + 8) * tile_stride<Width>, c);
#pragma unroll
    for (int j = 0; j < Tiles; ++j) {
      const four_pairs column = pairs_of<Width>(b + (8 * j + g) * tile_stride<Width>, c);
      multiply_16x8x16(scores[j], {upper.at[0], lower.at[0], upper.at[1], lower.at[1]}, {column.at[0], column.at[1]});
      multiply_16x8x16(scores[j], {upper.at[2], lower.at[2], upper.at[3], lower.at[3]}, {column.at[2], column.at[3]});
    }
  }
}

__device__ std::uint32_t pair_of(float a, float b) {
  return static_cast<std::uint32_t>(bf16_bits(a)) | static_cast<std::uint32_t>(bf16_bits(b)) << 16;
}

// sums (16, Width) = weights (16, 8 * Tiles) times the rows. What a lane holds of two tiles of weights is what it has to bring as a factor.
template <int Width, int Tiles>
__device__ void add_weighted_rows(const float (&weights)[Tiles][4], const bf16* rows, float (&sums)[Width / 8][4]) {
  const int part = lane() / 8, row = lane() % 8;
#pragma unroll
  for (int k = 0; k < Tiles / 2; ++k) {
    const float(&left)[4] = weights[2 * k], (&right)[4] = weights[2 * k + 1];
    const four_registers a{pair_of(left[0], left[1]), pair_of(left[2], left[3]), pair_of(right[0], right[1]), pair_of(right[2], right[3])};
#pragma unroll
    for (int n = 0; n < Width / 8; n += 2) {
      const four_registers b = load_transposed(rows + (16 * k + part % 2 * 8 + row) * tile_stride<Width> + 8 * (n + part / 2));
      multiply_16x8x16(sums[n], a, {b.at[0], b.at[1]});
      multiply_16x8x16(sums[n + 1], a, {b.at[2], b.at[3]});
    }
  }
}

// Of what a lane holds of a tile of 16 x 8: number i lies in this row and column.
__device__ int row_of(int i) { return lane() / 4 + i / 2 * 8; }
__device__ int column_of(int j, int i) { return 8 * j + lane() % 4 * 2 + i % 2; }

template <int Width>
__device__ void store_rows(const float (&sums)[Width / 8][4], const float (&factor)[2], int first, const place& at, std::int64_t first_row,
                           std::int64_t count, matrix<bf16> to) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = first + row_of(2 * half);
    if (row >= count) continue;
    bf16* const out = to.row(first_row + row) + at.column + lane() % 4 * 2;
#pragma unroll
    for (int n = 0; n < Width / 8; ++n)
      *reinterpret_cast<std::uint32_t*>(out + 8 * n) = pair_of(factor[half] * sums[n][2 * half], factor[half] * sums[n][2 * half + 1]);
  }
}

// The largest and the sum over the four lanes that hold a row.
__device__ float largest_of_row(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ float sum_of_row(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// Keys: room for the longest sequence, a multiple of 16.
template <int Width, int Keys>
__global__ void __launch_bounds__(longest_sequence / rows_a_warp * warp_size) attend(heads<bf16> in, matrix<bf16> o, matrix<float> lse) {
  const place at = place_of(in.q_offset, in.kv_offset, in.width);
  constexpr int tiles = Keys / 8;
  const int rows = static_cast<int>(blockDim.x) / warp_size * rows_a_warp;
  bf16* const k = dynamic_shared<bf16>();
  bf16* const v = k + Keys * tile_stride<Width>;
  bf16* const q = v + Keys * tile_stride<Width>;
  load_rows<Width, Keys>(in.k, at.first_other, at.others, at.column, k);
  load_rows<Width, Keys>(in.v, at.first_other, at.others, at.column, v);
  for (int first = 0; first < rows; first += rows_a_warp)
    load_rows<Width, rows_a_warp>(in.q, at.first + first, at.count - first, at.column, q + first * tile_stride<Width>);
  __syncthreads();
  const int first = warp() * rows_a_warp;
  if (first >= at.count) return;

  float p[tiles][4] = {}, mixed[Width / 8][4] = {}, top[2] = {-INFINITY, -INFINITY}, sum[2] = {};
  multiply_rows<Width>(q, first, k, p);
#pragma unroll
  for (int j = 0; j < tiles; ++j)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      p[j][i] = column_of(j, i) < at.others ? in.scale * p[j][i] : -INFINITY;
      top[i / 2] = fmaxf(top[i / 2], p[j][i]);
    }
#pragma unroll
  for (int half = 0; half < 2; ++half) top[half] = at.others > 0 ? largest_of_row(top[half]) : 0;
#pragma unroll
  for (int j = 0; j < tiles; ++j)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      p[j][i] = expf(p[j][i] - top[i / 2]);
      sum[i / 2] += p[j][i];
    }
  add_weighted_rows<Width>(p, v, mixed);
  float factor[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    sum[half] = sum_of_row(sum[half]);
    factor[half] = at.others > 0 ? 1 / sum[half] : 0;
    const int row = first + row_of(2 * half);
    if (lane() % 4 == 0 && row < at.count && lse.data != nullptr)
      lse.row(at.first + row)[blockIdx.y] = at.others > 0 ? top[half] + logf(sum[half]) : -INFINITY;
  }
  store_rows<Width>(mixed, factor, first, at, at.first, at.count, o);
}

// One warp for 16 query rows in the first half, for 16 keys in the second, where scores are computed once more with the sides changed.
template <int Width, int Rows>
__global__ void __launch_bounds__(longest_sequence / rows_a_warp * warp_size) attend_backward(heads<bf16> in, gradients<bf16> of) {
  const place at = place_of(in.q_offset, in.kv_offset, in.width);
  constexpr int tiles = Rows / 8, floats = Rows * tile_stride<Width>;
  bf16* const q = dynamic_shared<bf16>();
  bf16* const k = q + floats;
  bf16* const v = k + floats;
  bf16* const d_o = v + floats;
  float* const lse = reinterpret_cast<float*>(d_o + floats);
  float* const delta = lse + Rows;
  load_rows<Width, Rows>(in.q, at.first, at.count, at.column, q);
  load_rows<Width, Rows>(of.d_o, at.first, at.count, at.column, d_o);
  load_rows<Width, Rows>(in.k, at.first_other, at.others, at.column, k);
  load_rows<Width, Rows>(in.v, at.first_other, at.others, at.column, v);
  for (int row = warp(); row < Rows; row += static_cast<int>(blockDim.x) / warp_size) {
    float along = 0;
    if (row < at.count)
      for (int d = lane(); d < Width; d += warp_size)
        along += to_float(of.d_o.row(at.first + row)[at.column + d]) * to_float(of.o.row(at.first + row)[at.column + d]);
    along = warp_sum(along);
    if (lane() == 0) {
      delta[row] = along;
      lse[row] = row < at.count ? of.lse.row(at.first + row)[blockIdx.y] : 0;
    }
  }
  __syncthreads();
  const int first = warp() * rows_a_warp;
  const float one[2] = {1, 1};

  if (first < at.count) {
    float s[tiles][4] = {}, d_p[tiles][4] = {}, d_q[Width / 8][4] = {};
    multiply_rows<Width>(q, first, k, s);
    multiply_rows<Width>(d_o, first, v, d_p);
#pragma unroll
    for (int j = 0; j < tiles; ++j)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int row = first + row_of(i);
        const float p = column_of(j, i) < at.others ? expf(in.scale * s[j][i] - lse[row]) : 0;
        s[j][i] = in.scale * p * (d_p[j][i] - delta[row]);
      }
    add_weighted_rows<Width>(s, k, d_q);
    store_rows<Width>(d_q, one, first, at, at.first, at.count, of.d_q);
  }
  if (first < at.others) {
    float s[tiles][4] = {}, d_p[tiles][4] = {}, d_k[Width / 8][4] = {}, d_v[Width / 8][4] = {};
    multiply_rows<Width>(k, first, q, s);
    multiply_rows<Width>(v, first, d_o, d_p);
#pragma unroll
    for (int j = 0; j < tiles; ++j)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int row = column_of(j, i);
        const float p = row < at.count ? expf(in.scale * s[j][i] - lse[row]) : 0;
        s[j][i] = p;
        d_p[j][i] = in.scale * p * (d_p[j][i] - delta[row]);
      }
    add_weighted_rows<Width>(s, d_o, d_v);
    add_weighted_rows<Width>(d_p, q, d_k);
    store_rows<Width>(d_v, one, first, at, at.first_other, at.others, of.d_v);
    store_rows<Width>(d_k, one, first, at, at.first_other, at.others, of.d_k);
  }
}

std::int64_t whole_tiles(std::int64_t rows) { return std::max<std::int64_t>((rows + 15) / 16, 1) * 16; }

// body(Width, Rows) with room for that many rows.
template <class Body>
status by_size(std::int64_t width, std::int64_t rows, Body body) {
  const auto of_width = [&](auto w) {
    if (rows <= 16) return body(w, std::integral_constant<int, 16>{});
    if (rows <= 32) return body(w, std::integral_constant<int, 32>{});
    return body(w, std::integral_constant<int, 64>{});
  };
  return width == 32 ? of_width(std::integral_constant<int, 32>{}) : of_width(std::integral_constant<int, 64>{});
}

shape shape_for(const attention_input& in, std::int64_t rows, std::int64_t numbers, std::int64_t floats) {
  return {dim3(static_cast<unsigned>(in.q_offset.size() - 1), static_cast<unsigned>(in.heads)),
          static_cast<unsigned>(whole_tiles(rows) / rows_a_warp * warp_size),
          static_cast<std::size_t>(numbers) * sizeof(bf16) + static_cast<std::size_t>(floats) * sizeof(float)};
}

}  // namespace

bool fits_tiles(const attention_input& in, const_view o) {
  const std::int64_t width = in.q.cols / in.heads;
  return (width == 32 || width == 64) && std::max(longest(in.q_offset), longest(in.kv_offset)) <= longest_sequence &&
         pack_width<bf16>(in.q, in.k, in.v, o) == 8;
}

status attend_in_tiles(cudaStream_t on, const attention_input& in, const heads<bf16>& all, matrix<bf16> o, matrix<float> lse) {
  const std::int64_t rows = longest(in.q_offset);
  return by_size(all.width, longest(in.kv_offset), [&](auto width, auto keys) {
    const std::int64_t numbers = (2 * keys + whole_tiles(rows)) * tile_stride<width>;
    return launch(on, "attention_forward", shape_for(in, rows, numbers, 0), attend<width, keys>, all, o, lse);
  });
}

status attend_in_tiles_backward(cudaStream_t on, const attention_input& in, const heads<bf16>& all, const gradients<bf16>& of) {
  const std::int64_t rows = std::max(longest(in.q_offset), longest(in.kv_offset));
  return by_size(all.width, rows, [&](auto width, auto room) {
    return launch(on, "attention_backward", shape_for(in, rows, 4 * room * tile_stride<width>, 2 * room), attend_backward<width, room>, all,
                  of);
  });
}

}  // namespace argosy::cuda
