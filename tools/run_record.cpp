#include "tools/run_record.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t most_bytes = 1ull << 30;

std::string shown(const json* value) {
  if (value == nullptr) return "none";
  return value->is_primitive() ? value->dump(-1, ' ', false, json::error_handler_t::replace) : std::string(value->type_name());
}

// The members of one JSON object, refused with the place where it stands.
class members {
public:
  members(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  result<std::uint64_t> count(const char* key) const {
    const json* value = find(key);
    if (value == nullptr || !value->is_number_unsigned()) return refused(key, "a whole number");
    return value->get<std::uint64_t>();
  }
  result<double> number_or_gap(const char* key) const {
    const json* value = find(key);
    if (value != nullptr && value->is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (value == nullptr || !value->is_number()) return refused(key, "a number or null");
    return value->get<double>();
  }
  result<double> number(const char* key, double most, const char* wanted) const {
    const json* value = find(key);
    const bool fits = value != nullptr && value->is_number() && value->get<double>() >= 0 && value->get<double>() <= most;
    if (!fits) return refused(key, wanted);
    return value->get<double>();
  }
  result<double> share(const char* key) const { return number(key, 1, "a number from 0 to 1"); }
  result<double> seconds(const char* key) const { return number(key, std::numeric_limits<double>::max(), "seconds, at least 0"); }

  result<std::string> text(const char* key) const {
    const json* value = find(key);
    if (value == nullptr || !value->is_string()) return refused(key, "a text");
    return value->get<std::string>();
  }
  // False where it is missing.
  result<bool> flag(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) return refused(key, "true or false");
    return value->get<bool>();
  }
  result<members> object(const char* key) const {
    const json* value = find(key);
    if (value == nullptr || !value->is_object()) return refused(key, "an object");
    return members(*value, where_ + ": " + key);
  }
  // Null: nothing.
  result<std::optional<std::uint64_t>> rank(const char* key) const {
    const json* value = find(key);
    if (value != nullptr && value->is_null()) return std::optional<std::uint64_t>();
    if (value == nullptr || !value->is_number_unsigned() || value->get<std::uint64_t>() == 0) {
      return refused(key, "a rank from 1, or null");
    }
    return std::optional(value->get<std::uint64_t>());
  }
  status refused(const char* key, const std::string& wanted) const {
    return {errc::corrupt, where_ + ": " + key + ": want " + wanted + ", got " + shown(find(key))};
  }

private:
  const json* find(const char* key) const {
    const auto at = object_.find(key);
    return at == object_.end() ? nullptr : &*at;
  }
  const json& object_;
  std::string where_;
};

std::string line_of(const fs::path& path, std::uint64_t line) { return path.string() + " line " + std::to_string(line); }

// Line by line, each a JSON object with a step that rises; at least one.
status for_each_line(const fs::path& path, const std::function<status(const members&, std::uint64_t step)>& take) {
  ARGOSY_ASSIGN(const std::string whole, read_file(path, most_bytes));
  std::uint64_t line = 0;
  std::optional<std::uint64_t> before;
  for (std::size_t from = 0, to = 0; from < whole.size(); from = to + 1) {
    to = std::min(whole.find('\n', from), whole.size());
    const std::string where = line_of(path, ++line);
    const auto object = json::parse(std::string_view(whole).substr(from, to - from), nullptr, false);
    if (!object.is_object()) return {errc::corrupt, where + ": want a JSON object, got something else or a broken one"};
    const members fields(object, where);
    ARGOSY_ASSIGN(const std::uint64_t step, fields.count("step"));
    if (before && step <= *before) return fields.refused("step", "more than " + std::to_string(*before));
    before = step;
    ARGOSY_TRY(take(fields, step));
  }
  return line > 0 ? status() : status(errc::corrupt, line_of(path, 1) + ": want a JSON object, got an empty file");
}

result<run_step> step_of(const members& fields, std::uint64_t step) {
  ARGOSY_ASSIGN(const std::uint64_t pairs, fields.count("pairs"));
  ARGOSY_ASSIGN(const double loss, fields.number_or_gap("loss_qpm"));
  ARGOSY_ASSIGN(const double product, fields.number_or_gap("negatives_product"));
  ARGOSY_ASSIGN(const double bank, fields.number_or_gap("negatives_bank"));
  ARGOSY_ASSIGN(const double wait, fields.seconds("data_wait_s"));
  ARGOSY_ASSIGN(const double work, fields.seconds("step_s"));
  return run_step{step, pairs, loss, product, bank, wait + work};
}

status read_steps(const fs::path& path, std::vector<run_step>& steps) {
  return for_each_line(path, [&](const members& fields, std::uint64_t step) -> status {
    ARGOSY_ASSIGN(steps.emplace_back(), step_of(fields, step));
    return {};
  });
}

result<run_evaluation> evaluation_of(const members& fields, std::uint64_t step) {
  ARGOSY_ASSIGN(const std::uint64_t products, fields.count("products"));
  ARGOSY_ASSIGN(const members all, fields.object("all"));
  ARGOSY_ASSIGN(const std::uint64_t queries, all.count("queries"));
  ARGOSY_ASSIGN(const double recall, all.share("recall@10"));
  return run_evaluation{step, products, queries, recall};
}

status read_evaluations(const fs::path& path, std::vector<run_evaluation>& evaluations) {
  return for_each_line(path, [&](const members& fields, std::uint64_t step) -> status {
    ARGOSY_ASSIGN(evaluations.emplace_back(), evaluation_of(fields, step));
    return {};
  });
}

// With the line where it breaks.
result<json> parsed(const fs::path& path, const std::string& text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& broken) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(broken.byte, text.size()));
    const auto line = static_cast<std::uint64_t>(std::count(text.begin(), end, '\n')) + 1;
    return status(errc::corrupt, line_of(path, line) + ": want JSON, got something else or an end too early");
  } catch (const json::exception&) {
    return status(errc::corrupt, path.string() + ": want numbers that fit, got a larger one");
  }
}

result<query_outcome> outcome_of(const members& fields) {
  ARGOSY_ASSIGN(std::string query, fields.text("query"));
  ARGOSY_ASSIGN(const bool needs_image, fields.flag("needs_image"));
  ARGOSY_ASSIGN(const std::optional<std::uint64_t> first, fields.rank("first"));
  ARGOSY_ASSIGN(const double precision, fields.share("precision@10"));
  return query_outcome{std::move(query), needs_image, first, precision};
}

status read_outcomes(const fs::path& path, const run_evaluation& newest, std::vector<query_outcome>& outcomes) {
  ARGOSY_ASSIGN(const std::string text, read_file(path, most_bytes));
  ARGOSY_ASSIGN(const json whole, parsed(path, text));
  if (!whole.is_object()) return {errc::corrupt, line_of(path, 1) + ": want a JSON object, got " + whole.type_name()};
  const members fields(whole, path.string());
  ARGOSY_ASSIGN(const std::uint64_t step, fields.count("step"));
  if (step != newest.step) return fields.refused("step", std::to_string(newest.step) + " as the last of evaluation.jsonl");
  const auto queries = whole.find("queries");
  if (queries == whole.end() || !queries->is_array() || queries->empty()) return fields.refused("queries", "a list of at least one");
  for (const json& query : *queries) {
    const std::string where = path.string() + ": query " + std::to_string(outcomes.size() + 1);
    if (!query.is_object()) return {errc::corrupt, where + ": want an object, got " + shown(&query)};
    ARGOSY_ASSIGN(outcomes.emplace_back(), outcome_of(members(query, where)));
  }
  if (outcomes.size() == newest.queries) return {};
  return {errc::corrupt, path.string() + ": want " + std::to_string(newest.queries) + " queries as the last of evaluation.jsonl, got " +
                             std::to_string(outcomes.size())};
}

}  // namespace

result<run_record> read_run(const fs::path& folder) {
  run_record record{folder, {}, {}, {}};
  ARGOSY_TRY(read_steps(folder / "metrics.jsonl", record.steps));
  ARGOSY_TRY(read_evaluations(folder / "evaluation.jsonl", record.evaluations));
  ARGOSY_TRY(read_outcomes(folder / "outcomes.json", record.evaluations.back(), record.outcomes));
  return record;
}

}  // namespace argosy
