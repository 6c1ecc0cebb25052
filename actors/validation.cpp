#include "actors/validation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "index/vector_index.hpp"
#include "model/embedding.hpp"
#include "model/query_encoder.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::size_t recall_at[] = {1, 10, 100, 1000};
constexpr std::size_t longest_list = 1000;

// What one query got, with its rank from 1.
nlohmann::ordered_json outcome_of(const judged_query& query, const judged_answer& answer) {
  nlohmann::ordered_json outcome{{"query", query.text}, {"needs_image", query.needs_image}};
  const auto first = first_relevant(answer);
  outcome["first"] = first ? nlohmann::ordered_json(*first + 1) : nlohmann::ordered_json();
  outcome["precision@" + std::to_string(precision_at)] =
      measure(std::span(&answer, 1), {}, std::span(&precision_at, 1)).precision.at(precision_at);
  return outcome;
}

std::string dumped(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// Of the judgements that a line was measured with; lines are this file's own.
std::string judgements_of(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  return object.is_object() && object.contains("judgements") && object["judgements"].is_string() ? object["judgements"].get<std::string>()
                                                                                                 : "none";
}

void warn_of_left_out(const judgements& judged, const judged_rows& rows, std::size_t wordless) {
  const auto warn = [](std::uint64_t count, const char* what) {
    if (count > 0) log::warning("judged queries: " + std::to_string(count) + ' ' + what);
  };
  warn(judged.refused_lines, "lines were refused");
  warn(judged.unknown_queries, "judgements are of a query that the query file lacks");
  warn(rows.unknown_products, "judgements are of a product that the data lack");
  warn(wordless, "queries hold no word and count as missed");
}

}  // namespace

validation::validation(validation_job job, step_log log, judged_rows rows, std::vector<asked_query> asked, std::set<std::uint64_t> measured)
    : job_(std::move(job)), log_(std::move(log)), rows_(std::move(rows)), asked_(std::move(asked)), measured_(std::move(measured)) {}

result<validation> validation::open(validation_job job, const checkpoint_facts& facts) {
  const auto id_of = [&](std::size_t product) { return job.data->product_id(product); };
  auto rows = rows_of(*job.judged, static_cast<std::size_t>(job.data->products()), id_of);
  if (std::ranges::all_of(rows.answers, [](const judged_answer& a) { return a.relevant.empty(); }))
    return status(errc::invalid_argument, "the judgements: want products of the training data, found none of its ids among those relevant");
  ARGOSY_ASSIGN(const query_encoder encoder, query_encoder::open(facts, job.run));
  std::vector<asked_query> asked;
  for (std::size_t q = 0; q < job.judged->queries.size(); ++q) {
    auto tokens = encoder.tokens(job.judged->queries[q].text);
    if (tokens.ok()) asked.push_back({q, std::move(*tokens)});  // one without a word is missed
  }
  std::set<std::uint64_t> measured;
  const std::string mine = hex_text(job.judged->fingerprint());
  const auto kept = [&](std::uint64_t step, const std::string& line) -> status {
    measured.insert(step);
    if (const auto theirs = judgements_of(line); theirs != mine)
      return {errc::invalid_argument, "has figures of other judgements: want those with fingerprint " + theirs + ", got " + mine};
    return {};
  };
  ARGOSY_ASSIGN(auto log, step_log::open(job.run / "evaluation.jsonl", facts.steps_done + 1, kept));
  warn_of_left_out(*job.judged, rows, job.judged->queries.size() - asked.size());
  return validation(std::move(job), std::move(log), std::move(rows), std::move(asked), std::move(measured));
}

status validation::measure(const checkpoint_state& state, const std::stop_token& stop) {
  ARGOSY_TRY(search(state, stop));
  return write(state.facts);
}

status validation::search(const checkpoint_state& state, const std::stop_token& stop) {
  const auto device = make_cpu_device(job_.threads);
  ARGOSY_ASSIGN(auto model, retrieval_model::make(*device, state.facts.recipe, state.facts.inputs, placement::reading));
  ARGOSY_TRY(restore_weights(state, model));
  const auto shown = [](std::uint64_t, std::uint64_t) {};
  ARGOSY_ASSIGN(const std::vector<float> products, embed_products(model, *job_.data, job_.data->products(), shown, stop));
  std::vector<std::vector<std::int32_t>> tokens;
  for (const auto& asked : asked_) tokens.push_back(asked.tokens);
  ARGOSY_ASSIGN(const std::vector<float> queries, embed_queries(model, tokens, stop));
  const auto rows = [&](const std::vector<float>& all) { return view_of(all.data(), std::ssize(all) / model.width(), model.width()); };
  ARGOSY_ASSIGN(const auto index, flat_index_over(rows(products)));
  ARGOSY_ASSIGN(const auto lists, index->search(rows(queries), {.k = longest_list, .threads = job_.threads}));
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    auto& ranked = rows_.answers[asked_[i].query].ranked;
    ranked.clear();
    for (const hit& found : lists[i]) ranked.push_back(found.row);
  }
  return {};
}

status validation::write(const checkpoint_facts& facts) {
  const auto parts = measure_parts(*job_.judged, rows_.answers, recall_at);
  nlohmann::ordered_json line{{"step", facts.steps_done},
                              {"of", facts.of},
                              {"products", job_.data->products()},
                              {"judgements", hex_text(job_.judged->fingerprint())}};
  line.update(json_of(parts));
  nlohmann::ordered_json outcomes{{"step", facts.steps_done}, {"queries", nlohmann::ordered_json::array()}};
  for (std::size_t q = 0; q < rows_.answers.size(); ++q)
    if (!rows_.answers[q].relevant.empty()) outcomes["queries"].push_back(outcome_of(job_.judged->queries[q], rows_.answers[q]));
  ARGOSY_TRY(replace_file(job_.run / "outcomes.json", dumped(outcomes) + '\n'));
  ARGOSY_TRY(log_.write(dumped(line)));
  measured_.insert(facts.steps_done);
  if (job_.show) job_.show(parts);
  return {};
}

}  // namespace argosy
