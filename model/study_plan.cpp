#include "model/study_plan.hpp"

#include <algorithm>
#include <cctype>

#include "model/toml_file.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_study = 1u << 20;
constexpr std::size_t longest_name = 64;
constexpr std::int64_t largest_seed = 1'000'000'000'000'000;  // what train.seed may be
constexpr const char* wanted_seeds = "a list of numbers from 0 to 10^15";

// Reads keys of one table and remembers which: what is left over is unknown.
class reader {
public:
  reader(const toml::table& from, std::string where) : from_(from), where_(std::move(where)) {}

  status fail(std::string_view key, std::string_view wanted) const {
    return {errc::invalid_argument, where_ + ": `" + std::string(key) + "`: want " + std::string(wanted)};
  }
  result<std::string> text(std::string_view key, bool required) {
    read_.push_back(key);
    const auto* node = from_.get(key);
    if (node == nullptr && !required) return std::string();
    const auto value = node == nullptr ? std::nullopt : node->value_exact<std::string>();
    if (!value || (required && value->empty())) return fail(key, "a text");
    return *value;
  }
  template <class Value>
  result<std::vector<Value>> list(std::string_view key, std::string_view wanted) {
    read_.push_back(key);
    std::vector<Value> values;
    const auto* node = from_.get(key);
    if (node == nullptr) return values;
    if (!node->is_array()) return fail(key, wanted);
    for (const auto& each : *node->as_array()) {
      const auto value = each.value_exact<Value>();
      if (!value) return fail(key, wanted);
      values.push_back(*value);
    }
    return values;
  }
  const toml::array* tables(std::string_view key) {
    read_.push_back(key);
    const auto* node = from_.get(key);
    return node != nullptr && node->is_array_of_tables() ? node->as_array() : nullptr;
  }
  // Once all that is known has been read.
  status refuse_others() const {
    for (const auto& [key, node] : from_) {
      if (std::ranges::find(read_, key.str()) != read_.end()) continue;
      std::string known;
      for (const auto each : read_) known += (known.empty() ? "" : ", ") + std::string(each);
      return {errc::invalid_argument, where_ + ": unknown key `" + std::string(key.str()) + "`; known are " + known};
    }
    return {};
  }

private:
  const toml::table& from_;
  std::string where_;
  std::vector<std::string_view> read_;
};

bool can_be_a_folder(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() <= longest_name && name.front() != '.' && std::ranges::all_of(name, fits);
}

constexpr const char* a_set = "a list of texts such as \"train.batch=64\"";

result<study_plan::row> read_row(const toml::table& table, const fs::path& file, const std::string& base,
                                 const std::vector<std::string>& in_all) {
  const auto where = file.string() + ":" + std::to_string(table.source().begin.line);
  reader from(table, where);
  study_plan::row row;
  ARGOSY_ASSIGN(row.name, from.text("name", true));
  if (!can_be_a_folder(row.name))
    return from.fail("name", "at most 64 letters, digits and +-_. that can name a folder, got \"" + row.name + "\"");
  ARGOSY_ASSIGN(row.set, from.list<std::string>("set", a_set));
  ARGOSY_ASSIGN(const std::string own, from.text("recipe", false));
  ARGOSY_TRY(from.refuse_others());
  if (own.empty() && base.empty()) return from.fail("recipe", "a recipe, of the study or of the row");
  auto all = in_all;
  all.insert(all.end(), row.set.begin(), row.set.end());
  if (std::ranges::any_of(all, [](const std::string& set) { return set.starts_with("train.seed"); }))
    return from.fail("set", "no train.seed: a study's `seeds` are those of every row");
  const auto recipe = load_recipe(file.parent_path() / (own.empty() ? base : own), all);
  if (!recipe.ok()) return recipe.failure().within(where + ": row `" + row.name + "`");
  row.recipe = *recipe;
  return row;
}

status check(const study_plan& plan, const fs::path& file) {
  const auto fail = [&](const std::string& why) { return status{errc::invalid_argument, file.string() + ": " + why}; };
  const auto named = [&](const std::string& name) { return std::ranges::count(plan.rows, name, &study_plan::row::name); };
  for (const auto& row : plan.rows)
    if (named(row.name) > 1) return fail("the row `" + row.name + "` is there twice");
  if (named(plan.baseline) == 0) return fail("`baseline`: want the name of a row, got \"" + plan.baseline + "\"");
  if (plan.seeds.empty()) return fail("`seeds`: want at least one");
  for (const auto seed : plan.seeds)
    if (std::ranges::count(plan.seeds, seed) > 1) return fail("`seeds`: " + std::to_string(seed) + " is there twice");
  return {};
}

}  // namespace

result<study_plan> load_study(const fs::path& file, std::span<const std::string> set) {
  ARGOSY_ASSIGN(const std::string text, read_file(file, longest_study));
  ARGOSY_ASSIGN(const toml::table root, parse_toml(text, file.string()));
  reader from(root, file.string());
  study_plan plan;
  ARGOSY_ASSIGN(plan.title, from.text("title", true));
  ARGOSY_ASSIGN(plan.about, from.text("about", false));
  ARGOSY_ASSIGN(const std::string base, from.text("recipe", false));
  ARGOSY_ASSIGN(plan.set, from.list<std::string>("set", a_set));
  plan.set.insert(plan.set.end(), set.begin(), set.end());
  ARGOSY_ASSIGN(plan.baseline, from.text("baseline", true));
  ARGOSY_ASSIGN(const auto seeds, from.list<std::int64_t>("seeds", wanted_seeds));
  for (const auto seed : seeds) {
    if (seed < 0 || seed > largest_seed) return from.fail("seeds", wanted_seeds);
    plan.seeds.push_back(static_cast<std::uint64_t>(seed));
  }
  const auto* rows = from.tables("row");
  ARGOSY_TRY(from.refuse_others());
  if (rows == nullptr) return from.fail("row", "a [[row]] for each recipe that is compared");
  for (const auto& each : *rows) {
    ARGOSY_ASSIGN(auto row, read_row(*each.as_table(), file, base, plan.set));
    plan.rows.push_back(std::move(row));
  }
  ARGOSY_TRY(check(plan, file));
  return plan;
}

}  // namespace argosy
