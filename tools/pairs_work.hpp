// STORE/pairs-work: what `argosy pairs` has done so far, so that a run which was interrupted or killed goes on. One process at a time.
//   plan.argosy           what it is done for. Work for another generation, log, K, limit, shards or arithmetic is removed, never used
//   totals.argosy         what the log held: with it, every queries-S.argosy (pairs_queries.hpp) is there
//   answers-S-F.argosy    the answers of shard S from its F-th chosen query on, encoded (index/pair_table.hpp)
// Containers all, written whole or not at all and verified before they are used again (schema/FORMATS.md, "Work of pairs").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "kernels/device.hpp"
#include "tools/pairs_queries.hpp"

namespace argosy {

struct locked_path;

struct pairs_plan {
  std::uint64_t generation = 0, manifest_xxh3 = 0;
  std::uint64_t log_bytes = 0, log_xxh3 = 0;
  std::uint64_t k = 0, limit = 0, shards = 1;
  compute arithmetic = compute::float32;
};

// The encoded answers of successive queries.
struct answer_part {
  std::vector<std::uint32_t> length;  // bytes of each
  std::vector<std::byte> bytes;
};

class pairs_work {
public:
  // unavailable when another process is at work there.
  static result<pairs_work> open(const std::filesystem::path& store, const pairs_plan&);
  pairs_work(pairs_work&&) noexcept;
  ~pairs_work();

  const std::filesystem::path& folder() const noexcept;
  // Of a log that was read to its end, by this run or one before.
  std::optional<log_totals> totals() const;
  status keep(const log_totals&) const;
  // Those of one to `most` queries; none: not there, or damaged.
  std::optional<answer_part> answers(std::uint32_t shard, std::uint64_t first, std::size_t most) const;
  status keep(std::uint32_t shard, std::uint64_t first, const answer_part&) const;
  // When nothing of it is wanted any more.
  void remove();

private:
  explicit pairs_work(std::unique_ptr<locked_path>);
  std::unique_ptr<locked_path> folder_;
};

}  // namespace argosy
