#include <charconv>
#include <cmath>

#include "index/filter.hpp"

namespace argosy {
namespace {

enum class token_kind { word, quoted, sign, end };

struct token {
  token_kind kind = token_kind::end;
  std::string text;  // of a sign: ( ) [ ] : < <= > >= =
  std::size_t column = 0;

  bool is(std::string_view sign) const { return kind == token_kind::sign && text == sign; }
  bool is_word(std::string_view word) const { return kind == token_kind::word && text == word; }
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_sign(char c) { return std::string_view("()[]:<>=").find(c) != std::string_view::npos; }

class scanner {
public:
  explicit scanner(std::string_view text) : text_(text) {}

  result<token> next() {
    while (at_ < text_.size() && is_blank(text_[at_])) step();
    token found{token_kind::end, "", column_};
    if (at_ == text_.size()) return found;
    if (text_[at_] == '"') return quoted(std::move(found));
    if (is_sign(text_[at_])) return sign(std::move(found));
    found.kind = token_kind::word;
    while (at_ < text_.size() && !is_blank(text_[at_]) && !is_sign(text_[at_]) && text_[at_] != '"') found.text += step();
    return found;
  }

private:
  char step() {
    const char c = text_[at_++];
    const bool inside = at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xC0) == 0x80;  // of a character
    if (!inside) ++column_;
    return c;
  }

  token sign(token found) {
    found.kind = token_kind::sign;
    found.text = step();
    const bool compares = found.text == "<" || found.text == ">";
    if (compares && at_ < text_.size() && text_[at_] == '=') found.text += step();
    return found;
  }

  result<token> quoted(token found) {
    found.kind = token_kind::quoted;
    step();
    while (at_ < text_.size() && text_[at_] != '"') {
      const bool escapes = text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (escapes) step();
      found.text += step();
    }
    if (at_ == text_.size()) return filter_error(found.column, "the quote that begins here has no end");
    step();
    return found;
  }

  std::string_view text_;
  std::size_t at_ = 0, column_ = 1;
};

bool is_comparison(const token& found) { return found.is("<") || found.is("<=") || found.is(">") || found.is(">=") || found.is("="); }

bool is_keyword(const token& found) { return found.is_word("AND") || found.is_word("OR") || found.is_word("NOT") || found.is_word("TO"); }

bool is_text(const token& found) { return found.kind == token_kind::quoted || (found.kind == token_kind::word && !is_keyword(found)); }

class parser {
public:
  parser(std::string_view text, const fold_text& fold) : scan_(text), fold_(fold) {}

  result<filter_node> parse() {
    ARGOSY_TRY(advance());
    ARGOSY_ASSIGN(filter_node whole, any());
    if (now_.kind != token_kind::end) return expected("AND, OR or the end");
    return whole;
  }

private:
  status advance() {
    ARGOSY_ASSIGN(now_, scan_.next());
    return {};
  }

  status expected(std::string_view wanted) const {
    const std::string found = now_.kind == token_kind::end ? "the end" : "\"" + now_.text + "\"";
    return filter_error(now_.column, "want " + std::string(wanted) + ", found " + found);
  }

  status take(std::string_view sign) { return now_.is(sign) ? advance() : expected("\"" + std::string(sign) + "\""); }

  result<filter_node> any() { return joined("OR", filter_node::kind::any_of, &parser::all); }
  result<filter_node> all() { return joined("AND", filter_node::kind::all_of, &parser::one); }

  // One part, or more with a word between them.
  result<filter_node> joined(std::string_view word, filter_node::kind is, result<filter_node> (parser::*part)()) {
    ARGOSY_ASSIGN(filter_node first, (this->*part)());
    if (!now_.is_word(word)) return first;
    filter_node node;
    node.is = is;
    node.of.push_back(std::move(first));
    while (now_.is_word(word)) {
      ARGOSY_TRY(advance());
      ARGOSY_ASSIGN(filter_node next, (this->*part)());
      node.of.push_back(std::move(next));
    }
    return node;
  }

  result<filter_node> one() {
    if (!now_.is_word("NOT") && !now_.is("(")) return condition();
    if (++depth_ > most_filter_depth) {
      return status(
          errc::out_of_range,
          filter_error(now_.column, "want at most " + std::to_string(most_filter_depth) + " of ( and NOT within each other").message());
    }
    auto inner = now_.is("(") ? parentheses() : negation();
    --depth_;
    return inner;
  }

  result<filter_node> negation() {
    ARGOSY_TRY(advance());
    ARGOSY_ASSIGN(filter_node inner, one());
    filter_node node;
    node.is = filter_node::kind::none_of;
    node.of.push_back(std::move(inner));
    return node;
  }

  result<filter_node> parentheses() {
    ARGOSY_TRY(advance());
    ARGOSY_ASSIGN(filter_node inner, any());
    ARGOSY_TRY(take(")"));
    return inner;
  }

  result<filter_node> condition() {
    if (!is_text(now_)) return expected("a field");
    ARGOSY_TRY(count_condition());
    filter_node node;
    ARGOSY_ASSIGN(node.field, value());
    if (is_comparison(now_)) return compared(std::move(node));
    if (!now_.is(":")) return expected("\":\" or a comparison after the field");
    ARGOSY_TRY(advance());
    if (is_comparison(now_)) return compared(std::move(node));
    if (now_.is("[")) return between(std::move(node));
    return valued(std::move(node));
  }

  status count_condition() {
    if (++conditions_ <= most_filter_conditions) return {};
    const auto why = filter_error(now_.column, "want at most " + std::to_string(most_filter_conditions) + " conditions and values");
    return {errc::out_of_range, why.message()};
  }

  result<filter_value> value() {
    if (!is_text(now_)) return expected("a value");
    auto folded = fold_(now_.text);
    if (!folded.ok()) return folded.failure().within("filter, column " + std::to_string(now_.column));
    filter_value made{now_.text, std::move(*folded), now_.column};
    ARGOSY_TRY(advance());
    return made;
  }

  result<filter_node> valued(filter_node node) {
    node.is = filter_node::kind::values;
    const bool list = now_.is("(");
    if (list) ARGOSY_TRY(advance());
    ARGOSY_TRY(take_value(node));
    while (list && now_.is_word("OR")) {
      ARGOSY_TRY(advance());
      ARGOSY_TRY(count_condition());
      ARGOSY_TRY(take_value(node));
    }
    if (list) ARGOSY_TRY(now_.is(")") ? advance() : expected("OR or \")\""));
    return node;
  }

  status take_value(filter_node& node) {
    ARGOSY_ASSIGN(filter_value next, value());
    node.values.push_back(std::move(next));
    return {};
  }

  result<filter_node> compared(filter_node node) {
    node.is = filter_node::kind::range;
    const std::string comparison = now_.text;
    ARGOSY_TRY(advance());
    ARGOSY_ASSIGN(const double bound, number());
    if (comparison != ">" && comparison != ">=") node.range.high = bound;
    if (comparison != "<" && comparison != "<=") node.range.low = bound;
    node.range.low_in = node.range.high_in = comparison.ends_with('=');
    return node;
  }

  result<filter_node> between(filter_node node) {
    node.is = filter_node::kind::range;
    ARGOSY_TRY(advance());
    ARGOSY_TRY(take_bound(node.range.low));
    if (!now_.is_word("TO")) return expected("TO");
    ARGOSY_TRY(advance());
    ARGOSY_TRY(take_bound(node.range.high));
    ARGOSY_TRY(take("]"));
    return node;
  }

  status take_bound(double& bound) {
    if (now_.is_word("*")) return advance();
    ARGOSY_ASSIGN(bound, number());
    return {};
  }

  result<double> number() {
    double read = 0;
    const char* const end = now_.text.data() + now_.text.size();
    const bool may = is_text(now_);
    const auto [stop, code] = std::from_chars(now_.text.data(), end, read);
    if (!may || code != std::errc{} || stop != end || !std::isfinite(read)) return expected("a number");
    ARGOSY_TRY(advance());
    return read;
  }

  scanner scan_;
  const fold_text& fold_;
  token now_;
  std::size_t depth_ = 0, conditions_ = 0;
};

}  // namespace

status filter_error(std::size_t column, const std::string& why) {
  return {errc::invalid_argument, "filter, column " + std::to_string(column) + ": " + why};
}

result<filter_node> parse_filter(std::string_view text, const fold_text& fold) {
  if (text.size() > most_filter_bytes) {
    return status(errc::out_of_range,
                  "filter: want at most " + std::to_string(most_filter_bytes) + " bytes, found " + std::to_string(text.size()));
  }
  return parser(text, fold).parse();
}

}  // namespace argosy
