// Compiled for AVX-512 whatever the rest of the program is compiled for (CMakeLists.txt), and called only where the processor has it.
#ifdef __x86_64__
#include <immintrin.h>

#include "index/code_scan.hpp"

namespace argosy {
namespace {

// As in code_scan_avx2.cpp: even = whole - 256 * odd. The four lanes hold different parts of the same 16 vectors.
struct pair_sums {
  __m512i whole = _mm512_setzero_si512(), odd = _mm512_setzero_si512();
  void add(__m512i bytes) noexcept {
    whole = _mm512_add_epi16(whole, bytes);
    odd = _mm512_add_epi16(odd, _mm512_srli_epi16(bytes, 8));
  }
  __m256i in_order() const noexcept {
    const __m512i even = _mm512_sub_epi16(whole, _mm512_slli_epi16(odd, 8));
    const __m128i evens = folded(even), odds = folded(odd);
    return _mm256_set_m128i(_mm_unpackhi_epi16(evens, odds), _mm_unpacklo_epi16(evens, odds));
  }

private:
  static __m128i folded(__m512i sum) noexcept {
    const __m256i half = _mm256_add_epi16(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
    return _mm_add_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }
};

std::uint32_t scan_block(const std::uint8_t* codes, const std::uint8_t* table, std::size_t parts, __m512i threshold,
                         std::uint16_t* sums) noexcept {
  const __m512i low_bits = _mm512_set1_epi8(15);
  pair_sums low, high;
  for (std::size_t m = 0; m < parts; m += 8) {  // four parts fill a register; of two registers the entries add up in a byte
    const __m512i code0 = _mm512_loadu_si512(codes + m * part_bytes);
    const __m512i code1 = _mm512_loadu_si512(codes + (m + 4) * part_bytes);
    const __m512i table0 = _mm512_loadu_si512(table + m * part_entries);
    const __m512i table1 = _mm512_loadu_si512(table + (m + 4) * part_entries);
    low.add(_mm512_add_epi8(_mm512_shuffle_epi8(table0, _mm512_and_si512(code0, low_bits)),
                            _mm512_shuffle_epi8(table1, _mm512_and_si512(code1, low_bits))));
    high.add(_mm512_add_epi8(_mm512_shuffle_epi8(table0, _mm512_and_si512(_mm512_srli_epi16(code0, 4), low_bits)),
                             _mm512_shuffle_epi8(table1, _mm512_and_si512(_mm512_srli_epi16(code1, 4), low_bits))));
  }
  const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(low.in_order()), high.in_order(), 1);
  _mm512_storeu_si512(sums, both);
  return _mm512_cmpgt_epi16_mask(both, threshold);
}

void scan(const std::uint8_t* codes, std::size_t blocks, const std::uint8_t* table, std::size_t parts, int threshold, std::uint16_t* sums,
          std::uint32_t* hits) noexcept {
  const __m512i limit = _mm512_set1_epi16(static_cast<std::int16_t>(std::clamp(threshold, -1, 32767)));
  for (std::size_t b = 0; b < blocks; ++b) {
    hits[b] = scan_block(codes + b * block_bytes(parts), table, parts, limit, sums + b * block_vectors);
  }
}

__m512i wide(const std::int8_t* row) noexcept { return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row))); }
__m512i wide(const std::int16_t* row) noexcept { return _mm512_loadu_si512(row); }

template <class T>
std::int32_t dot(const std::int16_t* query, const T* row, std::size_t columns) noexcept {
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < columns; i += dot_multiple)
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_loadu_si512(query + i), wide(row + i)));
  return _mm512_reduce_add_epi32(sum);
}

}  // namespace

const scan_kernels avx512_scan{"AVX-512", scan, dot<std::int8_t>, dot<std::int16_t>};

}  // namespace argosy
#endif
