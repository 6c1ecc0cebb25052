#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/catalogue_fields.hpp"

namespace argosy {
namespace {

using nlohmann::json;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

void take_text(const std::string& name, std::string_view text, std::vector<field_value>& to) {
  if (const auto cut = trimmed(text); !cut.empty()) to.push_back({name, std::string(cut), false});
}

// A string, a number or a boolean; anything else has no value.
void take_scalar(const std::string& name, const json& value, std::vector<field_value>& to) {
  if (value.is_string()) take_text(name, value.get_ref<const std::string&>(), to);
  if (value.is_number()) to.push_back({name, value.dump(), true});
  if (value.is_boolean()) to.push_back({name, value.dump(), false});
}

bool is_path(const std::string& name, const json& array) {
  if (name.size() < 4) return false;
  std::string end = name.substr(name.size() - 4);
  for (char& letter : end)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return end == "path" && std::all_of(array.begin(), array.end(), [](const json& level) { return level.is_string(); });
}

void take_path(const std::string& name, const json& array, std::vector<field_value>& to) {
  std::string joined;
  for (const json& level : array) {
    const auto text = trimmed(level.get_ref<const std::string&>());
    if (!text.empty()) joined.append(joined.empty() ? "" : " > ").append(text);
  }
  take_text(name, joined, to);
}

void take_flat(const std::string& name, const json& value, std::vector<field_value>& to) {
  if (!value.is_array()) return take_scalar(name, value, to);
  if (is_path(name, value)) return take_path(name, value, to);
  for (const json& one : value) take_scalar(name, one, to);
}

}  // namespace

void take_json_values(const std::string& name, const json& value, std::vector<field_value>& to) {
  if (!value.is_object()) return take_flat(name, value, to);
  for (const auto& [member, held] : value.items()) take_flat(std::string(name).append(".").append(member), held, to);
}

void take_column_value(std::string_view name, std::string_view text, std::vector<field_value>& to) {
  const auto cut = trimmed(text);
  if (!cut.empty()) to.push_back({std::string(name), std::string(cut), reads_as_number(cut)});
}

}  // namespace argosy
