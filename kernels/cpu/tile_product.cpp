// Both factors are first copied to tiles, rounded: A as 16 rows of 32 numbers, B as 16 rows of 16 pairs, the numbers of a pair being
// neighbours along the inner letter. Whichever way a factor lies in memory, its tile is one of two ways of loading, or that transposed as
// 16 x 16 words of two numbers. Four tiles of sums, two of A and two of B are in use at a time.
#include "kernels/cpu/tile_product.hpp"

#include <omp.h>

#include <algorithm>

#include "kernels/cpu/parallel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace argosy::cpu {

namespace {

constexpr std::int64_t side = 16, depth = 32, tile_numbers = side * depth;
constexpr std::int64_t block = 2 * side;       // rows and columns of sums held at once
constexpr std::int64_t most_inner = 768;       // of the inner letter at a time: a panel of B has at most 48 KiB
constexpr std::int64_t most_block_rows = 256;  // of A at a time and thread: 384 KiB, in the second-level cache

constexpr std::int64_t rounded_up(std::int64_t count, std::int64_t to) noexcept { return pieces_of(count, to) * to; }

// As even as can be.
constexpr std::int64_t even_piece(std::int64_t count, std::int64_t most, std::int64_t multiple) noexcept {
  return rounded_up(pieces_of(count, std::max<std::int64_t>(1, pieces_of(count, most))), multiple);
}

std::int64_t inner_of(const tile_factor& a) noexcept { return a.transposed ? a.values.rows : a.values.cols; }
std::int64_t inner_piece(const tile_factor& a) noexcept { return even_piece(inner_of(a), most_inner, depth); }

std::int64_t block_rows(int threads, std::int64_t rows) noexcept {
  const std::int64_t pieces = threads * pieces_of(rows, threads * most_block_rows);
  return rounded_up(pieces_of(rows, std::max<std::int64_t>(1, pieces)), block);
}

}  // namespace

std::int64_t tile_product_floats(int threads, const tile_factor& a, const_view c) noexcept {
  return inner_piece(a) * (rounded_up(c.cols, block) + threads * block_rows(threads, c.rows)) / 2;
}

#if defined(__x86_64__)

namespace {

// 16 rows of 32 numbers, or of 16 pairs of numbers.
struct tile {
  __m512i row[side];
};

__mmask16 first(std::int64_t count) noexcept { return static_cast<__mmask16>((1u << std::clamp<std::int64_t>(count, 0, side)) - 1); }

// Row r: x(row + r, col ...), zeros past the matrix.
tile rows_of(const const_view& x, std::int64_t row, std::int64_t col) noexcept {
  tile t;
  const __mmask16 low = first(x.cols - col), high = first(x.cols - col - side);
  for (std::int64_t r = 0; r < side; ++r) {
    if (row + r >= x.rows) {
      t.row[r] = _mm512_setzero_si512();
      continue;
    }
    const float* const from = x.row<float>(row + r) + col;
    const __m512bh halves = _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, from + side), _mm512_maskz_loadu_ps(low, from));
    t.row[r] = reinterpret_cast<__m512i>(halves);
  }
  return t;
}

// Row r: the pairs x(row + 2 r, col + i), x(row + 2 r + 1, col + i).
tile pairs_of(const const_view& x, std::int64_t row, std::int64_t col) noexcept {
  tile t;
  const __mmask16 columns = first(x.cols - col);
  const __m512i in_turns = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
                                            18, 2, 17, 1, 16, 0);
  const auto load = [&](std::int64_t r) {
    return r < x.rows ? _mm512_maskz_loadu_ps(columns, x.row<float>(r) + col) : _mm512_setzero_ps();
  };
  for (std::int64_t r = 0; r < side; ++r) {
    const __m512bh both = _mm512_cvtne2ps_pbh(load(row + 2 * r + 1), load(row + 2 * r));
    t.row[r] = _mm512_permutexvar_epi16(in_turns, reinterpret_cast<__m512i>(both));
  }
  return t;
}

// As 16 x 16 words of 32 bits.
tile transposed(const tile& x) noexcept {
  tile y, z;
  for (int r = 0; r < side; r += 2) {
    y.row[r] = _mm512_unpacklo_epi32(x.row[r], x.row[r + 1]);
    y.row[r + 1] = _mm512_unpackhi_epi32(x.row[r], x.row[r + 1]);
  }
  for (int r = 0; r < side; r += 4)
    for (int i = 0; i < 2; ++i) {
      z.row[r + 2 * i] = _mm512_unpacklo_epi64(y.row[r + i], y.row[r + i + 2]);
      z.row[r + 2 * i + 1] = _mm512_unpackhi_epi64(y.row[r + i], y.row[r + i + 2]);
    }
  // z.row[4 g + c]: of rows 4 g .. 4 g + 3, the columns c, c + 4, c + 8, c + 12, four words each.
  for (int c = 0; c < 4; ++c) {
    const __m512i low = _mm512_shuffle_i32x4(z.row[c], z.row[c + 4], 0x88), high = _mm512_shuffle_i32x4(z.row[c + 8], z.row[c + 12], 0x88);
    const __m512i low_odd = _mm512_shuffle_i32x4(z.row[c], z.row[c + 4], 0xDD),
                  high_odd = _mm512_shuffle_i32x4(z.row[c + 8], z.row[c + 12], 0xDD);
    y.row[c] = _mm512_shuffle_i32x4(low, high, 0x88);
    y.row[c + 8] = _mm512_shuffle_i32x4(low, high, 0xDD);
    y.row[c + 4] = _mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
    y.row[c + 12] = _mm512_shuffle_i32x4(low_odd, high_odd, 0xDD);
  }
  return y;
}

tile a_tile(const tile_factor& a, std::int64_t row, std::int64_t inner) noexcept {
  return a.transposed ? transposed(pairs_of(a.values, inner, row)) : rows_of(a.values, row, inner);
}
tile b_tile(const tile_factor& b, std::int64_t inner, std::int64_t col) noexcept {
  return b.transposed ? transposed(rows_of(b.values, col, inner)) : pairs_of(b.values, inner, col);
}

void store(const tile& t, std::uint16_t* to) noexcept {
  for (std::int64_t r = 0; r < side; ++r) _mm512_store_si512(to + r * depth, t.row[r]);
}

// The compiler does not know what memory tile instructions read and write.
void settle_memory() noexcept { asm volatile("" ::: "memory"); }

struct alignas(64) tile_shapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// Every tile is whole; matrices that are not are filled with zeros.
void take_tiles() noexcept {
  tile_shapes shapes;
  for (int i = 0; i < 8; ++i) shapes.row_bytes[i] = 64, shapes.rows[i] = side;
  asm volatile("" : : "r"(&shapes) : "memory");  // GCC 12 believes that eight bytes of it are read
  _tile_loadconfig(&shapes);
}

struct inner_product {
  const std::uint16_t *upper, *lower;  // tiles of A, one after the other along the inner letter
  const std::uint16_t* right;          // of B, left and right ones in turns
  std::int64_t tiles;                  // of the inner letter
};

// 32 x 32 sums to `c`, strides in bytes; they begin with `start`, whose rows are `start_stride` apart.
void sum_block(const inner_product& of, const float* start, std::int64_t start_stride, float* c, std::int64_t c_stride) noexcept {
  settle_memory();
  if (start == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    const auto* const below = reinterpret_cast<const float*>(reinterpret_cast<const std::byte*>(start) + side * start_stride);
    _tile_loadd(0, start, start_stride);
    _tile_loadd(1, start + side, start_stride);
    _tile_loadd(2, below, start_stride);
    _tile_loadd(3, below + side, start_stride);
  }
  for (std::int64_t t = 0; t < of.tiles; ++t) {
    _tile_loadd(4, of.upper + t * tile_numbers, 64);
    _tile_loadd(6, of.right + 2 * t * tile_numbers, 64);
    _tile_loadd(7, of.right + (2 * t + 1) * tile_numbers, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, of.lower + t * tile_numbers, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  auto* const below = reinterpret_cast<float*>(reinterpret_cast<std::byte*>(c) + side * c_stride);
  _tile_stored(0, c, c_stride);
  _tile_stored(1, c + side, c_stride);
  _tile_stored(2, below, c_stride);
  _tile_stored(3, below + side, c_stride);
  settle_memory();
}

// The same for a block that is cut by the end of C.
void sum_ragged_block(const inner_product& of, tile_start start, const float* bias, view c) noexcept {
  alignas(64) float whole[block * block] = {};
  for (std::int64_t r = 0; r < c.rows && start != tile_start::zero; ++r)
    std::copy_n(start == tile_start::bias ? bias : c.row<float>(r), c.cols, whole + r * block);
  sum_block(of, whole, block * 4, whole, block * 4);
  for (std::int64_t r = 0; r < c.rows; ++r) std::copy_n(whole + r * block, c.cols, c.row<float>(r));
}

void sum(const inner_product& of, tile_start start, const float* bias, view c) noexcept {
  if (c.rows < block || c.cols < block) return sum_ragged_block(of, start, bias, c);
  float* const to = c.as<float>();
  const std::int64_t stride = c.stride * 4;
  if (start == tile_start::bias)
    sum_block(of, bias, 0, to, stride);
  else
    sum_block(of, start == tile_start::add ? to : nullptr, stride, to, stride);
}

struct product {
  const tile_factor &a, &b;
  tile_start start;
  const float* bias;
  view c;
  std::int64_t inner_tiles;  // of a piece of the inner letter

  // Pieces of B that are packed together: what lies in the same rows of memory.
  std::int64_t pieces_of_b() const noexcept { return b.transposed ? 2 * pieces_of(c.cols, block) : inner_tiles; }

  void pack_piece_of_b(std::int64_t piece, std::int64_t inner, std::uint16_t* panels) const noexcept {
    const std::int64_t strip = 2 * inner_tiles * tile_numbers;
    const auto pack = [&](std::int64_t half_panel, std::int64_t t) {
      std::uint16_t* const to = panels + half_panel / 2 * strip + (2 * t + half_panel % 2) * tile_numbers;
      store(b_tile(b, inner + t * depth, half_panel * side), to);
    };
    if (b.transposed) {
      for (std::int64_t t = 0; t < inner_tiles; ++t) pack(piece, t);
    } else {
      for (std::int64_t half_panel = 0; half_panel < 2 * pieces_of(c.cols, block); ++half_panel) pack(half_panel, piece);
    }
  }

  // Rows from .. to of A, along its rows in memory.
  void pack_rows(std::int64_t from, std::int64_t to, std::int64_t inner, std::uint16_t* packed) const noexcept {
    const std::int64_t row_tiles = (to - from) / side;
    const auto pack = [&](std::int64_t r, std::int64_t t) {
      store(a_tile(a, from + r * side, inner + t * depth), packed + (r * inner_tiles + t) * tile_numbers);
    };
    if (a.transposed) {
      for (std::int64_t t = 0; t < inner_tiles; ++t)
        for (std::int64_t r = 0; r < row_tiles; ++r) pack(r, t);
    } else {
      for (std::int64_t r = 0; r < row_tiles; ++r)
        for (std::int64_t t = 0; t < inner_tiles; ++t) pack(r, t);
    }
  }

  // Rows from .. to of C, of all columns.
  void sum_rows(std::int64_t from, std::int64_t to, bool first_piece, const std::uint16_t* left,
                const std::uint16_t* panels) const noexcept {
    const std::int64_t strip = inner_tiles * tile_numbers;
    for (std::int64_t col = 0; col < c.cols; col += block) {
      const std::uint16_t* const panel = panels + col / block * 2 * strip;
      for (std::int64_t row = from; row < to; row += block) {
        const std::uint16_t* const upper = left + (row - from) / side * strip;
        const view at = c.row_range(row, std::min(block, c.rows - row)).column_range(col, std::min(block, c.cols - col));
        sum({upper, upper + strip, panel, inner_tiles}, first_piece ? start : tile_start::add, bias == nullptr ? nullptr : bias + col, at);
      }
    }
  }
};

}  // namespace

void multiply_on_tiles(int threads, const tile_factor& a, const tile_factor& b, tile_start start, const float* bias, view c,
                       float* scratch) {
  const std::int64_t inner = inner_of(a), piece = inner_piece(a), rows = block_rows(threads, c.rows);
  const product of{a, b, start, bias, c, piece / depth};
  auto* const panels = reinterpret_cast<std::uint16_t*>(scratch);
  const std::int64_t panel_count = pieces_of(c.cols, block), row_blocks = pieces_of(c.rows, rows);
#pragma omp parallel num_threads(threads)
  {
    std::uint16_t* const left = panels + piece * (panel_count * block + omp_get_thread_num() * rows);
    take_tiles();
    for (std::int64_t from = 0; from < inner; from += piece) {
#pragma omp for schedule(static)
      for (std::int64_t p = 0; p < of.pieces_of_b(); ++p) of.pack_piece_of_b(p, from, panels);
#pragma omp for schedule(static)
      for (std::int64_t r = 0; r < row_blocks; ++r) {
        const std::int64_t first_row = r * rows, last_row = std::min(c.rows, first_row + rows);
        of.pack_rows(first_row, rounded_up(last_row, block), from, left);
        of.sum_rows(first_row, last_row, from == 0, left, panels);
      }
    }
    _tile_release();
  }
}

#else

void multiply_on_tiles(int, const tile_factor&, const tile_factor&, tile_start, const float*, view, float*) {}

#endif

}  // namespace argosy::cpu
