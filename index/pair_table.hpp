// The pair table: the answers of known queries, found by the hash of their sorted words (method.md, section 6; data/text.hpp makes the key).
//     qid    32 bits, says where an answer lies        check   64 bits more of the same hash: an answer counts only when both agree
// Two queries of one qid are two entries, counted as collisions; neither is ever answered with the other's products.
// Shards    Entry belongs to shard floor(qid * of / 2^32): a file each, so that hosts hold and builders make one at a time.
// Look-up   Entries lie rising by (qid, check) in buckets of one cache line, at or behind the bucket floor(fraction * buckets), the
//           fraction being what qid * of / 2^32 has left: linear probing that stays sorted, filled to 4/5. Two cache misses: the bucket, and
//           the answer. Prefetching the buckets and answers of several keys at once was tried: about a tenth faster, not worth a second look-up.
// Answer    Rows in the order of their ranks, ceil(log2 N) bits each: rising rows delta-coded with a permutation beside them hold as much, and take longer.
//           Scores never rise, so their differences are stored, on a grid of 4,095 steps between the best and the worst of the answer:
//           |error| <= (best - worst) / 8190 plus the rounding of float32. Both layouts are ours; byte by byte: schema/FORMATS.md.
// Letters   N products of the generation, K hits of an answer.
// Threads   pair_file and pair_table are immutable and may be shared; a writer belongs to one thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "index/vector_index.hpp"

namespace argosy {

class generation;

struct pair_key {
  std::uint32_t qid = 0;
  std::uint64_t check = 0;
  friend auto operator<=>(const pair_key&, const pair_key&) = default;
};

struct pair_shard {
  std::uint32_t number = 0, of = 1;  // number < of <= most_pair_shards
};
inline constexpr std::uint32_t most_pair_shards = 65'536;

constexpr std::uint32_t shard_of(std::uint32_t qid, std::uint32_t of) noexcept {
  return static_cast<std::uint32_t>(std::uint64_t{qid} * of >> 32);
}
// pairs.argosy, or pairs-NUMBER-OF.argosy when there are several.
std::string pair_file_name(pair_shard);

// What answers are about: rows mean nothing beside other products.
struct pair_subject {
  std::uint64_t products = 0;       // N, at most 2^32
  std::uint64_t products_xxh3 = 0;  // of the generation's products.argosy
  std::uint64_t k = 0;              // the most hits that were asked for
};
pair_subject subject_of(const generation&, std::uint64_t k);

// Appends the bytes of an answer. invalid_argument for more than 65,535 hits, a row that is none, and scores that rise or are not finite.
status encode_answer(std::span<const hit>, std::uint64_t products, std::vector<std::byte>& to);

class pair_file_writer {
public:
  static result<pair_file_writer> create(const std::filesystem::path&, pair_shard, const pair_subject&);
  pair_file_writer(pair_file_writer&&) noexcept;
  ~pair_file_writer();
  // Keys of the shard, rising; bytes of encode_answer(). invalid_argument otherwise. Holds 16 bytes an entry.
  status add(pair_key, std::span<const std::byte> answer);
  status finish();

private:
  struct state;
  explicit pair_file_writer(std::unique_ptr<state>);
  std::unique_ptr<state> state_;
};

// One shard, memory-mapped. The bytes of a look-up are verified when they are first touched.
class pair_file {
public:
  static result<pair_file> open(const std::filesystem::path&);

  pair_shard shard() const noexcept;
  const pair_subject& subject() const noexcept;
  std::uint64_t size() const noexcept;        // entries
  std::uint64_t collisions() const noexcept;  // entries whose qid the one before has too
  // Whether the query is there; if so `to` is its first `most` hits, best first, else it is empty. corrupt.
  result<bool> find(pair_key, std::size_t most, std::vector<hit>& to) const;
  // Every entry with all of its hits, rising by key; stops at the first failure of `take`.
  status for_each(const std::function<status(pair_key, std::vector<hit>&)>& take) const;
  // Reads and verifies all that look-ups touch, so that none has to wait for it.
  status warm() const;
  status verify() const;

private:
  struct impl;
  explicit pair_file(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

// The shards of one generation.
class pair_table {
public:
  pair_table() = default;  // knows no query
  // Empty when the generation has none. corrupt when its shards are not of one table, or are about other products than the generation's.
  static result<pair_table> open(const generation&);

  bool empty() const noexcept { return shards_.empty(); }
  std::uint64_t size() const noexcept;
  std::uint64_t collisions() const noexcept;
  std::uint64_t k() const noexcept;  // hits of an answer, if there are so many products; 0 when empty
  result<bool> find(pair_key, std::size_t most, std::vector<hit>& to) const;
  status warm() const;

private:
  std::vector<pair_file> shards_;  // by number
};

// Whether a file of a generation belongs to its pair table.
bool is_pair_file(std::string_view name) noexcept;

}  // namespace argosy
