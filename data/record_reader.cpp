#include "data/record_reader.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/line_reader.hpp"
#include "data/refusal_reasons.hpp"
#include "data/utf8.hpp"

namespace argosy {
namespace {

using nlohmann::json;

struct bad_record {
  std::string_view reason;
  std::string detail;
};
// Fills `values` or says why not.
using parse = std::function<std::optional<bad_record>(std::string_view line, field_values& values)>;

std::vector<std::string_view> split_columns(std::string_view line) {
  std::vector<std::string_view> columns;
  for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    columns.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  columns.push_back(line);
  return columns;
}

std::optional<bad_record> take_json_field(const json& value, std::string_view name, std::string& into) {
  if (value.is_null()) return {};
  if (value.is_string())
    into = value.get_ref<const std::string&>();
  else if (value.is_number_integer() || value.is_boolean())
    into = value.dump();
  else
    return bad_record{reason::wrong_type, std::string(name) + ": want a string or an integer, got " + value.type_name()};
  return {};
}

bool is_wanted(std::span<const wanted_field> fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [&](const wanted_field& field) { return field.name == name; });
}

std::optional<bad_record> parse_json_line(std::span<const wanted_field> fields, bool further, std::string_view line, field_values& values) {
  json record;
  try {
    record = json::parse(line);
  } catch (const json::exception& broken) {
    return bad_record{reason::invalid_json, broken.what()};
  }
  if (!record.is_object()) return bad_record{reason::invalid_json, std::string("want an object, got ") + record.type_name()};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto found = record.find(fields[i].name);
    if (found == record.end()) continue;
    if (auto bad = take_json_field(*found, fields[i].name, values[i])) return bad;
  }
  if (!further) return {};
  for (const auto& [name, held] : record.items())
    if (!is_wanted(fields, name)) take_json_values(name, held, values.further);
  return {};
}

class tsv_header {
public:
  tsv_header(std::string_view line, std::span<const wanted_field> fields, bool further) {
    const auto names = split_columns(line);
    columns_ = names.size();
    for (const auto& field : fields) {
      const auto found = std::find(names.begin(), names.end(), field.name);
      column_.push_back(found == names.end() ? std::optional<std::size_t>{} : static_cast<std::size_t>(found - names.begin()));
    }
    for (std::size_t c = 0; further && c < names.size(); ++c)
      if (!names[c].empty() && !is_wanted(fields, names[c])) further_.push_back({c, std::string(names[c])});
  }

  bool has(std::size_t field) const { return column_[field].has_value(); }

  std::optional<bad_record> parse_line(std::string_view line, field_values& values) const {
    const auto found = split_columns(line);
    if (found.size() != columns_)
      return bad_record{reason::wrong_columns, "want " + std::to_string(columns_) + ", got " + std::to_string(found.size())};
    for (std::size_t i = 0; i < column_.size(); ++i)
      if (column_[i]) values[i] = found[*column_[i]];
    for (const auto& [column, name] : further_) take_column_value(name, found[column], values.further);
    return {};
  }

private:
  std::size_t columns_ = 0;
  std::vector<std::optional<std::size_t>> column_;            // of each field
  std::vector<std::pair<std::size_t, std::string>> further_;  // other columns
};

std::string names_of(std::span<const wanted_field> fields) {
  std::string names;
  for (const auto& field : fields)
    if (field.needed) names.append(names.empty() ? "" : ", ").append(field.name);
  return names;
}

std::string start_of(std::string_view line) {
  std::string start(line.substr(0, 200));
  while (first_invalid_utf8(start) != std::string::npos) start.resize(first_invalid_utf8(start));
  return start;
}

class record_file {
public:
  record_file(line_reader lines, std::string_view want, std::span<const wanted_field> fields, const record_sink& sink)
      : lines_(std::move(lines)), want_(want), fields_(fields), sink_(sink) {}

  status read() {
    line_reader::line line;
    ARGOSY_ASSIGN(bool more, next_line(line));
    if (!more)
      return {errc::invalid_argument, lines_.path().string() + ": empty: want " + std::string(want_) +
                                          ": JSON lines or a TSV header with " + names_of(fields_) + ", and a record a line"};
    const bool is_json = line.text.starts_with('{') || line.too_long;
    if (is_json) {
      parse_ = [this](std::string_view text, field_values& values) { return parse_json_line(fields_, sink_.further, text, values); };
    } else {
      ARGOSY_TRY(use_header(line.text));
      ARGOSY_ASSIGN(more, next_line(line));
    }
    while (more) {
      ARGOSY_TRY(take_line(line));
      ARGOSY_ASSIGN(more, next_line(line));
    }
    return {};
  }

private:
  // Blank lines are nobody's record.
  result<bool> next_line(line_reader::line& line) {
    while (true) {
      ARGOSY_ASSIGN(const bool more, lines_.next(&line));
      if (!more || line.too_long || line.text.find_first_not_of(" \t") != std::string_view::npos) return more;
    }
  }

  status use_header(std::string_view line) {
    const tsv_header header(line, fields_, sink_.further);
    for (std::size_t i = 0; i < fields_.size(); ++i)
      if (fields_[i].needed && !header.has(i))
        return {errc::invalid_argument, lines_.path().string() + ":1: want " + std::string(want_) +
                                            " as JSON lines or TSV with the columns " + names_of(fields_) + ", found `" + start_of(line) +
                                            "`"};
    parse_ = [header](std::string_view text, field_values& values) { return header.parse_line(text, values); };
    return {};
  }

  status take_line(const line_reader::line& line) {
    if (line.too_long) return refuse(line.number, {reason::line_too_long, "want at most " + std::to_string(longest_line) + " bytes"});
    if (const auto bad = first_invalid_utf8(line.text); bad != std::string_view::npos)
      return refuse(line.number, {reason::invalid_utf8, "byte " + std::to_string(bad)});
    field_values values{std::vector<std::string>(fields_.size()), {}};
    if (const auto bad = parse_(line.text, values)) return refuse(line.number, *bad);
    return sink_.take(line.number, std::move(values));
  }

  status refuse(std::uint64_t line, const bad_record& why) { return sink_.refuse({line, std::string(why.reason), why.detail}); }

  line_reader lines_;
  std::string_view want_;
  std::span<const wanted_field> fields_;
  const record_sink& sink_;
  parse parse_;
};

}  // namespace

status read_records(const std::filesystem::path& path, std::string_view want, std::span<const wanted_field> fields,
                    const record_sink& sink) {
  ARGOSY_ASSIGN(auto lines, line_reader::open(path));
  return record_file(std::move(lines), want, fields, sink).read();
}

}  // namespace argosy
