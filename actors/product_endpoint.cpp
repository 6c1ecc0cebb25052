#include "actors/product_endpoint.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "actors/error.hpp"
#include "actors/json_reply.hpp"
#include "search/answer_json.hpp"

namespace argosy {
namespace {

using nlohmann::ordered_json;
using what = change_request::what;

constexpr std::string_view products_path = "/v1/products";

std::string_view word_of(edit_outcome outcome) noexcept {
  switch (outcome) {
    case edit_outcome::created: return "created";
    case edit_outcome::replaced: return "replaced";
    case edit_outcome::changed: return "changed";
    case edit_outcome::removed: break;
  }
  return "removed";
}

unsigned code_of(const result<edit_outcome>& outcome) noexcept {
  if (outcome.ok()) return outcome.value() == edit_outcome::created ? 201 : outcome.value() == edit_outcome::removed ? 204 : 200;
  switch (outcome.failure().code()) {
    case errc::invalid_argument:
    case errc::out_of_range: return 400;
    case errc::not_found: return 404;
    case errc::version_mismatch: return 409;
    case errc::unavailable:
    case errc::io_error: return 503;
    default: return 500;
  }
}

void add_outcome(const change_answer& answer, ordered_json& to) {
  if (answer.outcome.ok()) {
    to["outcome"] = word_of(answer.outcome.value());
  } else {
    to["error"] = answer.outcome.failure().message();
  }
}

http_reply reply_to_one(const change_answer& answer) {
  const unsigned code = code_of(answer.outcome);
  if (code == 204) return {code, {}};
  ordered_json object{{"id", answer.id}};
  add_outcome(answer, object);
  return json_reply(code, object);
}

http_reply reply_to_lines(const std::vector<change_answer>& answers) {
  if (answers.empty()) return error_reply(400, "want a change a line, found none");
  http_reply reply{200, {}, "application/x-ndjson"};
  for (const change_answer& one : answers) {
    ordered_json object{{"line", one.line}};
    if (!one.id.empty()) object["id"] = one.id;
    object["code"] = code_of(one.outcome);
    add_outcome(one, object);
    reply.body += json_text(object) + "\n";
  }
  return reply;
}

what verb_of(std::string_view method) noexcept {
  if (method == "POST") return what::lines;
  if (method == "PUT") return what::put;
  return method == "PATCH" ? what::patch : what::remove;
}

// What a change needs until it is answered; shared with the function that the change actor calls.
struct change_call {
  what verb;
  http_exchange exchange;
  steady_time start;
};

// Scripts of any page in a browser on this machine reach a server on it: under its own name, or under theirs where their name server says so.
std::optional<http_reply> refusal_of_page(const http_request& request) {
  const std::string host = request.host.substr(0, request.host.rfind(':'));
  if (host != "127.0.0.1" && host != "localhost" && host != "[::1]")
    return error_reply(403, "Host: want 127.0.0.1, localhost or [::1], got `" + request.host + "`");
  if (!request.origin.empty() && request.origin != "http://" + request.host)
    return error_reply(403, "Origin: want http://" + request.host + ", got `" + request.origin + "`");
  return std::nullopt;
}

std::optional<http_reply> refusal_of_length(const http_request& request) {
  const auto lines = static_cast<std::size_t>(std::count(request.body.begin(), request.body.end(), '\n'));
  if (request.method == "POST" && lines > most_change_lines)
    return error_reply(400, "want at most " + std::to_string(most_change_lines) + " lines, got " + std::to_string(lines));
  return std::nullopt;
}

void answer(serving& of, change_call& call, http_reply reply) {
  call.exchange.answer(noted(of.metrics(), products_path, std::move(reply)));
}

void answer_with(serving& of, change_call& call, const std::vector<change_answer>& answers) {
  for (const change_answer& one : answers)
    of.metrics().count_change(one.outcome.ok() ? word_of(one.outcome.value()) : code_of(one.outcome) < 500 ? "refused" : "failed");
  of.metrics().count_change_seconds(seconds_between(call.start, of.clock().now()));
  const auto reply =
      guarded([&]() -> result<http_reply> { return call.verb == what::lines ? reply_to_lines(answers) : reply_to_one(answers.front()); });
  answer(of, call, reply.ok() ? reply.value() : error_reply(500, reply.failure().message()));
}

http_reply reply_to_call(const compaction_answer& answer) {
  const changed_rows& of = answer.of;
  const auto told = [&of](const char* word) {
    return ordered_json{{"compaction", word}, {"generation", of.generation}, {"put", of.put}, {"gone", of.gone}};
  };
  switch (answer.became) {
    case compaction_answer::what::begun: return json_reply(202, told("begun"));
    case compaction_answer::what::unchanged: return json_reply(200, told("unchanged"));
    case compaction_answer::what::runs: return error_reply(409, "a compaction runs already");
    case compaction_answer::what::empty: return error_reply(409, "every product was removed: there is nothing to compact");
    case compaction_answer::what::failed: break;
  }
  return error_reply(503, answer.failure.message());
}

}  // namespace

bool is_change(std::string_view method, bool batch) noexcept {
  return batch ? method == "POST" : method == "PUT" || method == "PATCH" || method == "DELETE";
}

http_reply refuse_method(const serving& of, std::string_view method, bool batch) {
  const std::string of_one = of.writes() ? "GET, HEAD, PUT, PATCH, DELETE" : "GET, HEAD";
  const std::string allowed = batch ? (of.writes() ? "POST" : "") : of_one;
  const bool would = is_change(method, batch) && !of.writes();
  const std::string want = would ? "want a server that was started with --writable to change products"
                                 : "want " + (allowed.empty() ? "/v1/products/ID" : allowed) + ", got " + std::string(method);
  http_reply refused = error_reply(405, want);
  refused.fields.emplace_back("Allow", allowed);
  return refused;
}

void take_change(serving& of, const http_request& request, std::string id, bool keyed, http_exchange exchange) {
  const auto call = std::make_shared<change_call>(change_call{verb_of(request.method), std::move(exchange), of.clock().now()});
  auto refused = keyed ? std::nullopt : refusal_of_page(request);
  if (!refused) refused = refusal_of_length(request);
  if (refused) return answer(of, *call, std::move(*refused));
  change_request change{call->verb, std::move(id), request.body};
  change.tell = [&of, call](const std::vector<change_answer>& answers) { answer_with(of, *call, answers); };
  if (of.change(std::move(change))) return;
  answer(of, *call, busy_reply("too many changes wait already"));
}

void take_compaction(serving& of, const http_request& request, bool keyed, http_exchange exchange) {
  const auto refused = keyed ? std::nullopt : refusal_of_page(request);
  if (refused) return exchange.answer(noted(of.metrics(), compact_path, *refused));
  const auto to = std::make_shared<http_exchange>(std::move(exchange));
  of.compact([&of, to](const compaction_answer& answer) { to->answer(noted(of.metrics(), compact_path, reply_to_call(answer))); });
}

}  // namespace argosy
