#include "actors/http_endpoint.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "actors/error.hpp"
#include "actors/json_reply.hpp"
#include "actors/product_endpoint.hpp"
#include "actors/search_page.hpp"
#include "actors/search_parameters.hpp"
#include "net/query_string.hpp"
#include "search/answer_json.hpp"

namespace argosy {
namespace {

constexpr std::string_view search_path = "/v1/search", products_path = "/v1/products", images_path = "/v1/products/image",
                           product_prefix = "/v1/products/", image_suffix = "/image";

}  // namespace

// What a search needs until it is answered; shared with the function that the search actor calls.
struct http_endpoint::search_call {
  logged_query of;
  bool facets;
  http_exchange exchange;
  steady_time start;
};

void http_endpoint::reply(std::string_view path, http_exchange exchange, http_reply answer) const {
  exchange.answer(noted(of_->metrics(), path, std::move(answer)));
}

std::optional<http_reply> http_endpoint::kept_out(const http_request& request) {
  if (!rights_) return std::nullopt;
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  auto refused = rights_->refusal_of(request, path);
  if (!refused) return std::nullopt;
  return noted(of_->metrics(), path.starts_with(product_prefix) ? path.ends_with(image_suffix) ? images_path : products_path : path,
               std::move(*refused));
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
  if (path == compact_path && (of_->writes() || request.method != "GET")) {
    if (of_->writes() && is_change(request.method, true)) return take_compaction(*of_, request, rights_ != nullptr, std::move(exchange));
    return reply(compact_path, std::move(exchange), refuse_method(*of_, request.method, true));
  }
  if (request.method != "GET") {
    http_reply refused = error_reply(405, "want GET, got " + request.method);
    refused.fields.emplace_back("Allow", "GET, HEAD");
    return reply(path, std::move(exchange), std::move(refused));
  }
  if (path == search_path) return search(request, std::move(exchange));
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
  return error_reply(404, "nothing is at " + std::string(path) + "; there are /, /v1/search, /v1/products/ID, /v1/products/ID/image, " +
                              (of_->writes() ? "/v1/products, /v1/compact, " : "") + "/healthz, /readyz, /metrics");
}

void http_endpoint::product(std::string_view encoded_id, http_exchange exchange) {
  const bool of_image = encoded_id.ends_with(image_suffix);
  const std::string_view path = of_image ? images_path : products_path;
  if (of_image) encoded_id.remove_suffix(image_suffix.size());
  auto id = percent_decoded(encoded_id, false);
  if (!id.ok()) return reply(path, std::move(exchange), parameter_reply("id", id.failure().message()));
  const auto told = std::make_shared<http_exchange>(std::move(exchange));
  const auto to = [self = shared_from_this(), path, told](http_reply made) { self->reply(path, std::move(*told), std::move(made)); };
  return of_image ? products_->image(std::move(*id), to) : products_->product(std::move(*id), to);
}

void http_endpoint::change(const http_request& request, std::string_view encoded_id, http_exchange exchange) {
  auto id = percent_decoded(encoded_id, false);
  if (id.ok() && id->empty() && request.method != "POST") id = status(errc::invalid_argument, "want a product's, found none");
  if (!id.ok()) return reply(products_path, std::move(exchange), parameter_reply("id", id.failure().message()));
  take_change(*of_, request, std::move(*id), rights_ != nullptr, std::move(exchange));
}

http_reply http_endpoint::reply_to(const search_call& call, const result<answered_question>& found) const {
  if (!found.ok()) return search_refusal(found.failure());
  const answered_question& answer = found.value();
  served_answer served{answer.from->current().number(), 0, nullptr, call.of.k};
  std::vector<facet> facets;
  if (call.facets) {
    const auto fields = fields_->of(answer.from->current());
    if (!fields.ok()) return search_refusal(fields.failure());
    facets = (*fields)->facets_of(answer.from->live(), answer.found.products);
    served.facets = &facets;
  }
  served.seconds = seconds_between(call.start, of_->clock().now());
  of_->metrics().count_answer(answer.found.from_pairs, served.seconds);
  of_->slow().note(call.of, source_of(answer.found.from_pairs), served.seconds);
  return {200, answer_text(call.of.query, answer.found, answer.from->live(), &served) + "\n"};
}

void http_endpoint::search(const http_request& request, http_exchange exchange) {
  auto read = read_search_parameters(query_string_of(request));
  if (auto* refused = std::get_if<http_reply>(&read)) return reply(search_path, std::move(exchange), std::move(*refused));
  auto& asked = std::get<search_parameters>(read);
  const auto call = std::make_shared<search_call>(
      search_call{{request.id, asked.query, asked.request.filter, asked.request.k}, asked.facets, std::move(exchange), of_->clock().now()});
  if (asked.facets) asked.request.k = std::max(asked.request.k, facet_depth);
  question one{.query = std::move(asked.query), .request = std::move(asked.request), .live = asked.live, .tell = {}};
  one.tell = [self = shared_from_this(), call](const result<answered_question>& found) {
    const auto answer = guarded([&]() -> result<http_reply> { return self->reply_to(*call, found); });
    http_reply made = answer.ok() ? answer.value() : search_refusal(answer.failure());
    note_failure(call->of.request, search_path, made);
    self->reply(search_path, std::move(call->exchange), std::move(made));
  };
  if (of_->ask(std::move(one))) return;
  reply(search_path, std::move(call->exchange), busy_reply("too many queries wait already"));
}

}  // namespace argosy
