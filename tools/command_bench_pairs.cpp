#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "index/pair_table.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/passing_folder.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr int repeats = 7;
constexpr std::size_t different_answers = 4096;
constexpr double share_of_misses = 0.1;
constexpr std::size_t first_hits = 10;

// SplitMix64's finaliser: a bijection, so that no two queries have one key.
std::uint64_t mixed(std::uint64_t value) noexcept {
  value += 0x9E3779B97F4A7C15ull;
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9ull;
  value = (value ^ value >> 27) * 0x94D049BB133111EBull;
  return value ^ value >> 31;
}

pair_key random_key(std::uint64_t query) noexcept { return {static_cast<std::uint32_t>(mixed(~query)), mixed(query)}; }

// Which of the answers is that of a key.
std::size_t answer_of(const pair_key& key) noexcept { return key.check % different_answers; }

using answer_list = std::vector<std::vector<hit>>;

// Random rows with falling scores; far fewer than queries, each of which has its own copy in the table.
answer_list random_answers(const bench_pairs_options& options) {
  answer_list answers(different_answers);
  for (std::size_t a = 0; a < answers.size(); ++a) {
    for (std::uint64_t i = 0; i < options.top; ++i) {
      const std::uint64_t drawn = mixed(a << 32 | i);
      const float score = 1 - 0.5F * static_cast<float>(i) / static_cast<float>(options.top) - 1e-4F * static_cast<float>(drawn >> 62);
      answers[a].push_back({static_cast<std::uint32_t>((drawn & 0xFFFFFFFF) % options.products), score});
    }
    std::sort(answers[a].begin(), answers[a].end(), [](const hit& x, const hit& y) { return x.score > y.score; });
  }
  return answers;
}

status write_table(const fs::path& path, const bench_pairs_options& options, const answer_list& answers, const console& io) {
  std::vector<std::vector<std::byte>> encoded(answers.size());
  for (std::size_t a = 0; a < answers.size(); ++a) ARGOSY_TRY(encode_answer(answers[a], options.products, encoded[a]));
  std::vector<pair_key> keys;
  keys.reserve(options.queries);
  for (std::uint64_t q = 0; q < options.queries; ++q) keys.push_back(random_key(q));
  std::sort(keys.begin(), keys.end());
  ARGOSY_ASSIGN(auto writer, pair_file_writer::create(path, {}, {options.products, 0, options.top}));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % 65'536 == 0) {
      if (io.stop.stop_requested()) return {errc::aborted, "the measurement was interrupted"};
      io.progress.show({.stage = "table", .unit = "queries", .done = i, .total = keys.size()});
    }
    ARGOSY_TRY(writer.add(keys[i], encoded[answer_of(keys[i])]));
  }
  io.progress.close();
  return writer.finish();
}

// Queries of the table in a random order, and some that are not in it.
struct asked_key {
  pair_key key;
  bool known = true;
};
std::vector<asked_key> random_look_ups(const bench_pairs_options& options) {
  constexpr auto misses = static_cast<std::uint64_t>(share_of_misses * 1000);
  std::vector<asked_key> asked;
  asked.reserve(options.lookups);
  for (std::uint64_t i = 0; i < options.lookups; ++i) {
    const std::uint64_t drawn = mixed(i ^ 0x5EED'0000'0000ull);
    const bool known = (drawn >> 40) % 1000 >= misses;
    asked.push_back({random_key(known ? drawn % options.queries : options.queries + i), known});
  }
  return asked;
}

struct look_up_speed {
  std::string name;
  timing look_up;  // seconds of one
  std::uint64_t wrong = 0;
  double per_s() const { return 1 / look_up.median; }
};

bool is_right(const asked_key& asked, bool known, const std::vector<hit>& found, const std::vector<hit>& want, std::size_t most) {
  if (known != asked.known) return false;
  if (!known) return found.empty();
  const auto same_row = [](const hit& a, const hit& b) { return a.row == b.row; };
  return found.size() == std::min(most, want.size()) && std::equal(found.begin(), found.end(), want.begin(), same_row);
}

// Checked in a pass of its own, which also warms what it touches.
result<look_up_speed> measure(const pair_file& table, const std::vector<asked_key>& asked, const answer_list& answers, std::size_t most,
                              const console& io, std::string name) {
  std::vector<hit> found;
  look_up_speed speed{std::move(name), {}, 0};
  for (const asked_key& one : asked) {
    ARGOSY_ASSIGN(const bool known, table.find(one.key, most, found));
    speed.wrong += is_right(one, known, found, answers[answer_of(one.key)], most) ? 0 : 1;
  }
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    std::uint64_t known = 0;
    const steady_time start = io.clock.now();
    for (const asked_key& one : asked) known += table.find(one.key, most, found).value() ? 1 : 0;
    seconds.push_back(seconds_between(start, io.clock.now()) / static_cast<double>(asked.size()));
    if (known > asked.size()) return status(errc::internal, "more queries known than asked");
  }
  speed.look_up = timing_of(seconds);
  return speed;
}

struct outcome {
  std::uint64_t queries = 0, top = 0, products = 0, collisions = 0, bytes = 0;
  double build_s = 0;
  std::vector<look_up_speed> speeds;
  double bytes_per_query() const { return static_cast<double>(bytes) / static_cast<double>(queries); }
};

nlohmann::ordered_json json_of(const look_up_speed& speed) {
  return {{"lookups_per_s", speed.per_s()},
          {"median_s", speed.look_up.median},
          {"low_s", speed.look_up.low},
          {"high_s", speed.look_up.high},
          {"wrong", speed.wrong}};
}

void print_json(const outcome& done, std::ostream& out) {
  const nlohmann::ordered_json object{{"queries", done.queries},
                                      {"top", done.top},
                                      {"products", done.products},
                                      {"share_of_misses", share_of_misses},
                                      {"collisions", done.collisions},
                                      {"bytes", done.bytes},
                                      {"bytes_per_query", done.bytes_per_query()},
                                      {"build_s", done.build_s},
                                      {"first", json_of(done.speeds[0])},
                                      {"all", json_of(done.speeds[1])}};
  out << object.dump(2) << '\n';
}

std::string nanoseconds_text(const timing& of) {
  return fixed(1e9 * of.median, 0) + " (" + fixed(1e9 * of.low, 0) + " .. " + fixed(1e9 * of.high, 0) + ")";
}

void print_table(const outcome& done, std::ostream& out) {
  out << counted(done.queries, "query", "queries") << " of " << grouped(done.top) << " among " << grouped(done.products)
      << " products: " << bytes_text(done.bytes) << ", " << fixed(done.bytes_per_query(), 1) << " bytes a query, "
      << counted(done.collisions, "collision") << " of 32 bits, written in " << duration_text(done.build_s) << "; one thread\n";
  text_table table;
  table.add({"", "look-ups/s", "one, ns: median (quartiles)", "wrong"});
  for (const auto& speed : done.speeds)
    table.add({speed.name, grouped(static_cast<std::uint64_t>(speed.per_s())), nanoseconds_text(speed.look_up), grouped(speed.wrong)});
  table.print(out);
}

result<outcome> measure_pair_table(const bench_pairs_options& options, const console& io) {
  ARGOSY_ASSIGN(const passing_folder folder, passing_folder::make(fs::temp_directory_path(), "argosy-bench"));
  const fs::path path = folder.path() / pair_file_name({});
  const answer_list answers = random_answers(options);
  const steady_time start = io.clock.now();
  ARGOSY_TRY(write_table(path, options, answers, io));
  const double build_s = seconds_between(start, io.clock.now());
  ARGOSY_ASSIGN(const pair_file table, pair_file::open(path));
  ARGOSY_TRY(table.warm());

  const auto asked = random_look_ups(options);
  outcome done{options.queries, options.top, options.products, table.collisions(), fs::file_size(path), build_s, {}};
  ARGOSY_ASSIGN(look_up_speed first, measure(table, asked, answers, first_hits, io, "the first 10 products"));
  ARGOSY_ASSIGN(look_up_speed all, measure(table, asked, answers, options.top, io, "all of them"));
  done.speeds = {std::move(first), std::move(all)};
  return done;
}

}  // namespace

status run_bench_pairs(const bench_pairs_options& options, const console& io) {
  ARGOSY_ASSIGN(const outcome done, measure_pair_table(options, io));
  if (options.json) {
    print_json(done, io.out);
  } else {
    print_table(done, io.out);
  }
  return {};
}

}  // namespace argosy
