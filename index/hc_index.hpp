// Hierarchical clustering: an approximate index for many products, method.md, section 6 (Proxima's HC in arXiv 2304.04377, section 3).
//   columns   z of vectors and p of queries: the few axes along which inner products differ (rotation.hpp)
//   leaves    a k-means tree (hc_tree.hpp) puts each z into the leaf of its nearest centroid c
//   second    a share of vectors is in a second leaf c' too, which finds what the first would miss: of the next nearest the one of the least
//             |z - c'|^2 + <z - c', z - c>^2 / |z - c|^2, since queries along z - c misjudge the first leaf, and a residual across it errs in
//             other directions; those vectors whose loss there is the least beside |z - c|^2. Sun, Simcha, Dopson, Guo, Kumar, SOAR,
//             arXiv:2404.00774, eq. 3 with lambda = 1; the share is ours
//   codes     of the residual z - c, 4 bits a part (product_quantiser.hpp), in blocks of 32 that are scanned by shuffles
//   vectors   once more in 12 and 8 bits (packed_rows.hpp), or as they are: the best of the scan are scored with them
//   search    1. of each level the nodes of largest <p, c> are kept, until they have `spread` times as many leaves below as are to be visited
//             2. leaves are scanned, best first: <p, z> ~ <p, c> + sum over parts of a table's entry
//             3. the `rerank` best are scored with the vectors; the k best of these are the answer
//   filter    few allowed rows are scored one by one; of many, those are taken from more leaves (plan_of in index/hc_index.cpp)
// A score is the inner product with the vector as it is stored.
// Letters   N vectors, D columns.   Bytes a vector: code_bytes + 4 for the scan, once a leaf; up to 1.25 D + 8, or 4 D, for the vectors.
// Threads   search may be called from many threads; with several queries `threads` share them. Answers do not depend on threads, nor on
//           the processor: scans are in integers (code_scan.hpp).
// Truth     flat_index; recall beside it in tests/index/hc_index.cpp and `argosy bench index`.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "index/vector_index.hpp"

namespace argosy {

enum class stored_vectors : std::uint8_t { packed, float32 };

struct hc_settings {
  int levels = 0;               // 0: by the number of leaves
  std::size_t leaves = 0;       // 0: by the number of vectors
  std::size_t code_bytes = 32;  // of a vector, two parts a byte; fewer when fewer axes are kept
  stored_vectors vectors = stored_vectors::packed;
  double second_leaves = 0.3;  // share of vectors that are in two leaves
  std::uint64_t seed = 1;
  int threads = 1;
};

// A search visits leaves that hold so many times k, however few it is asked to visit (ours).
inline constexpr std::size_t answers_always_visited = 4;

// What 0 stands for, with N vectors: 4 sqrt(N) leaves; a level more for every 256 times as many.
hc_settings settled(hc_settings, std::size_t vectors) noexcept;

struct hc_progress {
  const char* stage;  // "tree", "leaves", "codes", "vectors"
  std::uint64_t done, total;
};

// (N, D) f32, as write_flat_index takes them; fewer than 2^32 - 1. The same vectors and settings give the same bytes for any threads.
// aborted by `stop`, leaving nothing.
status write_hc_index(const std::filesystem::path&, const_view vectors, const hc_settings&,
                      const std::function<void(const hc_progress&)>& show = {}, std::stop_token stop = {});
// How an index keeps its vectors: float32 for one of another kind.
stored_vectors stored_in(const vector_index&) noexcept;
// Opens at once: tree and codebooks are verified, the rest by block as searches touch it.
result<std::unique_ptr<vector_index>> open_hc_index(const std::filesystem::path&);

}  // namespace argosy
