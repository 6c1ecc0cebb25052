#include "tools/pairs_work.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "schema/partial.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr file_kind plan_kind = {"pairs-plan", 1}, totals_kind = {"pairs-totals", 1}, answers_kind = {"pairs-answers", 1};

status write_numbers(const fs::path& path, file_kind kind, std::span<const std::uint64_t> numbers) {
  ARGOSY_ASSIGN(auto file, container_writer::create(path, kind));
  ARGOSY_TRY(file.add("number", numbers));
  return file.finish();
}

result<std::vector<std::uint64_t>> read_numbers(const fs::path& path, file_kind kind) {
  ARGOSY_ASSIGN(const auto file, container_reader::open(path, kind));
  ARGOSY_TRY(file.verify());
  ARGOSY_ASSIGN(const auto numbers, file.section<std::uint64_t>("number"));
  return std::vector<std::uint64_t>(numbers.begin(), numbers.end());
}

std::vector<std::uint64_t> numbers_of(const pairs_plan& plan) {
  return {plan.generation, plan.manifest_xxh3, plan.log_bytes, plan.log_xxh3,
          plan.k,          plan.limit,         plan.shards,    static_cast<std::uint64_t>(plan.arithmetic)};
}

fs::path answers_path(const fs::path& folder, std::uint32_t shard, std::uint64_t first) {
  return folder / ("answers-" + std::to_string(shard) + "-" + std::to_string(first) + ".argosy");
}

result<answer_part> read_answers(const fs::path& path) {
  ARGOSY_ASSIGN(const auto file, container_reader::open(path, answers_kind));
  ARGOSY_TRY(file.verify());
  ARGOSY_ASSIGN(const auto length, file.section<std::uint32_t>("length"));
  ARGOSY_ASSIGN(const auto bytes, file.section<std::byte>("answer"));
  if (std::accumulate(length.begin(), length.end(), std::uint64_t{0}) != bytes.size())
    return status(errc::corrupt, path.string() + ": section length: want lengths that add up to " + std::to_string(bytes.size()));
  return answer_part{{length.begin(), length.end()}, {bytes.begin(), bytes.end()}};
}

// Everything in it goes; the folder, which is locked, stays.
status clear(const fs::path& folder) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) fs::remove_all(entry.path(), failed);
  return failed ? system_failure(folder, "clear", failed.value()) : status{};
}

result<locked_path> lock_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directory(folder, failed);
  if (failed) return system_failure(folder, "make folder", failed.value());
  locked_path held{folder, descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))};
  if (!held.lock) return system_failure(folder, "open", errno);
  if (::flock(held.lock.get(), LOCK_EX | LOCK_NB) == 0) return held;
  return status(errc::unavailable, folder.string() + ": another `argosy pairs` is at work on this store");
}

}  // namespace

pairs_work::pairs_work(std::unique_ptr<locked_path> folder) : folder_(std::move(folder)) {}
pairs_work::pairs_work(pairs_work&&) noexcept = default;
pairs_work::~pairs_work() = default;

const fs::path& pairs_work::folder() const noexcept { return folder_->path; }

result<pairs_work> pairs_work::open(const fs::path& store, const pairs_plan& plan) {
  ARGOSY_ASSIGN(auto held, lock_folder(store / "pairs-work"));
  const auto wanted = numbers_of(plan);
  const auto found = read_numbers(held.path / "plan.argosy", plan_kind);
  if (!found.ok() || *found != wanted) {
    ARGOSY_TRY(clear(held.path));
    ARGOSY_TRY(write_numbers(held.path / "plan.argosy", plan_kind, wanted));
  }
  return pairs_work(std::make_unique<locked_path>(std::move(held)));
}

std::optional<log_totals> pairs_work::totals() const {
  const auto found = read_numbers(folder() / "totals.argosy", totals_kind);
  if (!found.ok() || found->size() != 3) return std::nullopt;
  return log_totals{(*found)[0], (*found)[1], (*found)[2]};
}

status pairs_work::keep(const log_totals& totals) const {
  const std::uint64_t numbers[] = {totals.lines, totals.refused, totals.without_words};
  return write_numbers(folder() / "totals.argosy", totals_kind, numbers);
}

std::optional<answer_part> pairs_work::answers(std::uint32_t shard, std::uint64_t first, std::size_t most) const {
  auto found = read_answers(answers_path(folder(), shard, first));
  if (!found.ok() || found->length.empty() || found->length.size() > most) return std::nullopt;
  return std::move(found).value();
}

status pairs_work::keep(std::uint32_t shard, std::uint64_t first, const answer_part& part) const {
  ARGOSY_ASSIGN(auto file, container_writer::create(answers_path(folder(), shard, first), answers_kind));
  ARGOSY_TRY(file.add("length", std::span<const std::uint32_t>(part.length)));
  ARGOSY_TRY(file.add("answer", std::span<const std::byte>(part.bytes)));
  return file.finish();
}

void pairs_work::remove() {
  std::error_code ignored;
  fs::remove_all(folder(), ignored);
}

}  // namespace argosy
