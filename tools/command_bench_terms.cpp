#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "base/random.hpp"
#include "index/terms.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/passing_folder.hpp"
#include "tools/random_catalogue.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr std::uint32_t words_of_query = 3;
constexpr const auto& shares = random_catalogue::shares;
constexpr std::size_t most_found = 100;

// A conjunction of three that keeps about this share: two values, and a range of the number.
std::string filter_keeping(std::size_t share, std::uint32_t draw) {
  const double width = std::cbrt(shares[share]), low = (1 - width) * (draw % 16) / 16;
  return "f" + std::to_string(2 * share) + ":yes AND f" + std::to_string(2 * share + 1) + ":yes AND price:[" + std::to_string(low) +
         " TO " + std::to_string(low + width) + "]";
}

struct measured {
  std::string name;
  double kept = 0;  // rows, in the mean
  std::vector<double> seconds;
  double at(double quantile) {
    std::sort(seconds.begin(), seconds.end());
    return seconds[static_cast<std::size_t>(quantile * static_cast<double>(seconds.size() - 1))];
  }
};

class terms_bench {
public:
  terms_bench(const terms& of, const bench_terms_options& options, const console& io) : of_(of), options_(options), io_(io) {}

  // From the text of the filter to the set of rows.
  result<measured> filter(std::size_t share) const {
    measured done{fixed(100 * shares[share], 2) + " % kept", 0, {}};
    for (std::uint32_t i = 0; i < options_.queries; ++i) {
      const std::string text = filter_keeping(share, i);
      const steady_time start = io_.clock.now();
      ARGOSY_ASSIGN(const filter_node filter, parse_filter(text, plain_rules().fold));
      ARGOSY_ASSIGN(const row_set rows, of_.keep(filter));
      done.seconds.push_back(seconds_between(start, io_.clock.now()));
      done.kept += static_cast<double>(rows.size()) / static_cast<double>(options_.queries);
    }
    return done;
  }

  // Among all products, or among those of a share.
  result<measured> bm25(std::optional<std::size_t> share) const {
    std::optional<row_set> rows;
    if (share) {
      ARGOSY_ASSIGN(const filter_node filter, parse_filter(filter_keeping(*share, 1), plain_rules().fold));
      ARGOSY_ASSIGN(rows, of_.keep(filter));
    }
    measured done{
        share ? "BM25, " + fixed(100 * shares[*share], 2) + " % kept" : "BM25", static_cast<double>(rows ? rows->size() : of_.rows()), {}};
    for (std::uint32_t i = 0; i < options_.queries; ++i) {
      std::vector<std::string> query;
      for (std::uint32_t w = 0; w < words_of_query; ++w) query.push_back(drawn_word(3, i, w));
      const steady_time start = io_.clock.now();
      ARGOSY_TRY(of_.search(query, most_found, rows ? &*rows : nullptr, {}).failure());
      done.seconds.push_back(seconds_between(start, io_.clock.now()));
    }
    return done;
  }

private:
  const terms& of_;
  const bench_terms_options& options_;
  const console& io_;
};

void print_json(std::vector<measured>& rows, std::uint64_t products, std::uint64_t bytes, std::ostream& out) {
  auto list = nlohmann::ordered_json::array();
  for (measured& row : rows) list.push_back({{"what", row.name}, {"kept", row.kept}, {"median_s", row.at(0.5)}, {"p99_s", row.at(0.99)}});
  out << nlohmann::ordered_json{{"products", products}, {"bytes", bytes}, {"rows", std::move(list)}}.dump(2) << '\n';
}

void print_table(std::vector<measured>& rows, std::uint64_t products, std::uint64_t bytes, std::ostream& out) {
  out << grouped(products) << " products, " << bytes_text(bytes) << ", one thread\n";
  text_table table;
  table.add({"", "rows kept", "median", "p99"});
  for (measured& row : rows)
    table.add({row.name, grouped(static_cast<std::uint64_t>(row.kept)), fixed(1e3 * row.at(0.5), 3) + " ms",
               fixed(1e3 * row.at(0.99), 3) + " ms"});
  table.print(out);
}

}  // namespace

status run_bench_terms(const bench_terms_options& options, const console& io) {
  ARGOSY_ASSIGN(const passing_folder folder, passing_folder::make(std::filesystem::temp_directory_path(), "argosy-bench"));
  const std::filesystem::path file = folder.path() / terms_file_name;
  {
    const random_catalogue made(options.products);
    ARGOSY_TRY(write_terms(file, made.source, plain_rules()));
  }
  ARGOSY_ASSIGN(const terms opened, terms::open(file));
  ARGOSY_TRY(opened.verify());
  const terms_bench bench(opened, options, io);
  std::vector<measured> rows;
  for (std::size_t share = 0; share < shares.size(); ++share) {
    ARGOSY_ASSIGN(measured row, bench.filter(share));
    rows.push_back(std::move(row));
  }
  for (const std::optional<std::size_t> share :
       {std::optional<std::size_t>(), std::optional<std::size_t>(0), std::optional<std::size_t>(2)}) {
    ARGOSY_ASSIGN(measured row, bench.bm25(share));
    rows.push_back(std::move(row));
  }
  const std::uint64_t bytes = std::filesystem::file_size(file);
  options.json ? print_json(rows, options.products, bytes, io.out) : print_table(rows, options.products, bytes, io.out);
  return {};
}

}  // namespace argosy
