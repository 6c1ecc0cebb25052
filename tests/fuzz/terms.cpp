// The words, fields and names of a catalogue, and every kind of look-up in them.
#include "index/terms.hpp"

#include "index/terms_file.hpp"
#include "tests/fuzz/files.hpp"

namespace argosy::fuzz {
namespace {

constexpr section_type sections[] = {{"shape", element::u64},
                                     {"field_name"},
                                     {"field_name_offset", element::u64},
                                     {"field_key"},
                                     {"field_key_offset", element::u64},
                                     {"field_kind"},
                                     {"value_key"},
                                     {"value_key_offset", element::u64},
                                     {"value_text"},
                                     {"value_text_offset", element::u64},
                                     {"first_value", element::u64},
                                     {"value_count", element::u32},
                                     {"posting"},
                                     {"posting_offset", element::u64},
                                     {"first_number", element::u64},
                                     {"number", element::f64},
                                     {"number_row", element::u32},
                                     {"word"},
                                     {"word_offset", element::u64},
                                     {"first_entry", element::u64},
                                     {"word_titles", element::u32},
                                     {"entry_row", element::u32},
                                     {"entry_title"},
                                     {"entry_field"},
                                     {"title_length", element::u16},
                                     {"field_length", element::u16},
                                     {"name"},
                                     {"name_offset", element::u64},
                                     {"first_target", element::u64},
                                     {"target_value", element::u32},
                                     {"target_evidence", element::f32}};

constexpr std::uint32_t most_tried = 16;  // fields and values

filter_value as_it_is(std::string_view text) { return {std::string(text), std::string(text), 1}; }

filter_node of_field(std::string_view name) {
  filter_node node;
  node.is = filter_node::kind::range;
  node.field = as_it_is(name);
  node.range = {-1, 30, true, false};
  return node;
}

filter_node of_value(std::string_view field, std::string_view value) {
  filter_node node;
  node.is = filter_node::kind::values;
  node.field = as_it_is(field);
  node.values.push_back(as_it_is(value));
  return node;
}

void check_filter(const terms& opened, const filter_node& node) {
  const auto kept = opened.keep(node);
  if (kept.ok()) ARGOSY_CHECK(kept->rows() == opened.rows() && kept->size() <= opened.rows());
  if (const auto about = opened.estimate(node); about.ok()) ARGOSY_CHECK(!(*about < 0) && *about <= static_cast<double>(opened.rows()));
}

void check_fields(const terms& opened, std::span<const std::string> values) {
  for (std::uint32_t field = 0; field < std::min<std::size_t>(opened.fields(), most_tried); ++field) {
    const std::string_view name = opened.field_name(field);
    check_filter(opened, of_field(name));
    for (const std::string& value : values) check_filter(opened, of_value(name, value));
    if (const auto rows = opened.values_by_row(name); rows.ok()) ARGOSY_CHECK(rows->empty() || rows->size() == opened.rows());
  }
}

void check_words(const terms& opened, std::span<const std::string> words) {
  for (const double field_weight : {0.0, 0.5}) {
    const auto found = opened.search(words, 3, nullptr, {.field_weight = field_weight});
    if (!found.ok()) continue;
    for (std::size_t i = 0; i < found->size(); ++i) {
      ARGOSY_CHECK((*found)[i].row < opened.rows() && (*found)[i].score > 0);
      ARGOSY_CHECK(i == 0 || (*found)[i].score <= (*found)[i - 1].score);
    }
  }
  const auto names = opened.names_in(words, 0.5f);
  if (!names.ok()) return;
  for (const name_match& name : *names) {
    ARGOSY_CHECK(name.field < opened.fields() && name.first_word + name.words <= words.size());
    for (const std::uint32_t value : name.values) static_cast<void>(opened.value_text(value));
  }
  if (const auto kept = opened.keep(*names); kept.ok()) ARGOSY_CHECK(kept->rows() == opened.rows());
}

void take(std::span<const std::byte> input) {
  write_container(folder() / "terms", terms_kind, sections, input);
  const auto opened = terms::open(folder() / "terms");
  if (!opened.ok()) return;
  require(opened->verify());
  static const std::vector<std::string> words = {"red", "casual", "shoe", "dress", "nike", "apparel > shoes"};
  check_fields(*opened, words);
  check_words(*opened, words);
}

struct product {
  std::string_view title;
  std::vector<std::uint32_t> values;
};

std::vector<bytes> seeds() {
  static const std::vector<product> products = {
      {"red dress", {0, 2, 5}}, {"casual shoe", {1, 3, 6}}, {"nike casual shoe", {0, 3, 7}}, {"", {}}};
  terms_source source;
  source.rows = products.size();
  source.fields = {{"brand"}, {"category"}, {"price", field_kind::number}, {"about", field_kind::long_text}};
  source.values = {{0, "nike"}, {0, "red"}, {1, "apparel > dress"}, {1, "apparel > shoes"}, {3, "a long text"}, {2, "10"},
                   {2, "20.5"}, {2, "-3"}};
  source.title = [](std::size_t row) { return products[row].title; };
  source.values_of = [](std::size_t row) { return std::span<const std::uint32_t>(products[row].values); };
  source.restricted = {{"brand"}, {"category", true}};
  const auto fold = [](std::string_view text) { return result<std::string>(std::string(text)); };
  const auto words = [](std::string_view text) {
    std::vector<std::string> made;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      if (end > at && text[at] != '>') made.emplace_back(text.substr(at, end - at));
      at = end + 1;
    }
    return result<std::vector<std::string>>(std::move(made));
  };
  require(write_terms(folder() / "seed", source, {fold, words}));
  return {input_of(folder() / "seed", terms_kind, sections)};
}

const registered one({"terms", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
