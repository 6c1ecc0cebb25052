#include "actors/routed_endpoint.hpp"

#include <algorithm>
#include <sstream>
#include <utility>
#include <variant>

#include "actors/error.hpp"
#include "actors/json_reply.hpp"
#include "actors/search_parameters.hpp"
#include "search/answer_json.hpp"

namespace argosy {
namespace {

constexpr std::string_view search_path = "/v1/search";

wire_query query_of(const search_parameters& asked) {
  const search_request& how = asked.request;
  return {.text = asked.query,
          .k = static_cast<std::uint32_t>(how.k),
          .filter = how.filter,
          .channel = static_cast<wire_channel>(how.channel),
          .restricts = how.restricts,
          .live = asked.live,
          .titles = true,
          .semantic_weight = how.semantic_weight,
          .lexical_weight = how.lexical_weight};
}

http_reply reply_to(const std::string& query, const wire_answer& answer, double seconds) {
  switch (answer.code) {
    case wire_code::ok: return {200, answer_text(query, answer, seconds) + "\n"};
    case wire_code::busy: return busy_reply(answer.error);
    case wire_code::invalid: return search_refusal({errc::invalid_argument, answer.error});
    case wire_code::unavailable: return search_refusal({errc::unavailable, answer.error});
    case wire_code::failed: break;
  }
  return search_refusal({errc::internal, answer.error});
}

nlohmann::ordered_json told(const std::vector<routing::replica>& replicas) {
  auto all = nlohmann::ordered_json::array();
  for (const routing::replica& one : replicas) all.push_back({{"shard", one.shard}, {"replica", one.name}, {"answers", one.answers}});
  return all;
}

}  // namespace

void routed_endpoint::reply(std::string_view path, http_exchange exchange, http_reply answer) const {
  exchange.answer(noted(of_->metrics(), path, std::move(answer)));
}

std::optional<http_reply> routed_endpoint::kept_out(const http_request& request) {
  if (!rights_) return std::nullopt;
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  auto refused = rights_->refusal_of(request, path);
  if (refused) refused = noted(of_->metrics(), path, std::move(*refused));
  return refused;
}

void routed_endpoint::count(const wire_answer& answer, const logged_query& of, steady_time start) {
  if (answer.code != wire_code::ok) return;
  const double seconds = seconds_between(start, of_->clock().now());
  of_->metrics().count_answer(answer.from_pairs, seconds);
  of_->slow().note(of, source_of(answer.from_pairs), seconds);
  if (answer.shards_answered < answer.shards) ++partial_;
}

void routed_endpoint::take(const http_request& request, http_exchange exchange) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (auto refused = kept_out(request)) return exchange.answer(std::move(*refused));
  if (request.method != "GET") {
    http_reply refused = error_reply(405, "want GET, got " + request.method + ": products are changed on the server of their store");
    refused.fields.emplace_back("Allow", "GET, HEAD");
    return reply(path, std::move(exchange), std::move(refused));
  }
  if (path == search_path) return search(request, std::move(exchange));
  reply(path, std::move(exchange), answer_now(path));
}

http_reply routed_endpoint::answer_now(std::string_view path) const {
  if (path == "/healthz") return {200, "{\"status\": \"alive\"}\n"};
  if (path == "/readyz") {
    const bool ready = of_->ready();
    return json_reply(ready ? 200 : 503, {{"status", ready ? "ready" : "a shard does not answer"}, {"replicas", told(of_->replicas())}});
  }
  if (path == "/metrics") return {200, metrics(), "text/plain; version=0.0.4"};
  return error_reply(
      404, "nothing is at " + std::string(path) +
               " of a router; there are /v1/search, /healthz, /readyz, /metrics; products are shown by the server of their store");
}

std::string routed_endpoint::metrics() const {
  const open_peers peers = peers_();
  std::ostringstream out;
  out << of_->metrics().text({of_->waiting(), peers.connections, peers.dropped});
  out << "# HELP argosy_partial_answers_total Answers without those of every shard\n# TYPE argosy_partial_answers_total counter\n"
      << "argosy_partial_answers_total " << partial_ << '\n';
  const auto replicas = of_->replicas();
  const auto tell = [&](std::string_view name, std::string_view type, std::string_view help, auto&& value) {
    out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
    for (const routing::replica& one : replicas)
      out << name << "{shard=\"" << one.shard << "\",replica=" << json_text(one.name) << "} " << value(one) << '\n';
  };
  tell("argosy_replica_up", "gauge", "1: it answers", [](const auto& one) { return one.answers ? 1 : 0; });
  tell("argosy_replica_asked_total", "counter", "Requests sent to it", [](const auto& one) { return one.asked; });
  tell("argosy_replica_instead_total", "counter", "Of these, after another replica was asked", [](const auto& one) { return one.instead; });
  tell("argosy_replica_failed_total", "counter", "Of these, without an answer", [](const auto& one) { return one.failed; });
  return out.str();
}

void routed_endpoint::search(const http_request& request, http_exchange exchange) {
  const auto read = read_search_parameters(query_string_of(request));
  if (const auto* refused = std::get_if<http_reply>(&read)) return reply(search_path, std::move(exchange), *refused);
  const auto& asked = std::get<search_parameters>(read);
  if (asked.facets) return reply(search_path, std::move(exchange), parameter_reply("facets", "want 0: a router counts none"));
  const auto to = std::make_shared<http_exchange>(std::move(exchange));
  const steady_time start = of_->clock().now();
  const logged_query logged{request.id, asked.query, asked.request.filter, asked.request.k};
  of_->ask({.queries = {query_of(asked)}}, [self = shared_from_this(), to, start, logged](const wire_reply& reply) {
    const wire_answer& answer = reply.answers.front();
    self->count(answer, logged, start);
    const auto made =
        guarded([&]() -> result<http_reply> { return reply_to(logged.query, answer, seconds_between(start, self->of_->clock().now())); });
    http_reply told = made.ok() ? made.value() : search_refusal(made.failure());
    note_failure(logged.request, search_path, told);
    self->reply(search_path, std::move(*to), std::move(told));
  });
}

void routed_endpoint::take(std::span<const std::byte> bytes, message_endpoint::reply_taker to) {
  auto request = decode_request(bytes);
  if (!request.ok()) {
    of_->metrics().count_message(wire_code::invalid);
    return to(encode(wire_reply{0, {{.code = wire_code::invalid, .error = request.failure().message()}}}));
  }
  const steady_time start = of_->clock().now();
  std::vector<logged_query> logged(request->queries.size());
  if (of_->slow().wanted())
    std::transform(request->queries.begin(), request->queries.end(), logged.begin(), [&](const wire_query& one) {
      return logged_query{std::to_string(request->id), one.text, one.filter, one.k};
    });
  of_->ask(std::move(*request), [self = shared_from_this(), to = std::move(to), start, logged](const wire_reply& reply) {
    for (std::size_t i = 0; i < reply.answers.size(); ++i) {
      self->of_->metrics().count_message(reply.answers[i].code);
      self->count(reply.answers[i], i < logged.size() ? logged[i] : logged_query(), start);
    }
    to(encode(reply));
  });
}

}  // namespace argosy
