// Packed batches: what a step trains on. No padding: sequences lie end to end, offset[b] .. offset[b+1] is sequence b.
// Letters   B pairs of one worker, one query and one product each, and further queries of the same products: Q queries in all.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "data/prepared.hpp"

namespace argosy {

struct packed_text {
  std::vector<std::int32_t> token;      // (N)
  std::vector<std::int32_t> offset{0};  // (B + 1)
  std::size_t size() const noexcept { return offset.size() - 1; }
  void append(std::span<const std::int32_t> tokens);
};

struct packed_images {
  std::vector<std::uint8_t> patch;     // (images * 16, patch_width) bytes, or
  std::vector<std::uint16_t> feature;  // (images * 16, patch_width) of a backbone, IEEE half precision
  std::vector<std::uint8_t> present;   // (B) 1 or 0
  int patch_width = 0;
  std::size_t size() const noexcept { return present.size(); }
  void append(std::span<const std::uint8_t> patches);  // empty: absent
  void append_features(std::span<const std::uint16_t>);
};

struct product_batch {
  packed_text title;  // an absent title has no rows
  packed_images image;
  std::vector<std::int64_t> product;  // (B)
  std::vector<float> log_p;           // (B)
  std::size_t size() const noexcept { return product.size(); }
};

struct batch {
  std::uint64_t step = 0;                     // from 0
  std::uint64_t first_pair = 0;               // global position of row 0 in the stream of pairs: key of its random draws
  packed_text query;                          // (Q) of the pairs, then the further ones
  std::vector<std::int32_t> own;              // (Q) the row of each query's product: 0 .. B-1 of the pairs
  product_batch product;                      // (B)
  std::vector<std::int32_t> known_offset{0};  // (Q + 1)
  std::vector<std::int64_t> known_product;    // known positives of each query
  std::size_t size() const noexcept { return product.size(); }
  std::size_t further() const noexcept { return query.size() - size(); }
};

// Whose random draws each sequence makes: the global pair; further queries have draws of their own.
std::vector<std::uint32_t> pairs_of_products(const batch&);
std::vector<std::uint32_t> pairs_of_queries(const batch&);

// Pairs first .. first + count - 1 of a batch with the further queries of their products, as a batch.
batch part_of(const batch&, std::size_t first, std::size_t count);
// Rows of the part's queries among the batch's, in the part's order.
std::vector<std::int32_t> query_rows_of_part(const batch&, std::size_t first, std::size_t count);

// Which queries led to each product, for further queries.
class queries_of_products {
public:
  explicit queries_of_products(const prepared_data&);
  std::span<const std::uint32_t> operator[](std::uint64_t product) const noexcept;

private:
  std::vector<std::uint64_t> offset_;  // (products + 1)
  std::vector<std::uint32_t> query_;   // (pairs)
};

// Keyword enhancement (MAKE, arXiv 2301.12646; how queries are found is ours): with `probability`, a second query that led to the pair's
// product joins the batch.
struct further_queries {
  const queries_of_products* of = nullptr;
  double probability = 0;
  std::uint64_t seed = 0;
};

// The order in which pairs are drawn: each epoch a permutation of all pairs, keyed by (seed, epoch), computed in place (a Feistel network
// with cycle walking), so that any position is found at once and resuming is arithmetic.
class pair_order {
public:
  pair_order(std::uint64_t pairs, std::uint64_t seed) noexcept;  // pairs >= 1
  // The pair at a position of the endless stream of epochs.
  std::uint64_t at(std::uint64_t position) const noexcept;

private:
  std::uint64_t pairs_, seed_;
  int half_bits_;
};

// The part of global batch `step` that worker `rank` of `workers` trains: rows [rank*G/W, (rank+1)*G/W) of it. The global batch G is fixed
// by the recipe and does not depend on the number of workers.
struct batch_share {
  std::uint64_t global_batch = 0;
  int rank = 0, workers = 1;
  std::uint64_t first() const noexcept { return global_batch * static_cast<std::uint64_t>(rank) / static_cast<std::uint64_t>(workers); }
  std::uint64_t size() const noexcept {
    return global_batch * static_cast<std::uint64_t>(rank + 1) / static_cast<std::uint64_t>(workers) - first();
  }
};
result<batch> make_batch(const prepared_data&, const pair_order&, std::uint64_t step, const batch_share&, const further_queries& = {});

// Rows for embedding: products [first, first + count) without pairs.
result<product_batch> make_product_batch(const prepared_data&, std::uint64_t first, std::uint64_t count);

}  // namespace argosy
