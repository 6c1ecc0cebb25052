#include "actors/message_endpoint.hpp"

#include <atomic>
#include <cmath>
#include <string>
#include <utility>

#include "actors/error.hpp"
#include "search/answer_json.hpp"

namespace argosy {
namespace {

wire_answer refusal(wire_code code, std::string why) {
  wire_answer answer;
  answer.code = code;
  answer.error = std::move(why);
  return answer;
}

}  // namespace

wire_answer refusal_of(const status& why) {
  switch (why.code()) {
    case errc::invalid_argument:
    case errc::out_of_range: return refusal(wire_code::invalid, why.message());
    case errc::unavailable: return refusal(wire_code::unavailable, why.message());
    default: return refusal(wire_code::failed, why.message());
  }
}

namespace {

status check_length(std::string_view field, std::size_t length, std::size_t least, std::size_t most) {
  if (length >= least && length <= most) return {};
  return {errc::invalid_argument,
          std::string(field) + ": want " + std::to_string(least) + " to " + std::to_string(most) + " bytes, got " + std::to_string(length)};
}

status check_weight(std::string_view field, double weight) {
  if (std::isfinite(weight) && weight >= 0) return {};
  return {errc::invalid_argument, std::string(field) + ": want a number of at least 0, got " + std::to_string(weight)};
}

result<question> question_of(wire_query query) {
  ARGOSY_TRY(check_length("text", query.text.size(), 1, longest_query));
  ARGOSY_TRY(check_length("filter", query.filter.size(), 0, longest_filter));
  ARGOSY_TRY(check_weight("semantic_weight", query.semantic_weight));
  ARGOSY_TRY(check_weight("lexical_weight", query.lexical_weight));
  if (query.k < 1 || query.k > most_results)
    return status(errc::invalid_argument, "k: want 1 to " + std::to_string(most_results) + ", got " + std::to_string(query.k));
  question asked;
  asked.query = std::move(query.text);
  asked.request.k = query.k;
  asked.request.filter = std::move(query.filter);
  asked.request.channel = static_cast<search_channel>(query.channel);
  asked.request.restricts = query.restricts;
  asked.request.semantic_weight = query.semantic_weight;
  asked.request.lexical_weight = query.lexical_weight;
  asked.live = query.live;
  return asked;
}

wire_answer answer_of(const answered_question& from, bool titles) {
  const live_generation& products = from.from->live();
  wire_answer answer{.generation = from.from->current().number(), .from_pairs = from.found.from_pairs, .scored_by = from.from->model_sum()};
  answer.results.reserve(from.found.products.size());
  for (const found_product& one : from.found.products) {
    const product_facts facts = products.facts(one.row);
    answer.results.push_back({std::string(facts.id), static_cast<float>(one.score), titles ? std::string(facts.title) : std::string(),
                              static_cast<std::uint8_t>(one.channels), one.within});
  }
  for (const restriction& one : from.found.restricted) answer.restricted.push_back({one.text, one.field, one.values});
  return answer;
}

}  // namespace

// A request until the last of its queries is answered; each has its place in the reply.
struct message_endpoint::call {
  call(reply_taker taker, std::uint64_t id, std::size_t queries, steady_time now)
      : to(std::move(taker)), reply{id, std::vector<wire_answer>(queries)}, left(queries), start(now) {}
  reply_taker to;
  wire_reply reply;
  std::atomic<std::size_t> left;
  const steady_time start;
};

void message_endpoint::told(const std::shared_ptr<call>& of, std::size_t place, wire_answer answer) {
  of_->metrics().count_message(answer.code);
  of->reply.answers[place] = std::move(answer);
  if (--of->left != 0) return;
  auto bytes = guarded([&]() -> result<wire_bytes> { return encode(of->reply); });
  if (!bytes.ok()) bytes = encode(wire_reply{of->reply.id, {refusal(wire_code::failed, bytes.failure().message())}});
  of->to(std::move(*bytes));
}

status check_together(const wire_request& request) {
  std::uint64_t together = 0;
  for (const wire_query& one : request.queries) together += one.k;
  if (request.queries.size() == 1 || together <= most_results_together) return {};
  return {errc::invalid_argument,
          "k: want " + std::to_string(most_results_together) + " at most of all queries together, got " + std::to_string(together)};
}

void message_endpoint::take(std::span<const std::byte> bytes, reply_taker to) {
  auto request = decode_request(bytes);
  if (const status wrong = request.ok() ? check_together(*request) : status(); !wrong.ok()) request = wrong;
  if (!request.ok()) {
    of_->metrics().count_message(wire_code::invalid);
    return to(encode(wire_reply{0, {refusal(wire_code::invalid, request.failure().message())}}));
  }
  const std::size_t queries = request->queries.size();
  const auto all = std::make_shared<call>(std::move(to), request->id, queries, of_->clock().now());
  for (std::size_t place = 0; place < queries; ++place) {
    const bool titles = request->queries[place].titles;
    logged_query logged;
    if (of_->slow().wanted())
      logged = {std::to_string(request->id), request->queries[place].text, request->queries[place].filter, request->queries[place].k};
    auto asked = question_of(std::move(request->queries[place]));
    if (!asked.ok()) {
      told(all, place, refusal_of(asked.failure()));
      continue;
    }
    if (request->deadline_ms > 0) asked->patience = std::chrono::milliseconds(request->deadline_ms);
    asked->tell = [self = shared_from_this(), all, place, titles, logged = std::move(logged)](const result<answered_question>& found) {
      if (found.ok()) {
        const double seconds = seconds_between(all->start, self->of_->clock().now());
        self->of_->metrics().count_answer(found.value().found.from_pairs, seconds);
        self->of_->slow().note(logged, source_of(found.value().found.from_pairs), seconds);
      }
      const auto answer = guarded([&]() -> result<wire_answer> {
        if (!found.ok()) return refusal_of(found.failure());
        return answer_of(found.value(), titles);
      });
      self->told(all, place, answer.ok() ? answer.value() : refusal_of(answer.failure()));
    };
    if (!of_->ask(std::move(asked).value())) told(all, place, refusal(wire_code::busy, "too many queries wait already"));
  }
}

}  // namespace argosy
