#include <algorithm>
#include <filesystem>
#include <ostream>

#include "base/log.hpp"
#include "index/generation.hpp"
#include "index/pair_table.hpp"
#include "kernels/slow_arithmetic.hpp"
#include "schema/measure.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/pairs_queries.hpp"
#include "tools/pairs_work.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

// Queries of one file of answers, which is what a kill costs; and of one search: enough to fill the machine. Both ours.
constexpr std::size_t part_queries = 16'384, search_queries = 256;

// Chosen queries of a shard: where they stand in its list.
using chosen_queries = std::vector<std::size_t>;

chosen_queries choose(const shard_queries& queries, most_frequent& frequent) {
  chosen_queries chosen;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (frequent.take(queries.count(i))) chosen.push_back(i);
  }
  return chosen;
}

template <class T>
std::span<T> part_of(std::span<T> all, std::size_t first, std::size_t most) {
  return all.subspan(first, std::min(most, all.size() - first));
}

result<pairs_plan> plan_of(const pairs_options& options, const generation& base) {
  ARGOSY_ASSIGN(const folder_file manifest, measure_file(base.path() / "MANIFEST"));
  ARGOSY_ASSIGN(const folder_file log, measure_file(options.log));
  return pairs_plan{base.number(), manifest.xxh3, log.bytes, log.xxh3, options.top, options.limit, options.shards, options.arithmetic};
}

class pairs_command {
public:
  pairs_command(const pairs_options& options, const console& io, searcher from, pairs_work work)
      : options_(&options), io_(&io), searcher_(std::move(from)), work_(std::move(work)), start_(io.clock.now()) {}

  status run() {
    ARGOSY_ASSIGN(const log_totals totals, read_the_log());
    ARGOSY_ASSIGN(const most_frequent frequent, most_frequent::of(work_.folder(), shards(), options_->limit));
    if (frequent.kept() == 0) return {errc::invalid_argument, options_->log.string() + ": want at least one query with words, found none"};
    total_ = frequent.kept();
    ARGOSY_TRY(answer_all(frequent));
    published_from_ = io_->clock.now();
    ARGOSY_ASSIGN(const std::uint64_t number, publish(frequent));
    work_.remove();
    report(number, totals, frequent);
    return {};
  }

private:
  std::uint32_t shards() const noexcept { return static_cast<std::uint32_t>(options_->shards); }

  result<log_totals> read_the_log() {
    if (const auto known = work_.totals()) return *known;
    const auto show = [&](std::uint64_t lines) { io_->progress.show({.stage = "log", .unit = "lines", .done = lines}); };
    ARGOSY_ASSIGN(const auto totals, collect_queries(options_->log, searcher_.encoder(), shards(), work_.folder(), show, io_->stop));
    ARGOSY_TRY(work_.keep(totals));
    return totals;
  }

  status answer_all(most_frequent frequent) {
    answering_ = io_->clock.now();
    for (std::uint32_t s = 0; s < shards(); ++s) {
      ARGOSY_ASSIGN(const auto queries, shard_queries::open(work_.folder(), s));
      const chosen_queries chosen = choose(queries, frequent);
      for (std::size_t first = 0; first < chosen.size();) {
        const auto left = std::span(chosen).subspan(first);
        if (const auto known = work_.answers(s, first, left.size())) {
          reused_ += known->length.size();
          first += known->length.size();
          continue;
        }
        ARGOSY_ASSIGN(const answer_part answers, answer(queries, part_of(left, 0, part_queries)));
        if (!answers.length.empty()) ARGOSY_TRY(work_.keep(s, first, answers));
        if (io_->stop.stop_requested()) return {errc::aborted, "answering was interrupted"};
        first += answers.length.size();
      }
    }
    io_->progress.close();
    return {};
  }

  // As many of them as there is time for before a stop.
  result<answer_part> answer(const shard_queries& queries, std::span<const std::size_t> chosen) {
    answer_part part;
    for (std::size_t first = 0; first < chosen.size() && !io_->stop.stop_requested(); first += search_queries) {
      const auto batch = part_of(chosen, first, search_queries);
      ARGOSY_TRY(answer_batch(queries, batch, part));
      answered_ += batch.size();
      show();
    }
    return part;
  }

  status answer_batch(const shard_queries& queries, std::span<const std::size_t> chosen, answer_part& to) {
    std::vector<std::vector<std::int32_t>> tokens;
    for (const std::size_t at : chosen) {
      const auto pieces = queries.tokens(at);
      tokens.emplace_back(pieces.begin(), pieces.end());
    }
    const steady_time start = io_->clock.now();
    ARGOSY_ASSIGN(const auto vectors, searcher_.embed(tokens));
    const steady_time embedded = io_->clock.now();
    const vector_index& index = searcher_.current().index();
    const auto rows = view_of(vectors.data(), static_cast<std::int64_t>(tokens.size()), static_cast<std::int64_t>(index.columns()));
    ARGOSY_ASSIGN(const auto found, index.search(rows, {.k = options_->top, .threads = searcher_.threads()}));
    embedding_s_ += seconds_between(start, embedded);
    searching_s_ += seconds_between(embedded, io_->clock.now());
    for (const auto& hits : found) {
      const std::size_t before = to.bytes.size();
      ARGOSY_TRY(encode_answer(hits, searcher_.current().products(), to.bytes));
      to.length.push_back(static_cast<std::uint32_t>(to.bytes.size() - before));
    }
    return {};
  }

  void show() {
    const double rate = static_cast<double>(answered_) / std::max(1e-9, seconds_between(answering_, io_->clock.now()));
    const std::uint64_t done = reused_ + answered_;
    io_->progress.show({.stage = "pairs",
                        .unit = "queries",
                        .done = done,
                        .total = total_,
                        .rate = rate,
                        .seconds_left = static_cast<double>(total_ - done) / rate});
  }

  // A generation with the files of the one that was answered from, and this table.
  result<std::uint64_t> publish(most_frequent frequent) {
    const generation& base = searcher_.current();
    ARGOSY_ASSIGN(generation_writer writer, generation_writer::create_from(options_->store, base));
    for (const auto& file : base.folder().files) {
      std::error_code failed;
      if (is_pair_file(file.name)) fs::remove(writer.path() / file.name, failed);
      if (failed) return status(errc::io_error, (writer.path() / file.name).string() + ": remove: " + failed.message());
    }
    for (std::uint32_t s = 0; s < shards(); ++s) ARGOSY_TRY(write_shard(writer.path(), s, frequent));
    if (io_->stop.stop_requested()) return status(errc::aborted, "publishing was interrupted");
    ARGOSY_TRY(writer.publish());
    return writer.number();
  }

  status write_shard(const fs::path& folder, std::uint32_t s, most_frequent& frequent) {
    const pair_shard shard{s, shards()};
    const fs::path path = folder / pair_file_name(shard);
    ARGOSY_ASSIGN(const auto queries, shard_queries::open(work_.folder(), s));
    ARGOSY_ASSIGN(auto to, pair_file_writer::create(path, shard, subject_of(searcher_.current(), options_->top)));
    const chosen_queries chosen = choose(queries, frequent);
    for (std::size_t first = 0; first < chosen.size();) {
      const auto answers = work_.answers(s, first, chosen.size() - first);
      if (!answers) return {errc::corrupt, work_.folder().string() + ": answers are damaged: run the command again"};
      std::span<const std::byte> left(answers->bytes);
      for (const std::uint32_t length : answers->length) {
        ARGOSY_TRY(to.add(queries.key(chosen[first++]), left.first(length)));
        left = left.subspan(length);
      }
    }
    ARGOSY_TRY(to.finish());
    ARGOSY_ASSIGN(const auto written, pair_file::open(path));
    collisions_ += written.collisions();
    bytes_ += fs::file_size(path);
    return {};
  }

  void report(std::uint64_t number, const log_totals& totals, const most_frequent& frequent) const {
    const steady_time end = io_->clock.now();
    const double seconds = seconds_between(start_, end);
    io_->out << "log: " << grouped(totals.lines) << " lines, " << grouped(totals.refused) << " refused, " << grouped(totals.without_words)
             << " without words; " << counted(frequent.unique(), "query", "queries") << '\n';
    io_->out << options_->store.string() << ": generation " << number << ", pair table of " << counted(frequent.kept(), "query", "queries")
             << ", " << bytes_text(bytes_) << ", " << counted(collisions_, "collision") << ", " << duration_text(seconds);
    if (reused_ > 0) {
      io_->out << ", " << grouped(reused_) << " from the run before\n";
    } else {
      io_->out << ", " << grouped(static_cast<std::uint64_t>(static_cast<double>(frequent.kept()) / seconds)) << " queries/s\n";
    }
    const double log_s = seconds_between(start_, answering_), answering_s = seconds_between(answering_, published_from_);
    io_->out << "log " << duration_text(log_s) << ", embedding " << duration_text(embedding_s_) << ", searching "
             << duration_text(searching_s_) << ", encoding and keeping " << duration_text(answering_s - embedding_s_ - searching_s_)
             << ", publishing " << duration_text(seconds_between(published_from_, end)) << '\n';
  }

  const pairs_options* options_;
  const console* io_;
  searcher searcher_;
  pairs_work work_;
  steady_time start_, answering_{}, published_from_{};
  double embedding_s_ = 0, searching_s_ = 0;
  std::uint64_t total_ = 0, answered_ = 0, reused_ = 0, collisions_ = 0, bytes_ = 0;
};

}  // namespace

status run_pairs(const pairs_options& options, const console& io) {
  warn_of_slow_arithmetic(options.arithmetic, "--compute float32");
  ARGOSY_ASSIGN(searcher from, searcher::open(options.store, options.threads, options.arithmetic));
  if (from.live().put() > 0)
    log::warning(counted(from.live().put(), "product") +
                 " put since the generation was published will not be in the table: `argosy compact` first");
  ARGOSY_ASSIGN(const pairs_plan plan, plan_of(options, from.current()));
  ARGOSY_ASSIGN(pairs_work work, pairs_work::open(options.store, plan));
  const status end = pairs_command(options, io, std::move(from), std::move(work)).run();
  io.progress.close();
  return end.code() == errc::aborted ? interrupted("the store is as it was; the same command goes on") : end;
}

}  // namespace argosy
