#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "index/live_store.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/passing_folder.hpp"
#include "tools/random_catalogue.hpp"
#include "tools/random_rows.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t single_puts = 200, most_at_once = 1000, queries = 200;
constexpr std::size_t k = 10;

struct search_times {
  std::uint64_t put = 0;  // products put before
  timing query;
};

struct outcome {
  timing put;  // of one product: until it is on the disk and can be found
  double put_max = 0;
  double put_per_s = 0;  // in batches of most_at_once
  double open_s = 0;     // with all changes in the journal
  std::vector<search_times> searches;
};

class changes_bench {
public:
  changes_bench(const bench_changes_options& options, const console& io)
      : options_(options),
        io_(io),
        vectors_(random_unit_rows(options.products + options.changes, options.columns, 1)),
        asked_(random_unit_rows(queries, options.columns, 2)),
        catalogue_(options.products + options.changes) {
    for (std::size_t i = 0; i < options.products + options.changes; ++i) ids_.push_back("p" + std::to_string(i));
  }

  result<outcome> run(const std::filesystem::path& store) {
    ARGOSY_TRY(publish(store));
    const auto rules = [](const generation&) -> result<text_rules> { return plain_rules(); };
    outcome done;
    {
      ARGOSY_ASSIGN(const auto live, live_store::open(store, rules));
      ARGOSY_TRY(add_search(*live, done));
      ARGOSY_TRY(put_singly(*live, done));
      ARGOSY_TRY(add_search(*live, done));
      ARGOSY_TRY(put_batches(*live, done));
      ARGOSY_TRY(add_search(*live, done));
    }
    const steady_time start = io_.clock.now();
    ARGOSY_ASSIGN(const auto again, open_live(store, rules));
    done.open_s = seconds_between(start, io_.clock.now());
    if (again.put() != options_.changes) return status(errc::corrupt, "the journal has lost changes");
    return done;
  }

private:
  status publish(const std::filesystem::path& store) {
    ARGOSY_ASSIGN(auto writer, generation_writer::create(store));
    std::vector<product_facts> facts;
    for (std::size_t row = 0; row < options_.products; ++row) facts.push_back({ids_[row], catalogue_.titles[row], ""});
    const auto count = static_cast<std::int64_t>(options_.products), width = static_cast<std::int64_t>(options_.columns);
    ARGOSY_TRY(writer.write(view_of(std::as_const(vectors_).data(), count, width), facts, {.hc = {.threads = threads_or_all(0)}}));
    catalogue_.source.rows = options_.products;
    ARGOSY_TRY(write_terms(writer.path() / terms_file_name, catalogue_.source, plain_rules()));
    return writer.publish();
  }

  product_change put_of(std::size_t row) const {
    product_change put{.id = ids_[row], .removed = false, .title = catalogue_.titles[row], .image = {}};
    for (const std::uint32_t v : catalogue_.values[row]) {
      const auto& value = catalogue_.source.values[v];
      const auto& field = catalogue_.source.fields[value.field];
      put.fields.push_back({field.name, std::string(value.text), field.kind == field_kind::number});
    }
    const auto first = vectors_.begin() + static_cast<std::ptrdiff_t>(row * options_.columns);
    put.vector.assign(first, first + static_cast<std::ptrdiff_t>(options_.columns));
    return put;
  }

  status put_singly(live_store& live, outcome& done) {
    std::vector<double> seconds;
    for (; put_ < std::min(single_puts, options_.changes); ++put_) {
      std::vector<product_change> one;
      one.push_back(put_of(options_.products + put_));
      const steady_time start = io_.clock.now();
      ARGOSY_TRY(live.apply(std::move(one)));
      seconds.push_back(seconds_between(start, io_.clock.now()));
    }
    done.put = timing_of(seconds);
    done.put_max = *std::max_element(seconds.begin(), seconds.end());
    return {};
  }

  status put_batches(live_store& live, outcome& done) {
    double seconds = 0;
    const std::uint64_t before = put_;
    while (put_ < options_.changes) {
      std::vector<product_change> batch;
      for (const std::uint64_t end = std::min(options_.changes, put_ + most_at_once); put_ < end; ++put_)
        batch.push_back(put_of(options_.products + put_));
      const steady_time start = io_.clock.now();
      ARGOSY_TRY(live.apply(std::move(batch)));
      seconds += seconds_between(start, io_.clock.now());
    }
    done.put_per_s = seconds > 0 ? static_cast<double>(put_ - before) / seconds : 0;
    return {};
  }

  status add_search(const live_store& store, outcome& done) const {
    const live_generation live = store.now();
    const auto width = static_cast<std::int64_t>(options_.columns);
    std::vector<double> seconds;
    for (std::uint64_t q = 0; q < queries; ++q) {
      const steady_time start = io_.clock.now();
      ARGOSY_TRY(live.search(view_of(asked_.data() + q * options_.columns, 1, width), {.k = k}).failure());
      seconds.push_back(seconds_between(start, io_.clock.now()));
    }
    done.searches.push_back({live.put(), timing_of(seconds)});
    return {};
  }

  const bench_changes_options& options_;
  const console& io_;
  std::vector<float> vectors_;
  const std::vector<float> asked_;
  random_catalogue catalogue_;
  std::vector<std::string> ids_;
  std::uint64_t put_ = 0;
};

void print_table(const bench_changes_options& options, const outcome& done, std::ostream& out) {
  out << grouped(options.products) << " products of " << options.columns << " columns, 11 fields and 8 words each\n";
  out << "one product put, on the disk and findable: " << spread_text(done.put) << ", at most " << fixed(1e3 * done.put_max, 1) << " ms\n";
  out << "in batches of " << grouped(most_at_once) << ": " << grouped(static_cast<std::uint64_t>(done.put_per_s)) << " products/s\n";
  out << "opened with " << grouped(options.changes) << " changes: " << fixed(done.open_s, 2) << " s\n";
  text_table table;
  table.add({"products put before", "a search: median (quartiles), one thread"});
  for (const search_times& one : done.searches) table.add({grouped(one.put), spread_text(one.query)});
  table.print(out);
}

void print_json(const bench_changes_options& options, const outcome& done, std::ostream& out) {
  auto searches = nlohmann::ordered_json::array();
  for (const search_times& one : done.searches) searches.push_back({{"put", one.put}, {"median_s", one.query.median}});
  const nlohmann::ordered_json object{{"products", options.products},   {"columns", options.columns},  {"put_median_s", done.put.median},
                                      {"put_max_s", done.put_max},      {"put_per_s", done.put_per_s}, {"open_s", done.open_s},
                                      {"searches", std::move(searches)}};
  out << object.dump(2) << '\n';
}

}  // namespace

status run_bench_changes(const bench_changes_options& options, const console& io) {
  ARGOSY_ASSIGN(const passing_folder folder, passing_folder::make(std::filesystem::temp_directory_path(), "argosy-bench"));
  changes_bench bench(options, io);
  ARGOSY_ASSIGN(const outcome done, bench.run(folder.path() / "store"));
  options.json ? print_json(options, done, io.out) : print_table(options, done, io.out);
  return {};
}

}  // namespace argosy
