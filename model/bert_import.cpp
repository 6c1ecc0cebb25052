#include "model/bert_import.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/text.hpp"
#include "model/bert_names.hpp"
#include "model/encoder.hpp"
#include "model/safetensors.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view word_table = "embeddings.word_embeddings.weight";
constexpr std::int64_t usual_head = 64;
constexpr std::int64_t first_roberta_position = 2;
constexpr std::uint64_t longest_config = 1u << 20;

std::string shape_text(const safetensor& t) {
  std::string text;
  for (const auto n : t.shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + ") " + t.type;
}

// Said where not all of them are kept.
std::string rows_text(const safetensor& t, std::int64_t kept) {
  if (t.shape.size() != 2 || t.shape[0] == kept) return {};
  return ", " + std::to_string(kept) + " of " + std::to_string(t.shape[0]) + " rows";
}

// What stands before `embeddings.` in the names of the encoder.
result<std::string> prefix_of(const safetensors_file& file) {
  const safetensor* found = nullptr;
  for (const auto& t : file.tensors) {
    if (!t.name.ends_with(word_table)) continue;
    if (found != nullptr) return status{errc::invalid_argument, "want one encoder, found both `" + found->name + "` and `" + t.name + "`"};
    found = &t;
  }
  if (found == nullptr)
    return status{errc::not_found, "want a tensor `" + std::string(word_table) + "`, alone or with a prefix such as `bert.`, found none"};
  return found->name.substr(0, found->name.size() - word_table.size());
}

// The numbers of a tensor as the rows that we keep of it.
result<initial_weights::matrix> rows_kept(const safetensor& t, std::string name, bert_style style) {
  const auto where = "tensor `" + t.name + "`: ";
  if (t.shape.empty() || t.shape.size() > 2)
    return status{errc::shape_mismatch, where + "want 1 or 2 dimensions, got " + std::to_string(t.shape.size())};
  ARGOSY_ASSIGN(auto values, t.floats());
  if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); }))
    return status{errc::invalid_argument, where + "want finite numbers, got infinite ones or NaN"};
  const std::int64_t rows = t.shape.size() == 2 ? t.shape[0] : 1, cols = t.shape.back();
  const std::int64_t first = name == "position" && style == bert_style::roberta ? first_roberta_position : 0;
  const std::int64_t last = name == "type" ? 1 : rows;
  if (first >= last || last > rows)
    return status{errc::shape_mismatch, where + "want at least " + std::to_string(first + 1) + " rows, got " + std::to_string(rows)};
  const auto kept = std::span(values).subspan(static_cast<std::size_t>(first * cols), static_cast<std::size_t>((last - first) * cols));
  return initial_weights::matrix{std::move(name), last - first, cols, {kept.begin(), kept.end()}};
}

result<json> config_beside(const fs::path& file) {
  const auto path = file.parent_path() / "config.json";
  if (!fs::exists(path)) return json::object();
  ARGOSY_ASSIGN(const auto text, read_file(path, longest_config));
  auto config = json::parse(text, nullptr, false);
  if (!config.is_object()) return status{errc::corrupt, path.string() + ": want a JSON object"};
  return config;
}

result<int> heads_of(const bert_import_options& options, const json& config, std::int64_t hidden, std::vector<std::string>& notes) {
  if (options.heads > 0) return options.heads;
  if (const auto found = config.find("num_attention_heads"); found != config.end() && found->is_number_unsigned())
    return static_cast<int>(std::min<std::uint64_t>(found->get<std::uint64_t>(), 1u << 16));
  if (hidden % usual_head != 0)
    return status{errc::invalid_argument, "how many heads a width of " + std::to_string(hidden) + " has, no tensor tells: give --heads"};
  const auto heads = static_cast<int>(hidden / usual_head);
  notes.push_back(std::to_string(heads) + " heads of " + std::to_string(usual_head) + " columns are supposed; --heads says otherwise");
  return heads;
}

void compare_with_ours(const json& config, std::vector<std::string>& notes) {
  if (const auto found = config.find("hidden_act"); found != config.end() && *found != "gelu")
    notes.push_back("config.json: hidden_act is " + found->dump() + ", ours is \"gelu\"");
  if (const auto found = config.find("layer_norm_eps"); found != config.end() && *found != layer_norm_eps)
    notes.push_back("config.json: layer_norm_eps is " + found->dump() + ", ours is " + json(layer_norm_eps).dump());
}

// A model around the encoder, with the title and the image.
std::vector<parameter_spec> parameters_around(const initial_weights& w) {
  const auto sizes = sizes_of(w);
  recipe whole;
  whole.tasks.words = whole.tasks.patches = whole.tasks.classification = 0;
  model_recipe& r = whole.model;
  r.hidden = static_cast<int>(sizes.hidden);
  r.heads = w.heads;
  r.feed_forward = static_cast<int>(sizes.feed_forward);
  r.query_layers = r.title_layers = r.image_layers = sizes.layers;
  model_inputs in;
  in.vocabulary = sizes.vocabulary;
  return retrieval_model::parameters_of(whole, in);
}

void list_parameters(bert_import& made) {
  for (const auto& spec : parameters_around(made.weights)) {
    const auto source = source_of(spec.name);
    const auto t = std::ranges::find(made.weights.tensors, source, &initial_weights::matrix::name);
    if (t == made.weights.tensors.end())
      made.missing.push_back(spec.name);
    else
      made.used[static_cast<std::size_t>(t - made.weights.tensors.begin())].parameters.push_back(spec.name);
  }
}

status take_tensors(const safetensors_file& file, const std::string& prefix, bert_style style, bert_import& made) {
  for (const auto& t : file.tensors) {
    auto name = t.name.starts_with(prefix) ? name_of_bert(std::string_view(t.name).substr(prefix.size())) : std::string{};
    if (name.empty()) {
      made.unused.push_back(t.name + " " + shape_text(t));
      continue;
    }
    if (made.weights.find(name) != nullptr)
      return {errc::invalid_argument, "tensor `" + t.name + "`: is there twice, under an old name and a new one"};
    ARGOSY_ASSIGN(auto kept, rows_kept(t, std::move(name), style));
    made.used.push_back({t.name, shape_text(t) + rows_text(t, kept.rows), {}});
    made.weights.tensors.push_back(std::move(kept));
  }
  return {};
}

status check_words(const initial_weights& w, const std::string& prefix, const vocabulary& words, const fs::path& vocab) {
  const auto found = sizes_of(w).vocabulary;
  if (static_cast<std::int64_t>(words.size()) == found) return {};
  return {errc::shape_mismatch, "tensor `" + prefix + std::string(word_table) + "`: want " + std::to_string(words.size()) +
                                    " rows, as many as " + vocab.string() + " has pieces, got " + std::to_string(found)};
}

result<bert_import> import_from(const safetensors_file& file, const bert_import_options& options, const vocabulary& words,
                                const json& config) {
  ARGOSY_ASSIGN(const auto prefix, prefix_of(file));
  if (prefix.ends_with("roberta.") && options.style == bert_style::bert)
    return status{errc::invalid_argument, "its names begin with `" + prefix + "`: import it --as roberta, whose positions count from 2"};
  bert_import made;
  ARGOSY_TRY(take_tensors(file, prefix, options.style, made));
  ARGOSY_TRY(check_words(made.weights, prefix, words, options.vocab));
  ARGOSY_ASSIGN(made.weights.heads, heads_of(options, config, sizes_of(made.weights).hidden, made.notes));
  made.weights.vocabulary = words.text();
  ARGOSY_TRY(check_complete(made.weights, [&](std::string_view ours) { return prefix + bert_name_of(ours); }));
  compare_with_ours(config, made.notes);
  list_parameters(made);
  return made;
}

}  // namespace

result<bert_import> import_bert(const bert_import_options& options) {
  ARGOSY_ASSIGN(const auto words, vocabulary::load(options.vocab));
  ARGOSY_ASSIGN(const auto config, config_beside(options.from));
  ARGOSY_ASSIGN(const auto file, read_safetensors(options.from));
  auto made = import_from(file, options, words, config);
  if (!made.ok()) return made.failure().within(options.from.string());
  return made;
}

}  // namespace argosy
