// From a search log to the queries of a pair table: unique by the key of their sorted words, with how often they were asked and the pieces
// that embed them. Memory is bounded by the unique queries of one shard and a fixed number of texts: what the log holds is first spooled
// to a file a shard, then each is sorted by itself.
//   FOLDER/spool-S.argosy     what the log gave so far; removed when the next is there
//   FOLDER/queries-S.argosy   the unique queries of shard S, rising by key
// Both are containers (schema/FORMATS.md, "Work of pairs").
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/pair_table.hpp"
#include "model/query_encoder.hpp"
#include "schema/container.hpp"

namespace argosy {

struct log_totals {
  std::uint64_t lines = 0;          // read
  std::uint64_t refused = 0;        // of them, no records of a log
  std::uint64_t without_words = 0;  // records whose query has no words, or is no UTF-8
};

// What stands in queries-S.argosy, mapped.
class shard_queries {
public:
  static result<shard_queries> open(const std::filesystem::path& folder, std::uint32_t shard);
  std::size_t size() const noexcept { return check_.size(); }
  pair_key key(std::size_t at) const noexcept { return {qid_[at], check_[at]}; }
  std::uint64_t count(std::size_t at) const noexcept { return count_[at]; }
  std::span<const std::int32_t> tokens(std::size_t at) const { return token_.subspan(offset_[at], offset_[at + 1] - offset_[at]); }

private:
  explicit shard_queries(container_reader file) : file_(std::move(file)) {}
  container_reader file_;
  std::span<const std::uint32_t> qid_;
  std::span<const std::uint64_t> check_, count_, offset_;
  std::span<const std::int32_t> token_;
};

using log_progress = std::function<void(std::uint64_t lines)>;

// Leaves queries-0.argosy to queries-(shards - 1).argosy. aborted when stopped.
result<log_totals> collect_queries(const std::filesystem::path& log, const query_encoder&, std::uint32_t shards,
                                   const std::filesystem::path& folder, const log_progress&, const std::stop_token&);

// Which queries are among the `limit` most frequent of all shards; of equally frequent ones the first by key. 0: all.
// Asked for every query in the order of shards and keys.
class most_frequent {
public:
  static result<most_frequent> of(const std::filesystem::path& folder, std::uint32_t shards, std::uint64_t limit);
  bool take(std::uint64_t count) noexcept;
  std::uint64_t unique() const noexcept { return unique_; }
  std::uint64_t kept() const noexcept { return kept_; }

private:
  std::uint64_t unique_ = 0, kept_ = 0;
  std::uint64_t least_ = 0, ties_ = 0;  // more than `least_`, or `ties_` of those with as many
};

}  // namespace argosy
