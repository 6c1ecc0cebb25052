#include "model/bert_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace argosy {
namespace {

using name_pair = std::pair<std::string_view, std::string_view>;  // ours, theirs

constexpr std::array<name_pair, 5> embedding_names{{{"token", "embeddings.word_embeddings.weight"},
                                                    {"position", "embeddings.position_embeddings.weight"},
                                                    {"type", "embeddings.token_type_embeddings.weight"},
                                                    {"embedding_ln.weight", "embeddings.LayerNorm.weight"},
                                                    {"embedding_ln.bias", "embeddings.LayerNorm.bias"}}};

constexpr std::array<name_pair, 8> layer_names{{{"q", "attention.self.query"},
                                                {"k", "attention.self.key"},
                                                {"v", "attention.self.value"},
                                                {"o", "attention.output.dense"},
                                                {"ln1", "attention.output.LayerNorm"},
                                                {"up", "intermediate.dense"},
                                                {"down", "output.dense"},
                                                {"ln2", "output.LayerNorm"}}};

constexpr std::string_view layer_prefix = "encoder.layer.";

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// `3.q.weight` is layer `3`, part `q`, kind `weight`; all empty when it is not of that form.
struct layer_parts {
  std::string_view layer, part, kind;
};
layer_parts parts_of(std::string_view name) {
  const auto first = name.find('.'), last = name.rfind('.');
  if (first == std::string_view::npos || first == last || !is_number(name.substr(0, first))) return {};
  return {name.substr(0, first), name.substr(first + 1, last - first - 1), name.substr(last + 1)};
}

std::string_view modern_kind(std::string_view kind, std::string_view part) {
  if (!part.ends_with("LayerNorm")) return kind;
  return kind == "gamma" ? "weight" : kind == "beta" ? "bias" : kind;
}

template <std::size_t N>
std::string_view partner(const std::array<name_pair, N>& names, std::string_view name, std::string_view name_pair::*from,
                         std::string_view name_pair::*to) {
  const auto found = std::ranges::find(names, name, from);
  return found == names.end() ? std::string_view{} : (*found).*to;
}

std::string joined(std::string_view prefix, const layer_parts& of, std::string_view part, std::string_view kind) {
  if (part.empty() || (kind != "weight" && kind != "bias")) return {};
  return std::string(prefix).append(of.layer).append(".").append(part).append(".").append(kind);
}

}  // namespace

std::string bert_name_of(std::string_view ours) {
  const auto parts = parts_of(ours);
  if (parts.layer.empty()) return std::string(partner(embedding_names, ours, &name_pair::first, &name_pair::second));
  return joined(layer_prefix, parts, partner(layer_names, parts.part, &name_pair::first, &name_pair::second), parts.kind);
}

std::string name_of_bert(std::string_view theirs) {
  if (theirs.starts_with(layer_prefix)) {
    const auto parts = parts_of(theirs.substr(layer_prefix.size()));
    const auto part = partner(layer_names, parts.part, &name_pair::second, &name_pair::first);
    return joined("", parts, part, modern_kind(parts.kind, parts.part));
  }
  const auto dot = theirs.rfind('.');
  if (dot == std::string_view::npos) return {};
  const auto modern = std::string(theirs.substr(0, dot + 1)).append(modern_kind(theirs.substr(dot + 1), theirs.substr(0, dot)));
  return std::string(partner(embedding_names, modern, &name_pair::second, &name_pair::first));
}

}  // namespace argosy
