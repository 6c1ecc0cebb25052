#include "model/bert_export.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/text.hpp"
#include "model/bert_names.hpp"
#include "model/encoder.hpp"
#include "model/safetensors.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::string_view folder_kind = "bert-export";
constexpr std::uint32_t folder_version = 1;

// One encoder as a BertModel.
struct tower {
  std::string name;
  int layers = 0;
  bool text = true;
};

std::vector<tower> towers_of(const model_recipe& r) {
  std::vector<tower> towers{{"query", r.query_layers}};
  if (r.use_title) towers.push_back({"title", r.title_layers});
  if (r.use_image) towers.push_back({"image", r.image_layers, false});
  return towers;
}

// The name that a parameter of the model has in BertModel; empty: it is no part of this tower.
std::string name_within(const tower& of, std::string_view parameter) {
  if (parameter == "token") return of.text ? bert_name_of(parameter) : std::string{};
  if (!parameter.starts_with(of.name + ".")) return {};
  const auto rest = parameter.substr(of.name.size() + 1);
  return bert_name_of(!of.text && rest == "cls" ? "token" : rest);
}

std::span<const float> values_of(const parameter& p) { return {p.value.as<float>(), static_cast<std::size_t>(p.spec.rows * p.spec.cols)}; }

safetensor vector_or_matrix(const parameter& p, std::string name, bool vector) {
  return f32_tensor(std::move(name), vector ? std::vector{p.spec.cols} : std::vector{p.spec.rows, p.spec.cols}, values_of(p));
}

safetensors_file weights_of(const tower& of, const parameters& all) {
  safetensors_file file;
  file.metadata = {{"format", "pt"}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto name = name_within(of, all[i].spec.name);
    if (name.empty()) continue;
    const bool vector = name.ends_with(".bias") || name.ends_with("LayerNorm.weight");
    file.tensors.push_back(vector_or_matrix(all[i], std::move(name), vector));
  }
  return file;
}

safetensors_file rest_of(std::span<const tower> towers, const parameters& all) {
  safetensors_file file;
  file.metadata = {{"format", "pt"}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& name = all[i].spec.name;
    if (std::ranges::all_of(towers, [&](const tower& t) { return name_within(t, name).empty(); }))
      file.tensors.push_back(vector_or_matrix(all[i], name, all[i].spec.rows == 1));
  }
  return file;
}

// The piece of sequences that are filled up; our batches need none, and a vocabulary may lack it.
ordered_json padding_of(const vocabulary& words) {
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(words.size()); ++id)
    if (words.piece(id) == "[PAD]") return id;
  return nullptr;
}

std::string config_of(const tower& of, const model_recipe& r, const safetensors_file& weights, const ordered_json& padding) {
  const auto rows = [&](const char* name) { return weights.find(bert_name_of(name))->shape.front(); };
  const ordered_json config{{"architectures", {"BertModel"}},
                            {"model_type", "bert"},
                            {"vocab_size", rows("token")},
                            {"hidden_size", r.hidden},
                            {"num_hidden_layers", of.layers},
                            {"num_attention_heads", r.heads},
                            {"intermediate_size", r.feed_forward},
                            {"hidden_act", "gelu"},
                            {"hidden_dropout_prob", r.dropout},
                            {"attention_probs_dropout_prob", 0.0},
                            {"max_position_embeddings", rows("position")},
                            {"type_vocab_size", rows("type")},
                            {"initializer_range", r.initial},
                            {"layer_norm_eps", layer_norm_eps},
                            {"pad_token_id", padding}};
  return config.dump(2) + "\n";
}

status write_tower(const tower& of, const loaded_model& from, const vocabulary& words, const fs::path& folder) {
  const auto weights = weights_of(of, from.model.weights());
  ARGOSY_TRY(write_safetensors(folder / "model.safetensors", weights));
  ARGOSY_TRY(replace_file(folder / "config.json", config_of(of, from.model.shape(), weights, of.text ? padding_of(words) : nullptr)));
  return of.text ? replace_file(folder / "vocab.txt", words.text()) : status{};
}

}  // namespace

result<std::vector<std::string>> export_bert(const loaded_model& from, const fs::path& to) {
  ARGOSY_ASSIGN(const auto words, vocabulary::from_text(from.facts.vocabulary, "vocab.txt"));
  const auto towers = towers_of(from.model.shape());
  std::vector<std::string> names;
  std::vector<folder_writer> writers;
  const auto add_folder = [&](const std::string& name) -> status {
    ARGOSY_ASSIGN(auto writer, folder_writer::create(to / name, folder_kind, folder_version));
    writers.push_back(std::move(writer));
    names.push_back(name);
    return {};
  };
  for (const auto& t : towers) {
    ARGOSY_TRY(add_folder(t.name));
    ARGOSY_TRY(write_tower(t, from, words, writers.back().path()));
  }
  ARGOSY_TRY(add_folder("rest"));
  ARGOSY_TRY(write_safetensors(writers.back().path() / "model.safetensors", rest_of(towers, from.model.weights())));
  for (auto& writer : writers) ARGOSY_TRY(writer.seal());
  return names;
}

}  // namespace argosy
