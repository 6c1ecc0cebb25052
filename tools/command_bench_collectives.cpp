#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "net/collective.hpp"
#include "net/secret_file.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/process_ranks.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

using seconds = std::chrono::duration<double>;

constexpr double time_for_each = .4;  // seconds of one measurement
constexpr double least_repeats = 5, most_repeats = 200;

struct measured {
  std::string road, operation;
  std::size_t bytes = 0;
  timing time;
};

seconds time_of(const std::function<status()>& work, status& end) {
  const auto start = std::chrono::steady_clock::now();
  end = work();
  return std::chrono::steady_clock::now() - start;
}

// A step of training goes through other memory between its exchanges, so that the tensors are no longer in the caches.
class other_memory {
public:
  explicit other_memory(std::size_t mib) : numbers_((mib << 20) / sizeof(float)) {}
  void go_through() {
    for (float& number : numbers_) number += 1;
  }

private:
  std::vector<float> numbers_;
};

// As often as rank 0 has time for. Ranks begin together.
result<timing> time_on(collective& c, other_memory& between, const std::function<status()>& work) {
  status end;
  const auto begin = [&]() -> status {
    between.go_through();
    return c.gather_counts(0).failure();
  };
  const auto whole = [&]() -> status {
    ARGOSY_TRY(begin());
    return work();
  };
  static_cast<void>(time_of(whole, end));
  ARGOSY_TRY(end);
  double repeats = std::clamp(std::floor(time_for_each / time_of(whole, end).count()), least_repeats, most_repeats);
  ARGOSY_TRY(end);
  ARGOSY_TRY(c.broadcast(view_of(&repeats, 1, 1), 0));
  std::vector<double> times;
  for (int i = 0; i < static_cast<int>(repeats); ++i) {
    ARGOSY_TRY(begin());
    times.push_back(time_of(work, end).count());
    ARGOSY_TRY(end);
  }
  return timing_of(std::move(times));
}

// Every operation on a whole of each size: what a rank has before or after it.
status measure(collective& c, const std::string& road, const bench_collectives_options& options, std::vector<measured>& out) {
  other_memory between(options.between_mib);
  const std::size_t most_bytes = options.mib << 20;
  const auto ranks = static_cast<std::size_t>(c.size());
  for (std::size_t bytes = 1024; bytes <= most_bytes; bytes *= 16) {
    const auto each = static_cast<std::int64_t>(bytes / sizeof(float) / ranks), all = each * c.size();
    std::vector<float> whole(static_cast<std::size_t>(all)), part(static_cast<std::size_t>(each));
    const std::vector<std::int64_t> rows_of(ranks, 1);
    const view of_all = view_of(whole.data(), c.size(), each), of_one = view_of(part.data(), 1, each);
    const auto add = [&](const char* name, const std::function<status()>& work) -> status {
      ARGOSY_ASSIGN(const timing time, time_on(c, between, work));
      if (c.rank() == 0) out.push_back({road, name, whole.size() * sizeof(float), time});
      return {};
    };
    ARGOSY_TRY(add("all_reduce", [&] { return c.all_reduce(of_all); }));
    ARGOSY_TRY(add("all_gather", [&] { return c.all_gather(of_one, rows_of, of_all); }));
    ARGOSY_TRY(add("reduce_scatter", [&] { return c.reduce_scatter(of_all, rows_of, of_one); }));
  }
  return {};
}

status measure_threads(const bench_collectives_options& options, std::vector<measured>& out) {
  const auto group = make_in_process_group(static_cast<int>(options.ranks));
  std::vector<status> ends(group.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < group.size(); ++r) threads.emplace_back([&, r] { ends[r] = measure(*group[r], "threads", options, out); });
  }
  for (const status& end : ends) ARGOSY_TRY(end);
  return {};
}

status measure_memcpy(const bench_collectives_options& options, std::vector<measured>& out) {
  const auto alone = make_in_process_group(1);
  other_memory between(options.between_mib);
  for (std::size_t bytes = 1024; bytes <= options.mib << 20; bytes *= 16) {
    std::vector<char> from(bytes, 1), to(bytes);
    const auto copy = [&]() -> status {
      std::memcpy(to.data(), from.data(), bytes);
      from[0] = to[bytes - 1];  // is needed, so it is done
      return {};
    };
    ARGOSY_ASSIGN(const timing time, time_on(*alone[0], between, copy));
    out.push_back({"memcpy", "copy", bytes, time});
  }
  return {};
}

// A folder with a secret that lives as long as this.
class one_secret {
public:
  one_secret() {
    std::string name = (std::filesystem::temp_directory_path() / "argosy-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  ~one_secret() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  one_secret(const one_secret&) = delete;
  one_secret& operator=(const one_secret&) = delete;
  result<node_credentials> credentials() const {
    if (folder_.empty()) return status(errc::io_error, "no folder for a secret could be made");
    ARGOSY_TRY(write_new_file(folder_ / "secret", "of-this-measurement-and-of-nothing-else", 0600));
    return node_credentials{.secret = folder_ / "secret"};
  }

private:
  std::filesystem::path folder_;
};

void print_json(const std::vector<measured>& all, int ranks, std::ostream& out) {
  auto rows = nlohmann::ordered_json::array();
  for (const measured& m : all)
    rows.push_back({{"road", m.road},
                    {"operation", m.operation},
                    {"bytes", m.bytes},
                    {"seconds", m.time.median},
                    {"seconds_low", m.time.low},
                    {"seconds_high", m.time.high}});
  out << nlohmann::ordered_json{{"ranks", ranks}, {"measured", rows}}.dump() << std::endl;
}

void print_table(const std::vector<measured>& all, std::ostream& out) {
  text_table table;
  table.add({"road", "operation", "bytes", "microseconds", "quartiles", "GB/s"});
  for (const measured& m : all)
    table.add({m.road, m.operation, grouped(m.bytes), fixed(m.time.median * 1e6, 1),
               fixed(m.time.low * 1e6, 1) + " .. " + fixed(m.time.high * 1e6, 1),
               fixed(static_cast<double>(m.bytes) / m.time.median / 1e9, 3)});
  table.print(out);
}

}  // namespace

// Processes first: they are forked, and threads are not.
status run_bench_collectives(const bench_collectives_options& options, const console& io) {
  const auto ranks = static_cast<int>(options.ranks);
  std::vector<measured> all;
  const auto over = [&](const char* road) { return [&, road](collective& c) { return measure(c, road, options, all); }; };
  const one_secret secret;
  ARGOSY_ASSIGN(const node_credentials credentials, secret.credentials());
  ARGOSY_TRY(run_ranks(ranks, {}, over("Gloo")));
  ARGOSY_TRY(run_ranks(ranks, credentials, over("Gloo, tunnels")));
  ARGOSY_TRY(measure_threads(options, all));
  ARGOSY_TRY(measure_memcpy(options, all));
  options.json ? print_json(all, ranks, io.out) : print_table(all, io.out);
  return {};
}

}  // namespace argosy
