#include "tools/terms_of.hpp"

#include <algorithm>

#include "data/record_reader.hpp"

namespace argosy {

text_rules rules_of(const segmenter& split) {
  return {[](std::string_view text) { return normalise_text(text); }, [&split](std::string_view text) { return split.words(text); }};
}

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

status write_terms_of(const prepared_data& data, const segmenter& split, const terms_options& options, const std::filesystem::path& file) {
  ARGOSY_ASSIGN(const catalogue_fields fields, data.fields());
  terms_source source;
  source.rows = data.products();
  for (std::uint32_t f = 0; f < fields.fields(); ++f) source.fields.push_back({std::string(fields.name(f)), fields.is_number(f)});
  for (std::uint32_t v = 0; v < fields.values(); ++v) source.values.push_back({fields.field_of(v), fields.text(v)});
  source.title = [&](std::size_t row) { return data.title(row); };
  source.values_of = [&](std::size_t row) { return fields.of(row); };
  source.restricted = options.restricted;
  source.aliases = options.aliases;
  return write_terms(file, source, rules_of(split));
}

}  // namespace argosy
