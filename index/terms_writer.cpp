#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "base/check.hpp"
#include "index/names.hpp"
#include "index/posting.hpp"
#include "index/terms_file.hpp"

namespace argosy {
namespace {

constexpr std::string_view level_mark = " > ";

std::vector<std::string_view> levels_of(std::string_view path) {
  std::vector<std::string_view> levels;
  for (std::size_t at = path.find(level_mark); at != std::string_view::npos; at = path.find(level_mark)) {
    levels.push_back(path.substr(0, at));
    path.remove_prefix(at + level_mark.size());
  }
  levels.push_back(path);
  return levels;
}

// What a value is found by: itself, and of a path every beginning and every level.
std::vector<std::string> forms_of(std::string_view value) {
  std::vector<std::string> forms;
  std::string beginning;
  for (const std::string_view level : levels_of(value)) {
    beginning.append(beginning.empty() ? "" : level_mark).append(level);
    forms.emplace_back(level);
    if (beginning != level) forms.push_back(beginning);
  }
  return forms;
}

struct listed_value {
  std::string text;
  std::vector<std::uint32_t> rows;
  std::uint32_t number = 0;
};
using value_list = std::map<std::string, listed_value>;  // by key; nodes stay where they are

struct word_entry {
  std::uint32_t word, row;
  std::uint8_t title, field;
};

struct name_target {
  std::set<std::uint32_t> values;
  std::uint64_t titles = 0, titles_with_value = 0;
  bool asserted = false;  // by an alias
  float evidence() const noexcept {
    return asserted || titles == 0 ? 1 : static_cast<float>(titles_with_value) / static_cast<float>(titles);
  }
};
using name_list = std::map<std::string, std::map<std::uint32_t, name_target>>;  // by name and field

std::uint8_t counted(std::size_t occurrences) { return static_cast<std::uint8_t>(std::min<std::size_t>(occurrences, 255)); }
std::uint16_t length(std::size_t words) { return static_cast<std::uint16_t>(std::min<std::size_t>(words, 65535)); }

class text_writer {
public:
  explicit text_writer(container_writer& to, std::string name) : to_(to), name_(std::move(name)) {}
  void add(std::string_view text) {
    text_ += text;
    offset_.push_back(text_.size());
  }
  status finish() {
    ARGOSY_TRY(to_.begin(name_, element::u8));
    ARGOSY_TRY(to_.append(std::as_bytes(std::span(text_))));
    return to_.add(name_ + "_offset", std::span<const std::uint64_t>(offset_));
  }

private:
  container_writer& to_;
  std::string name_, text_;
  std::vector<std::uint64_t> offset_{0};
};

class terms_builder {
public:
  terms_builder(const terms_source& source, const text_rules& rules) : source_(source), rules_(rules) {}

  status run(container_writer& to) {
    ARGOSY_TRY(read_fields());
    ARGOSY_TRY(read_values());
    number_values();
    ARGOSY_TRY(name_values());
    ARGOSY_TRY(name_aliases());
    ARGOSY_TRY(read_rows());
    ARGOSY_TRY(write_fields(to));
    ARGOSY_TRY(write_values(to));
    ARGOSY_TRY(write_numbers(to));
    ARGOSY_TRY(write_words(to));
    return write_names(to);
  }

private:
  status read_fields() {
    std::vector<std::uint64_t> bytes(source_.fields.size()), values(source_.fields.size());
    for (const auto& value : source_.values) {
      bytes[value.field] += value.text.size();
      ++values[value.field];
    }
    for (std::size_t f = 0; f < source_.fields.size(); ++f) {
      ARGOSY_ASSIGN(std::string key, rules_.fold(source_.fields[f].name));
      keys_.push_back(std::move(key));
      const bool is_long = bytes[f] > longest_mean_value * values[f];
      kinds_.push_back(source_.fields[f].kind.value_or(is_long ? field_kind::long_text : field_kind::text));
    }
    listed_.resize(source_.fields.size());
    numbers_.resize(source_.fields.size());
    return {};
  }

  status read_values() {
    for (const auto& [field, text] : source_.values) {
      ARGOSY_CHECK(field < source_.fields.size());
      lists_.emplace_back();
      parsed_.push_back(0);
      words_of_value_.emplace_back();
      if (kinds_[field] == field_kind::number) {
        std::from_chars(text.data(), text.data() + text.size(), parsed_.back());
        continue;
      }
      ARGOSY_ASSIGN(words_of_value_.back(), numbers_of(text));
      if (kinds_[field] == field_kind::text && text.size() <= longest_listed_value) ARGOSY_TRY(list_value(field, text));
    }
    return {};
  }

  status list_value(std::uint32_t field, std::string_view text) {
    for (const std::string& form : forms_of(text)) {
      ARGOSY_ASSIGN(std::string key, rules_.fold(form));
      lists_.back().push_back(&listed_[field].try_emplace(std::move(key), listed_value{form, {}, 0}).first->second);
    }
    return {};
  }

  void number_values() {
    std::uint32_t next = 0;
    for (auto& field : listed_)
      for (auto& [key, value] : field) value.number = next++;
  }

  status name_values() {
    for (const restricted_field& restricted : source_.restricted) {
      ARGOSY_ASSIGN(const std::string key, rules_.fold(restricted.name));
      for (std::uint32_t f = 0; f < keys_.size(); ++f) {
        if (keys_[f] != key) continue;
        for (const auto& [value_key, value] : listed_[f]) {
          if (value.text.find(level_mark) != std::string::npos) continue;
          ARGOSY_ASSIGN(const auto words, rules_.words(value.text));
          add_names(f, value.number, words, restricted.endings);
        }
      }
    }
    return {};
  }

  void add_names(std::uint32_t field, std::uint32_t value, std::span<const std::string> words, bool endings) {
    if (words.empty()) return;
    if (!endings) {
      names_[exact_name(words)][field].values.insert(value);
      return;
    }
    for (std::size_t first = 0; first < words.size(); ++first) names_[singular_name(words.subspan(first))][field].values.insert(value);
  }

  status name_aliases() {
    for (const name_alias& alias : source_.aliases) {
      ARGOSY_ASSIGN(const std::string field, rules_.fold(alias.field));
      ARGOSY_ASSIGN(const std::string key, rules_.fold(alias.value));
      ARGOSY_ASSIGN(const auto words, rules_.words(alias.alias));
      const auto f = static_cast<std::size_t>(std::find(keys_.begin(), keys_.end(), field) - keys_.begin());
      const bool known = f < keys_.size() && listed_[f].contains(key);
      if (!known && !source_.strict_aliases) continue;
      if (!known || words.empty())
        return {errc::not_found, "alias `" + alias.alias + "`: want words, and a value of a field, found " + alias.field + ":\"" +
                                     alias.value + "\", which no product has"};
      name_target& target = names_[exact_name(words)][static_cast<std::uint32_t>(f)];
      target.values.insert(listed_[f].at(key).number);
      target.asserted = true;
    }
    return {};
  }

  status read_rows() {
    for (std::size_t row = 0; row < source_.rows; ++row) {
      if (source_.stop.stop_requested()) return {errc::aborted, "listing the words was interrupted"};
      const auto r = static_cast<std::uint32_t>(row);
      const auto values = source_.values_of(row);
      ARGOSY_ASSIGN(const auto title, rules_.words(source_.title(row)));
      list_row(r, values);
      add_entries(r, title, values);
      weigh_names(r, title);
    }
    return {};
  }

  void list_row(std::uint32_t row, std::span<const std::uint32_t> values) {
    for (const std::uint32_t v : values) {
      const std::uint32_t field = source_.values[v].field;
      if (kinds_[field] == field_kind::number) numbers_[field].push_back({parsed_[v], row});
      for (listed_value* value : lists_[v])
        if (value->rows.empty() || value->rows.back() != row) value->rows.push_back(row);
    }
  }

  void add_entries(std::uint32_t row, std::span<const std::string> title, std::span<const std::uint32_t> values) {
    std::map<std::uint32_t, std::pair<std::size_t, std::size_t>> counts;  // of each word, in title and fields
    std::size_t field_words = 0;
    for (const std::string& word : title) ++counts[number_of(word)].first;
    for (const std::uint32_t v : values)
      for (const std::uint32_t word : words_of_value_[v]) ++counts[word].second, ++field_words;
    for (const auto& [word, count] : counts) entries_.push_back({word, row, counted(count.first), counted(count.second)});
    title_length_.push_back(length(title.size()));
    field_length_.push_back(length(field_words));
  }

  // Counts for each name in the title whether the row has what it would restrict to.
  void weigh_names(std::uint32_t row, std::span<const std::string> title) {
    for_each_span(title, [&](std::size_t first, std::size_t count) {
      const auto words = title.subspan(first, count);
      const bool exact = weigh(row, exact_name(words)), singular = weigh(row, singular_name(words));
      return exact || singular;
    });
  }

  bool weigh(std::uint32_t row, const std::string& name) {
    const auto found = names_.find(name);
    if (found == names_.end()) return false;
    for (auto& [field, target] : found->second) {
      ++target.titles;
      target.titles_with_value += has_any(row, field, target.values) ? 1 : 0;
    }
    return true;
  }

  bool has_any(std::uint32_t row, std::uint32_t field, const std::set<std::uint32_t>& wanted) const {
    for (const std::uint32_t v : source_.values_of(row)) {
      if (source_.values[v].field != field) continue;
      for (const listed_value* value : lists_[v])
        if (wanted.contains(value->number)) return true;
    }
    return false;
  }

  std::uint32_t number_of(const std::string& word) {
    return word_number_.emplace(singular_of(word), static_cast<std::uint32_t>(word_number_.size())).first->second;
  }

  result<std::vector<std::uint32_t>> numbers_of(std::string_view text) {
    ARGOSY_ASSIGN(const auto words, rules_.words(text));
    std::vector<std::uint32_t> numbers;
    for (const auto& word : words) numbers.push_back(number_of(word));
    return numbers;
  }

  status write_fields(container_writer& to) const {
    const auto sum = [](const std::vector<std::uint16_t>& of) { return std::accumulate(of.begin(), of.end(), std::uint64_t{0}); };
    const std::uint64_t shape[] = {source_.rows, sum(title_length_), sum(field_length_)};
    ARGOSY_TRY(to.add("shape", std::span<const std::uint64_t>(shape)));
    text_writer names(to, "field_name"), keys(to, "field_key");
    std::vector<std::uint8_t> kinds;
    for (std::size_t f = 0; f < keys_.size(); ++f) {
      names.add(source_.fields[f].name);
      keys.add(keys_[f]);
      kinds.push_back(static_cast<std::uint8_t>(kinds_[f]));
    }
    ARGOSY_TRY(names.finish());
    ARGOSY_TRY(keys.finish());
    return to.add("field_kind", std::span<const std::uint8_t>(kinds));
  }

  status write_values(container_writer& to) const {
    text_writer keys(to, "value_key"), texts(to, "value_text");
    std::vector<std::uint64_t> first{0}, offset{0};
    std::vector<std::uint32_t> count;
    ARGOSY_TRY(to.begin("posting", element::u8));
    for (const auto& field : listed_) {
      for (const auto& [key, value] : field) {
        const std::string bytes = encode_posting(value.rows);
        ARGOSY_TRY(to.append(std::as_bytes(std::span(bytes))));
        offset.push_back(offset.back() + bytes.size());
        count.push_back(static_cast<std::uint32_t>(value.rows.size()));
        keys.add(key);
        texts.add(value.text);
      }
      first.push_back(count.size());
    }
    ARGOSY_TRY(to.add("posting_offset", std::span<const std::uint64_t>(offset)));
    ARGOSY_TRY(to.add("first_value", std::span<const std::uint64_t>(first)));
    ARGOSY_TRY(to.add("value_count", std::span<const std::uint32_t>(count)));
    ARGOSY_TRY(keys.finish());
    return texts.finish();
  }

  status write_numbers(container_writer& to) {
    std::vector<double> number;
    std::vector<std::uint32_t> row;
    std::vector<std::uint64_t> first{0};
    for (auto& field : numbers_) {
      std::sort(field.begin(), field.end());
      for (const auto& [value, of] : field) {
        number.push_back(value);
        row.push_back(of);
      }
      first.push_back(number.size());
    }
    ARGOSY_TRY(to.add("first_number", std::span<const std::uint64_t>(first)));
    ARGOSY_TRY(to.add("number", std::span<const double>(number)));
    return to.add("number_row", std::span<const std::uint32_t>(row));
  }

  status write_words(container_writer& to) {
    std::vector<const std::pair<const std::string, std::uint32_t>*> sorted;
    for (const auto& word : word_number_) sorted.push_back(&word);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    std::vector<std::uint32_t> place(sorted.size());
    text_writer words(to, "word");
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      place[sorted[i]->second] = static_cast<std::uint32_t>(i);
      words.add(sorted[i]->first);
    }
    ARGOSY_TRY(words.finish());
    return write_entries(to, place);
  }

  // By word, each one's in the order of the rows.
  status write_entries(container_writer& to, std::span<const std::uint32_t> place) const {
    std::vector<std::uint64_t> first(place.size() + 1);
    std::vector<std::uint32_t> titles(place.size()), row(entries_.size());
    std::vector<std::uint8_t> title(entries_.size()), field(entries_.size());
    for (const word_entry& entry : entries_) ++first[place[entry.word] + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint64_t> next(first.begin(), first.end());
    for (const word_entry& entry : entries_) {
      const std::uint64_t at = next[place[entry.word]]++;
      row[at] = entry.row, title[at] = entry.title, field[at] = entry.field;
      titles[place[entry.word]] += entry.title > 0 ? 1 : 0;
    }
    ARGOSY_TRY(to.add("first_entry", std::span<const std::uint64_t>(first)));
    ARGOSY_TRY(to.add("word_titles", std::span<const std::uint32_t>(titles)));
    ARGOSY_TRY(to.add("entry_row", std::span<const std::uint32_t>(row)));
    ARGOSY_TRY(to.add("entry_title", std::span<const std::uint8_t>(title)));
    ARGOSY_TRY(to.add("entry_field", std::span<const std::uint8_t>(field)));
    ARGOSY_TRY(to.add("title_length", std::span<const std::uint16_t>(title_length_)));
    return to.add("field_length", std::span<const std::uint16_t>(field_length_));
  }

  status write_names(container_writer& to) const {
    text_writer names(to, "name");
    std::vector<std::uint64_t> first{0};
    std::vector<std::uint32_t> values;
    std::vector<float> evidence;
    for (const auto& [name, targets] : names_) {
      names.add(name);
      for (const auto& [field, target] : targets) {
        values.insert(values.end(), target.values.begin(), target.values.end());
        evidence.resize(values.size(), target.evidence());
      }
      first.push_back(values.size());
    }
    ARGOSY_TRY(names.finish());
    ARGOSY_TRY(to.add("first_target", std::span<const std::uint64_t>(first)));
    ARGOSY_TRY(to.add("target_value", std::span<const std::uint32_t>(values)));
    return to.add("target_evidence", std::span<const float>(evidence));
  }

  const terms_source& source_;
  const text_rules& rules_;
  std::vector<std::string> keys_;  // of fields
  std::vector<field_kind> kinds_;
  std::vector<value_list> listed_;                                      // of each field
  std::vector<std::vector<std::pair<double, std::uint32_t>>> numbers_;  // of each field
  std::vector<std::vector<listed_value*>> lists_;                       // that each value of the source is in
  std::vector<double> parsed_;                                          // each value of the source as a number
  std::vector<std::vector<std::uint32_t>> words_of_value_;
  std::unordered_map<std::string, std::uint32_t> word_number_;
  std::vector<word_entry> entries_;
  std::vector<std::uint16_t> title_length_, field_length_;
  name_list names_;
};

}  // namespace

status write_terms(container_writer& to, const terms_source& source, const text_rules& rules) {
  ARGOSY_TRY(terms_builder(source, rules).run(to));
  return to.finish();
}

status write_terms(const std::filesystem::path& path, const terms_source& source, const text_rules& rules) {
  ARGOSY_ASSIGN(auto writer, container_writer::create(path, terms_kind));
  return write_terms(writer, source, rules);
}

}  // namespace argosy
