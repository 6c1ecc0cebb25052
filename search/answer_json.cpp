#include "search/answer_json.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "data/utf8.hpp"

namespace argosy {
namespace {

using writer = rapidjson::Writer<rapidjson::StringBuffer>;

void key(writer& to, std::string_view name) { to.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())); }

void text(writer& to, std::string_view value) {
  if (first_invalid_utf8(value) == std::string_view::npos) {
    to.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return;
  }
  const std::string replaced = json_text(std::string(value));
  to.RawValue(replaced.data(), replaced.size(), rapidjson::kStringType);
}

void text(writer& to, std::string_view name, std::string_view value) {
  key(to, name);
  text(to, value);
}

template <class Elements, class One>
void list(writer& to, std::string_view name, const Elements& elements, One&& one) {
  key(to, name);
  to.StartArray();
  for (const auto& element : elements) one(element);
  to.EndArray();
}

// `Restriction`: a store's own, or one of the wire.
template <class Restriction>
void write_restricted(writer& to, const std::vector<Restriction>& restricted) {
  list(to, "restricted", restricted, [&](const Restriction& one) {
    to.StartObject();
    text(to, "text", one.text);
    text(to, "field", one.field);
    list(to, "values", one.values, [&](const std::string& value) { text(to, value); });
    to.EndObject();
  });
}

struct told_product {
  std::string_view id, title;
  double score;
  std::uint32_t channels;
  bool within;
};

void write(writer& to, const told_product& one) {
  to.StartObject();
  text(to, "id", one.id);
  key(to, "score");
  std::isfinite(one.score) ? to.Double(one.score) : to.Null();
  text(to, "title", one.title);
  key(to, "channels");
  to.StartArray();
  for (std::size_t c = 0; c < std::size(channel_names); ++c)
    if ((one.channels >> c & 1) != 0) text(to, channel_names[c]);
  to.EndArray();
  key(to, "within");
  to.Bool(one.within);
  to.EndObject();
}

void write(writer& to, const facet& one) {
  to.StartObject();
  text(to, "field", one.field);
  list(to, "values", one.values, [&](const facet_value& value) {
    to.StartObject();
    text(to, "value", value.value);
    key(to, "count");
    to.Uint64(value.count);
    to.EndObject();
  });
  to.EndObject();
}

}  // namespace

std::string_view source_of(bool from_pairs) noexcept { return from_pairs ? "pair table" : "index"; }

std::string answer_text(const std::string& query, const search_answer& answer, const live_generation& from, const served_answer* served) {
  rapidjson::StringBuffer buffer(nullptr, 4096);
  writer to(buffer);
  to.StartObject();
  if (served != nullptr) {
    key(to, "generation");
    to.Uint64(served->generation);
    key(to, "seconds");
    to.Double(served->seconds);
  }
  text(to, "query", query);
  text(to, "source", source_of(answer.from_pairs));
  write_restricted(to, answer.restricted);
  const std::size_t told = std::min(answer.products.size(), served != nullptr ? served->results : answer.products.size());
  const std::span best = std::span(answer.products).first(told);
  list(to, "results", best, [&](const found_product& found) {
    const product_facts facts = from.facts(found.row);
    write(to, {facts.id, facts.title, found.score, found.channels, found.within});
  });
  if (served != nullptr && served->facets != nullptr) list(to, "facets", *served->facets, [&](const facet& one) { write(to, one); });
  to.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string answer_text(const std::string& query, const wire_answer& answer, double seconds) {
  rapidjson::StringBuffer buffer(nullptr, 4096);
  writer to(buffer);
  to.StartObject();
  key(to, "seconds");
  to.Double(seconds);
  text(to, "query", query);
  text(to, "source", source_of(answer.from_pairs));
  key(to, "partial");
  to.Bool(answer.shards_answered < answer.shards);
  key(to, "shards");
  to.StartObject();
  key(to, "total");
  to.Uint(answer.shards);
  key(to, "answered");
  to.Uint(answer.shards_answered);
  to.EndObject();
  write_restricted(to, answer.restricted);
  list(to, "results", answer.results, [&](const wire_result& one) { write(to, {one.id, one.title, one.score, one.channels, one.within}); });
  to.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string json_text(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace argosy
