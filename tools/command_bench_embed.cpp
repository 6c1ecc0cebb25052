#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "model/embedding.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr int repeats = 5;

struct embed_speed {
  double per_s = 0;
  timing spread;  // of one pass over all of them
};

// One pass unmeasured, then some measured ones.
template <class Embed>
result<embed_speed> measure_embedding(std::uint64_t count, const console& io, Embed embed) {
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    const steady_time start = io.clock.now();
    ARGOSY_ASSIGN(const std::vector<float> vectors, embed());
    if (i > 0) seconds.push_back(seconds_between(start, io.clock.now()));
  }
  const timing spread = timing_of(seconds);
  return embed_speed{static_cast<double>(count) / spread.median, spread};
}

nlohmann::ordered_json json_of(std::uint64_t count, const embed_speed& speed) {
  return {{"count", count},
          {"per_s", speed.per_s},
          {"median_s", speed.spread.median},
          {"low_s", speed.spread.low},
          {"high_s", speed.spread.high}};
}

void print(const bench_embed_options& options, std::uint64_t queries, const embed_speed& query, std::uint64_t products,
           const embed_speed& product, std::ostream& out) {
  if (options.json) {
    const nlohmann::ordered_json object{{"compute", name_of(options.arithmetic)},
                                        {"queries_per_s", query.per_s},
                                        {"products_per_s", product.per_s},
                                        {"queries", json_of(queries, query)},
                                        {"products", json_of(products, product)}};
    out << object.dump(2) << '\n';
    return;
  }
  text_table table;
  table.add({"", "per second", "count", "one pass: median (quartiles)"});
  table.add({"queries", fixed(query.per_s, 1), grouped(queries), spread_text(query.spread)});
  table.add({"products", fixed(product.per_s, 1), grouped(products), spread_text(product.spread)});
  table.print(out);
}

}  // namespace

status run_bench_embed(const bench_embed_options& options, const console& io) {
  ARGOSY_ASSIGN(const recipe chosen, load_recipe(options.recipe, options.overrides));
  ARGOSY_ASSIGN(const prepared_data data, prepared_data::open(options.data));
  if (data.queries() == 0) return {errc::invalid_argument, options.data.string() + ": the data holds no queries"};
  const auto device = make_cpu_device(options.threads, options.arithmetic);
  ARGOSY_ASSIGN(retrieval_model model, retrieval_model::make(*device, chosen, inputs_of(data)));

  std::vector<std::vector<std::int32_t>> tokens;
  for (std::uint64_t q = 0; q < std::min(options.count, data.queries()); ++q) {
    const auto query = data.query_tokens(q);
    tokens.emplace_back(query.begin(), query.end());
  }
  const std::uint64_t products = std::min(options.count, data.products());
  const auto quiet = [](std::uint64_t, std::uint64_t) {};
  ARGOSY_ASSIGN(const embed_speed query, measure_embedding(tokens.size(), io, [&] { return embed_queries(model, tokens, io.stop); }));
  ARGOSY_ASSIGN(const embed_speed product,
                measure_embedding(products, io, [&] { return embed_products(model, data, products, quiet, io.stop); }));
  print(options, tokens.size(), query, products, product, io.out);
  return {};
}

}  // namespace argosy
