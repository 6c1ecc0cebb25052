#include "search/terms_of.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/record_reader.hpp"
#include "data/text.hpp"
#include "model/checkpoint.hpp"
#include "schema/folder.hpp"

namespace argosy {

namespace {

constexpr std::uint64_t relevance_limit = 1 << 26;

status not_relevance(const std::filesystem::path& path) {
  return {errc::corrupt, path.string() + ": want {\"restricted\": TEXT, \"aliases\": [[ALIAS, FIELD, VALUE], ...]}, found something else"};
}

}  // namespace

std::vector<restricted_field> restricted_fields(const std::string& list) {
  std::vector<restricted_field> fields;
  for (std::size_t first = 0; first < list.size();) {
    const std::size_t end = std::min(list.find(',', first), list.size());
    std::string name = list.substr(first, end - first);
    const bool endings = name.ends_with('*');
    if (endings) name.pop_back();
    if (!name.empty()) fields.push_back({std::move(name), endings});
    first = end + 1;
  }
  return fields;
}

result<text_rules> rules_like(std::string_view source) {
  ARGOSY_ASSIGN(auto opened, segmenter::open_like(source));
  const auto split = std::make_shared<const segmenter>(std::move(opened));
  return text_rules{[](std::string_view text) { return normalise_text(text); },
                    [split](std::string_view text) { return split->words(text); }};
}

result<text_rules> rules_of(const generation& of) {
  ARGOSY_ASSIGN(const checkpoint_facts facts, read_facts(of.path()));
  return rules_like(facts.segmenter);
}

result<std::vector<name_alias>> read_aliases(const std::filesystem::path& path) {
  static constexpr wanted_field fields[] = {{"alias", true}, {"field", true}, {"value", true}};
  std::vector<name_alias> aliases;
  const auto refused = [&](const refusal& why) {
    return status(errc::invalid_argument, path.string() + ":" + std::to_string(why.line) + ": " + why.reason + " " + why.detail);
  };
  const auto take = [&](std::uint64_t line, field_values values) -> status {
    if (values[0].empty() || values[1].empty() || values[2].empty()) return refused({line, "want an alias, a field and a value", ""});
    aliases.push_back({std::move(values[0]), std::move(values[1]), std::move(values[2])});
    return {};
  };
  ARGOSY_TRY(read_records(path, "aliases", fields, {take, refused}));
  return aliases;
}

status write_terms_options(const terms_options& options, const std::filesystem::path& folder) {
  auto aliases = nlohmann::json::array();
  for (const name_alias& one : options.aliases) aliases.push_back({one.alias, one.field, one.value});
  const nlohmann::ordered_json object{{"restricted", options.restricted}, {"aliases", std::move(aliases)}};
  return replace_file(folder / relevance_name, object.dump() + "\n");
}

result<terms_options> read_terms_options(const std::filesystem::path& folder) {
  const auto path = folder / relevance_name;
  ARGOSY_ASSIGN(const std::string text, read_file(path, relevance_limit));
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("restricted") || !object["restricted"].is_string() || !object.contains("aliases"))
    return not_relevance(path);
  terms_options options{object["restricted"].get<std::string>(), {}};
  for (const auto& one : object["aliases"]) {
    const bool texts = one.is_array() && one.size() == 3 && one[0].is_string() && one[1].is_string() && one[2].is_string();
    if (!texts) return not_relevance(path);
    options.aliases.push_back({one[0].get<std::string>(), one[1].get<std::string>(), one[2].get<std::string>()});
  }
  return options;
}

status write_terms_of(const described_rows& of, const terms_options& options, const text_rules& rules, const std::filesystem::path& folder,
                      std::stop_token stop) {
  const catalogue_fields& fields = *of.fields;
  terms_source source;
  source.rows = of.rows;
  for (std::uint32_t f = 0; f < fields.fields(); ++f)
    source.fields.push_back({std::string(fields.name(f)), number_or_any_text(fields.is_number(f))});
  for (std::uint32_t v = 0; v < fields.values(); ++v) source.values.push_back({fields.field_of(v), fields.text(v)});
  source.title = of.title;
  source.values_of = [&](std::size_t row) { return fields.of(row); };
  source.restricted = restricted_fields(options.restricted);
  source.aliases = options.aliases;
  source.strict_aliases = options.strict_aliases;
  source.stop = std::move(stop);
  return write_terms(folder / terms_file_name, source, rules);
}

}  // namespace argosy
