#include "actors/search_parameters.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "actors/json_reply.hpp"
#include "actors/serving.hpp"
#include "net/query_string.hpp"

namespace argosy {
namespace {

// Reads one parameter after the other; the first that is wrong is kept.
class parameter_reader {
public:
  explicit parameter_reader(query_parameters from) : left_(std::move(from)) {}

  std::string text(std::string_view name) {
    const auto found = left_.find(name);
    if (found == left_.end()) return {};
    std::string value = std::move(found->second);
    left_.erase(found);
    return value;
  }
  std::size_t count(std::string_view name, std::size_t usual, std::size_t most) {
    const std::string value = text(name);
    if (value.empty()) return usual;
    std::size_t number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (code == std::errc{} && end == value.data() + value.size() && number >= 1 && number <= most) return number;
    refuse(name, "want a whole number from 1 to " + std::to_string(most) + ", got `" + value + "`");
    return usual;
  }
  bool flag(std::string_view name, bool usual) {
    const std::string value = text(name);
    if (value.empty()) return usual;
    if (value != "0" && value != "1") refuse(name, "want 0 or 1, got `" + value + "`");
    return value == "1";
  }
  void refuse(std::string_view name, const std::string& message) {
    if (!wrong_) wrong_ = parameter_reply(std::string(name), message);
  }
  // Once all that is known has been read.
  std::optional<http_reply> wrong() {
    if (!wrong_ && !left_.empty()) refuse(left_.begin()->first, "is no parameter; there are q, k, filter, channel, restrict, live, facets");
    return wrong_;
  }

private:
  query_parameters left_;
  std::optional<http_reply> wrong_;
};

unsigned code_of(const status& failure) noexcept {
  switch (failure.code()) {
    case errc::invalid_argument:
    case errc::out_of_range: return 400;
    case errc::unavailable: return 503;
    default: return 500;
  }
}

}  // namespace

std::string_view query_string_of(const http_request& request) {
  const std::string_view target = request.target;
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

http_reply search_refusal(const status& failure) {
  if (code_of(failure) != 400) return error_reply(code_of(failure), failure.message());
  return parameter_reply(failure.message().starts_with("filter") ? "filter" : "q", failure.message());
}

std::variant<search_parameters, http_reply> read_search_parameters(std::string_view query_string) {
  auto given = parse_query_string(query_string);
  if (!given.ok()) return error_reply(400, given.failure().message());
  parameter_reader read(std::move(given).value());
  search_parameters asked;
  asked.query = read.text("q");
  if (asked.query.empty() || asked.query.size() > longest_query)
    read.refuse("q", "want a query of 1 to " + std::to_string(longest_query) + " bytes, got " + std::to_string(asked.query.size()));
  asked.request.k = read.count("k", asked.request.k, most_results);
  asked.request.filter = read.text("filter");
  asked.request.restricts = read.flag("restrict", true);
  asked.live = read.flag("live", false);
  asked.facets = read.flag("facets", false);
  if (const std::string name = read.text("channel"); !name.empty()) {
    const auto channel = channel_named(name);
    if (!channel) read.refuse("channel", "want semantic, lexical or hybrid, got `" + name + "`");
    asked.request.channel = channel.value_or(search_channel::semantic);
  }
  if (auto wrong = read.wrong()) return std::move(*wrong);
  return asked;
}

}  // namespace argosy
