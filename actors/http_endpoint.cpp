#include "actors/http_endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "actors/error.hpp"
#include "actors/json_reply.hpp"
#include "actors/product_endpoint.hpp"
#include "actors/search_page.hpp"
#include "search/answer_json.hpp"

namespace argosy {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view search_path = "/v1/search", products_path = "/v1/products", images_path = "/v1/products/image",
                           product_prefix = "/v1/products/", image_suffix = "/image";

// A failure that names the parameter it is about.
struct wrong_parameter {
  std::string parameter, message;
};

http_reply refusal_reply(const wrong_parameter& wrong) {
  return json_reply(400, {{"error", wrong.parameter + ": " + wrong.message}, {"parameter", wrong.parameter}});
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Part of a request's target (RFC 3986), `+` a space in the query.
result<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' && plus_is_space ? ' ' : text[i];
      continue;
    }
    const bool whole = i + 2 < text.size();
    const int high = whole ? hex_digit(text[i + 1]) : -1, low = whole ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return status(errc::invalid_argument, "want two hexadecimal digits after % at character " + std::to_string(i + 1));
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

using parameters = std::map<std::string, std::string, std::less<>>;

result<parameters> parse_query_string(std::string_view text) {
  parameters found;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    ARGOSY_ASSIGN(std::string name, percent_decoded(pair.substr(0, equals), true));
    ARGOSY_ASSIGN(std::string value, percent_decoded(pair.substr(std::min(pair.size(), equals + 1)), true));
    if (!found.emplace(name, std::move(value)).second) return status(errc::invalid_argument, "`" + name + "` is there twice");
  }
  return found;
}

// Reads one parameter after the other; the first that is wrong is kept.
class parameter_reader {
public:
  explicit parameter_reader(parameters from) : left_(std::move(from)) {}

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
  void refuse(std::string_view name, std::string message) {
    if (!wrong_) wrong_ = wrong_parameter{std::string(name), std::move(message)};
  }
  // Once all that is known has been read.
  std::optional<wrong_parameter> wrong() {
    if (!wrong_ && !left_.empty()) refuse(left_.begin()->first, "is no parameter; there are q, k, filter, channel, restrict, live, facets");
    return wrong_;
  }

private:
  parameters left_;
  std::optional<wrong_parameter> wrong_;
};

unsigned code_of(const status& failure) noexcept {
  switch (failure.code()) {
    case errc::invalid_argument:
    case errc::out_of_range: return 400;
    case errc::unavailable: return 503;
    default: return 500;
  }
}

// A search refuses the filter or the query; it has no name for either.
http_reply refusal_of(const status& failure) {
  if (code_of(failure) != 400) return error_reply(code_of(failure), failure.message());
  const bool of_filter = failure.message().starts_with("filter");
  return refusal_reply(wrong_parameter{of_filter ? "filter" : "q", failure.message()});
}

}  // namespace

// What a search needs until it is answered; shared with the function that the search actor calls.
struct http_endpoint::search_call {
  std::string query;
  std::size_t k;
  bool facets;
  http_exchange exchange;
  steady_time start;
};

void http_endpoint::reply(std::string_view path, http_exchange exchange, http_reply answer) const {
  exchange.answer(noted(path, std::move(answer)));
}

http_reply http_endpoint::noted(std::string_view path, http_reply answer) const {
  of_->metrics().count_request(path, answer.code);
  answer.fields.emplace_back("X-Content-Type-Options", "nosniff");
  return answer;
}

std::optional<http_reply> http_endpoint::kept_out(const http_request& request) {
  if (!rights_) return std::nullopt;
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  auto refused = rights_->refusal_of(request, path);
  if (!refused) return std::nullopt;
  return noted(path.starts_with(product_prefix) ? path.ends_with(image_suffix) ? images_path : products_path : path, std::move(*refused));
}

void http_endpoint::take(const http_request& request, http_exchange exchange) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool of_product = path.starts_with(product_prefix), of_batch = path == products_path;
  const bool of_image = of_product && path.ends_with(image_suffix);
  if (auto refused = kept_out(request)) return exchange.answer(std::move(*refused));
  if ((of_product && !of_image && request.method != "GET") || (of_batch && (of_->writes() || request.method != "GET"))) {
    if (of_->writes() && is_change(request.method, of_batch))
      return change(request, path.substr(std::min(path.size(), product_prefix.size())), std::move(exchange));
    return reply(products_path, std::move(exchange), refuse_method(*of_, request.method, of_batch));
  }
  if (request.method != "GET") {
    http_reply refused = error_reply(405, "want GET, got " + request.method);
    refused.fields.emplace_back("Allow", "GET, HEAD");
    return reply(path, std::move(exchange), std::move(refused));
  }
  if (path == search_path) return search(target.substr(std::min(target.size(), path.size() + 1)), std::move(exchange));
  if (of_product) return product(path.substr(product_prefix.size()), std::move(exchange));
  reply(path, std::move(exchange), answer_now(path));
}

http_reply http_endpoint::answer_now(std::string_view path) const {
  if (const auto file = page_file(path)) return *file;
  if (path == "/healthz") return {200, "{\"status\": \"alive\"}\n"};
  if (path == "/readyz") return {200, "{\"status\": \"ready\"}\n"};
  if (path == "/metrics") {
    const open_peers peers = peers_();
    return {200, of_->metrics().text({of_->waiting(), peers.connections, peers.dropped}), "text/plain; version=0.0.4"};
  }
  return error_reply(404, "nothing is at " + std::string(path) +
                              "; there are /, /v1/search, /v1/products/ID, /v1/products/ID/image, "
                              "/healthz, /readyz, /metrics");
}

void http_endpoint::product(std::string_view encoded_id, http_exchange exchange) {
  const bool of_image = encoded_id.ends_with(image_suffix);
  const std::string_view path = of_image ? images_path : products_path;
  if (of_image) encoded_id.remove_suffix(image_suffix.size());
  auto id = percent_decoded(encoded_id, false);
  if (!id.ok()) return reply(path, std::move(exchange), refusal_reply(wrong_parameter{"id", id.failure().message()}));
  const auto told = std::make_shared<http_exchange>(std::move(exchange));
  const auto to = [self = shared_from_this(), path, told](http_reply made) { self->reply(path, std::move(*told), std::move(made)); };
  return of_image ? products_->image(std::move(*id), to) : products_->product(std::move(*id), to);
}

void http_endpoint::change(const http_request& request, std::string_view encoded_id, http_exchange exchange) {
  auto id = percent_decoded(encoded_id, false);
  if (id.ok() && id->empty() && request.method != "POST") id = status(errc::invalid_argument, "want a product's, found none");
  if (!id.ok()) return reply(products_path, std::move(exchange), refusal_reply(wrong_parameter{"id", id.failure().message()}));
  take_change(*of_, request, std::move(*id), rights_ != nullptr, std::move(exchange));
}

http_reply http_endpoint::reply_to(const search_call& call, const result<answered_question>& found) const {
  if (!found.ok()) return refusal_of(found.failure());
  const answered_question& answer = found.value();
  served_answer served{answer.from->current().number(), 0, nullptr, call.k};
  std::vector<facet> facets;
  if (call.facets) {
    const auto fields = fields_->of(answer.from->current());
    if (!fields.ok()) return refusal_of(fields.failure());
    facets = (*fields)->facets_of(answer.from->live(), answer.found.products);
    served.facets = &facets;
  }
  served.seconds = seconds_between(call.start, of_->clock().now());
  of_->metrics().count_answer(answer.found.from_pairs, served.seconds);
  return {200, answer_text(call.query, answer.found, answer.from->live(), &served) + "\n"};
}

void http_endpoint::search(std::string_view query_string, http_exchange exchange) {
  const auto refuse = [&](http_reply why) { reply(search_path, std::move(exchange), std::move(why)); };
  auto given = parse_query_string(query_string);
  if (!given.ok()) return refuse(error_reply(400, given.failure().message()));
  parameter_reader read(std::move(given).value());
  question asked;
  asked.query = read.text("q");
  if (asked.query.empty() || asked.query.size() > longest_query)
    read.refuse("q", "want a query of 1 to " + std::to_string(longest_query) + " bytes, got " + std::to_string(asked.query.size()));
  asked.request.k = read.count("k", asked.request.k, most_results);
  asked.request.filter = read.text("filter");
  asked.request.restricts = read.flag("restrict", true);
  asked.live = read.flag("live", false);
  const bool facets = read.flag("facets", false);
  if (const std::string name = read.text("channel"); !name.empty()) {
    const auto channel = channel_named(name);
    if (!channel) read.refuse("channel", "want semantic, lexical or hybrid, got `" + name + "`");
    asked.request.channel = channel.value_or(search_channel::semantic);
  }
  if (const auto wrong = read.wrong()) return refuse(refusal_reply(*wrong));

  const auto call =
      std::make_shared<search_call>(search_call{asked.query, asked.request.k, facets, std::move(exchange), of_->clock().now()});
  if (facets) asked.request.k = std::max(asked.request.k, facet_depth);
  asked.tell = [self = shared_from_this(), call](const result<answered_question>& found) {
    const auto answer = guarded([&]() -> result<http_reply> { return self->reply_to(*call, found); });
    self->reply(search_path, std::move(call->exchange), answer.ok() ? answer.value() : refusal_of(answer.failure()));
  };
  if (of_->ask(std::move(asked))) return;
  reply(search_path, std::move(call->exchange), busy_reply("too many queries wait already"));
}

}  // namespace argosy
