// Compiled for AVX2 whatever the rest of the program is compiled for (CMakeLists.txt), and called only where the processor has it.
#ifdef __x86_64__
#include <immintrin.h>

#include "index/code_scan.hpp"

namespace argosy {
namespace {

const __m256i* vectors(const void* at) noexcept { return static_cast<const __m256i*>(at); }

// Sums of 16 vectors in two halves: bytes at even places are the low bytes of 16-bit sums, those at odd places the high ones, which a
// shift brings down. `whole` sums both together, `odd` the odd ones alone: even = whole - 256 * odd.
struct pair_sums {
  __m256i whole = _mm256_setzero_si256(), odd = _mm256_setzero_si256();
  void add(__m256i bytes) noexcept {
    whole = _mm256_add_epi16(whole, bytes);
    odd = _mm256_add_epi16(odd, _mm256_srli_epi16(bytes, 8));
  }
  // The two lanes hold different parts of the same 16 vectors; the sums in order.
  __m256i in_order() const noexcept {
    const __m256i even = _mm256_sub_epi16(whole, _mm256_slli_epi16(odd, 8));
    const __m128i evens = _mm_add_epi16(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1));
    const __m128i odds = _mm_add_epi16(_mm256_castsi256_si128(odd), _mm256_extracti128_si256(odd, 1));
    return _mm256_set_m128i(_mm_unpackhi_epi16(evens, odds), _mm_unpacklo_epi16(evens, odds));
  }
};

std::uint32_t scan_block(const std::uint8_t* codes, const std::uint8_t* table, std::size_t parts, __m256i threshold,
                         std::uint16_t* sums) noexcept {
  const __m256i low_bits = _mm256_set1_epi8(15);
  pair_sums low, high;
  for (std::size_t m = 0; m < parts; m += 4) {  // two parts fill a register; of two registers the entries add up in a byte
    const __m256i code0 = _mm256_loadu_si256(vectors(codes + m * part_bytes));
    const __m256i code1 = _mm256_loadu_si256(vectors(codes + (m + 2) * part_bytes));
    const __m256i table0 = _mm256_loadu_si256(vectors(table + m * part_entries));
    const __m256i table1 = _mm256_loadu_si256(vectors(table + (m + 2) * part_entries));
    low.add(_mm256_add_epi8(_mm256_shuffle_epi8(table0, _mm256_and_si256(code0, low_bits)),
                            _mm256_shuffle_epi8(table1, _mm256_and_si256(code1, low_bits))));
    high.add(_mm256_add_epi8(_mm256_shuffle_epi8(table0, _mm256_and_si256(_mm256_srli_epi16(code0, 4), low_bits)),
                             _mm256_shuffle_epi8(table1, _mm256_and_si256(_mm256_srli_epi16(code1, 4), low_bits))));
  }
  const __m256i first = low.in_order(), second = high.in_order();
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), first);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 16), second);
  const __m256i packed = _mm256_packs_epi16(_mm256_cmpgt_epi16(first, threshold), _mm256_cmpgt_epi16(second, threshold));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_permute4x64_epi64(packed, 0xD8)));
}

void scan(const std::uint8_t* codes, std::size_t blocks, const std::uint8_t* table, std::size_t parts, int threshold, std::uint16_t* sums,
          std::uint32_t* hits) noexcept {
  const __m256i limit = _mm256_set1_epi16(static_cast<std::int16_t>(std::clamp(threshold, -1, 32767)));
  for (std::size_t b = 0; b < blocks; ++b) {
    hits[b] = scan_block(codes + b * block_bytes(parts), table, parts, limit, sums + b * block_vectors);
  }
}

__m256i wide(const std::int8_t* row) noexcept { return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row))); }
__m256i wide(const std::int16_t* row) noexcept { return _mm256_loadu_si256(vectors(row)); }

template <class T>
std::int32_t dot(const std::int16_t* query, const T* row, std::size_t columns) noexcept {
  __m256i sum0 = _mm256_setzero_si256(), sum1 = _mm256_setzero_si256();
  for (std::size_t i = 0; i < columns; i += dot_multiple) {
    sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(_mm256_loadu_si256(vectors(query + i)), wide(row + i)));
    sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(_mm256_loadu_si256(vectors(query + i + 16)), wide(row + i + 16)));
  }
  const __m256i sum = _mm256_add_epi32(sum0, sum1);
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
  return _mm_cvtsi128_si32(half);
}

}  // namespace

const scan_kernels avx2_scan{"AVX2", scan, dot<std::int8_t>, dot<std::int16_t>};

}  // namespace argosy
#endif
