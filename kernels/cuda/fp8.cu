#include "kernels/cuda/fp8.hpp"

#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {

// Zeroed when made: no scale is known.
struct fp8_scale {
  float scale, unit;              // unit: of what was rounded last
  unsigned largest, blocks_done;  // of the launch that runs: the largest |x| as bits, blocks that have brought theirs
  unsigned at;
  float last[16];
};

namespace {

constexpr int warps = 8, threads = warps * warp_size, tile_rows = 64, tile_cols = 128, pack_bytes = 8;
constexpr int packs_a_row = tile_cols / pack_bytes, rows_a_pass = threads / packs_a_row, packs_a_column = tile_rows / pack_bytes;

struct rounding_job {
  matrix<const bf16> from;
  fp8_scale* s;
  std::uint8_t *rows, *columns;  // either may be null
  std::int64_t padded_rows;      // of `columns`
  float limit;
  bool gradient, measure;
};

__device__ inline std::uint8_t byte_of(float x, bool gradient) {
  if (!(fabsf(x) < INFINITY)) return 0x7f;  // NaN in both formats
  return gradient ? e5m2_bits(x) : e4m3_bits(x);
}

// The last block to come has everybody's largest: its power of two holds from the next launch on.
__device__ inline void bring(const rounding_job& job, float largest) {
  if (largest < INFINITY) raise_to(&job.s->largest, float_bits(largest));
  if (count_in(&job.s->blocks_done) + 1 != gridDim.x * gridDim.y) return;
  fp8_scale& s = *job.s;
  s.last[s.at++ % 16] = bits_float(taken_from(&s.largest));
  s.blocks_done = 0;
  float most = 0;
  for (const float one : s.last) most = fmaxf(most, one);
  s.scale = most > 0 ? scalbnf(1, ilogbf(job.limit / most)) : 1;
}

// A block rounds a tile of 64 rows and 128 columns; its bytes stand transposed in shared memory on their way to `columns`.
__global__ void __launch_bounds__(threads) round_tile(rounding_job job) {
  __shared__ pack<std::uint8_t, pack_bytes> shared[tile_cols][packs_a_column + 1];
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.y) * tile_rows,
                     first_col = static_cast<std::int64_t>(blockIdx.x) * tile_cols;
  const int thread = static_cast<int>(threadIdx.x);
  const float known = job.s->scale, scale = known > 0 ? known : 1;
  float largest = 0;
  for (int pass = 0; pass < tile_rows / rows_a_pass; ++pass) {
    const int row = pass * rows_a_pass + thread / packs_a_row, col = thread % packs_a_row * pack_bytes;
    pack<std::uint8_t, pack_bytes> bytes{};
    if (first_row + row < job.from.rows && first_col + col < job.from.cols) {
      float x[pack_bytes];
      load<pack_bytes>(job.from.row(first_row + row) + first_col + col, x);
#pragma unroll
      for (int i = 0; i < pack_bytes; ++i) {
        largest = x[i] == x[i] ? fmaxf(largest, fabsf(x[i])) : INFINITY;
        bytes.at[i] = byte_of(x[i] * scale, job.gradient);
      }
      if (job.rows != nullptr)
        *reinterpret_cast<pack<std::uint8_t, pack_bytes>*>(job.rows + (first_row + row) * job.from.cols + first_col + col) = bytes;
    }
    if (job.columns != nullptr)
#pragma unroll
      for (int i = 0; i < pack_bytes; ++i) shared[col + i][row / pack_bytes].at[row % pack_bytes] = bytes.at[i];
  }
  largest = block_largest<warps>(largest);
  if (job.columns != nullptr)
    for (int item = thread; item < tile_cols * packs_a_column; item += threads) {
      const int col = item / packs_a_column, part = item % packs_a_column;
      const std::int64_t row = first_row + part * pack_bytes;
      if (first_col + col < job.from.cols && row < job.padded_rows)
        *reinterpret_cast<pack<std::uint8_t, pack_bytes>*>(job.columns + (first_col + col) * job.padded_rows + row) = shared[col][part];
    }
  if (thread != 0) return;
  if (blockIdx.x == 0 && blockIdx.y == 0) job.s->unit = 1 / scale;
  if (job.measure) bring(job, largest);
}

std::int64_t padded(std::int64_t n) { return (n + fp8_factors::multiple - 1) / fp8_factors::multiple * fp8_factors::multiple; }

}  // namespace

fp8_factors::~fp8_factors() {
  for (const auto* all : {&rows_, &columns_})
    for (const buffer& b : *all)
      if (b.memory != nullptr) cudaFree(b.memory);
  for (const auto& [weight, s] : scales_) cudaFree(s.memory);
}

bool fp8_factors::takes(const const_view& v) noexcept {
  return v.type == dtype::bf16 && !v.empty() && v.cols % multiple == 0 && pack_width<bf16>(v) == pack_bytes;
}

result<std::uint8_t*> fp8_factors::room(buffer& b, std::int64_t bytes) {
  if (bytes > b.bytes) {
    if (b.memory != nullptr) cudaFree(b.memory);
    b = {};
    ARGOSY_TRY(called("memory for 8-bit factors", cudaMalloc(&b.memory, static_cast<std::size_t>(bytes))));
    b.bytes = bytes;
  }
  return static_cast<std::uint8_t*>(b.memory);
}

result<fp8_factors::made> fp8_factors::round(const void* weight, fp8_role role, const const_view& from, const wanted& w) {
  const auto which = static_cast<std::size_t>(role);
  scales_of_map& scales = scales_[weight];
  if (scales.memory == nullptr) {
    void* memory = nullptr;
    ARGOSY_TRY(called("memory for scales", cudaMalloc(&memory, 3 * sizeof(fp8_scale))));
    scales.memory = static_cast<fp8_scale*>(memory);
    ARGOSY_TRY(called("clearing memory", cudaMemsetAsync(memory, 0, 3 * sizeof(fp8_scale), stream_)));
  }
  const std::int64_t rows = from.rows, cols = from.cols, rows_padded = padded(rows);
  const bool gradient = role == fp8_role::d_y;
  rounding_job job{as<bf16>(from), scales.memory + which, nullptr, nullptr, rows_padded, gradient ? 57344.f : 448.f, gradient, true};
  const dim3 tiles(blocks_for(cols, tile_cols), blocks_for(rows_padded, tile_rows));
  const bool first = !scales.measured[which];
  if (first) {
    ARGOSY_TRY(launch(stream_, "measuring 8-bit factors", {tiles, threads}, round_tile, job));
    scales.measured[which] = true;
  }
  if (w.rows) {
    ARGOSY_ASSIGN(job.rows, room(rows_[which], rows * cols));
  }
  if (w.columns) {
    ARGOSY_ASSIGN(job.columns, room(columns_[which], cols * rows_padded));
  }
  job.measure = w.measure && !first;
  ARGOSY_TRY(launch(stream_, "rounding to 8 bits", {tiles, threads}, round_tile, job));
  const float* const unit = &job.s->unit;
  return made{{job.rows, rows, cols, gradient, unit}, {job.columns, cols, rows_padded, gradient, unit}};
}

}  // namespace argosy::cuda
