#include "client/argosy_client.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/status.hpp"
#include "net/search_client.hpp"

namespace argosy {

struct client_connection {
  std::string endpoint;
  search_client to;
  std::chrono::milliseconds deadline;
};

namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr milliseconds longest_deadline = std::chrono::hours(1);
constexpr std::size_t most_results_together = 20'000;  // of a request; the server's own limit (actors/serving.hpp)
constexpr std::size_t most_bytes = 900'000;            // of a message's texts; the server takes messages of 1 MiB (net/message_server.hpp)
constexpr std::size_t bytes_beside_texts = 100;        // of a query

static_assert(ARGOSY_INVALID_ARGUMENT == static_cast<int>(errc::invalid_argument) && ARGOSY_CORRUPT == static_cast<int>(errc::corrupt) &&
              ARGOSY_UNAVAILABLE == static_cast<int>(errc::unavailable) && ARGOSY_INTERNAL == static_cast<int>(errc::internal));

void check(const status& end) {
  if (!end.ok()) throw error(static_cast<argosy_code>(end.code()), end.message());
}

template <class T>
T value_of(result<T> from) {
  check(from.failure());
  return std::move(from).value();
}

status check_deadline(milliseconds deadline) {
  if (deadline >= milliseconds(1) && deadline <= longest_deadline) return {};
  return {errc::invalid_argument,
          "deadline: want 1 to " + std::to_string(longest_deadline.count()) + " milliseconds, found " + std::to_string(deadline.count())};
}

result<curve_client_keys> keys_of(const client_options& options) {
  const bool files = !options.server_key_file.empty() || !options.secret_key_file.empty();
  const bool texts = !options.server_key.empty() || !options.secret_key.empty();
  if (!files && !texts) return curve_client_keys();
  if (files && texts) return status(errc::invalid_argument, "keys: want files or texts, found both");
  if (files && (options.server_key_file.empty() || options.secret_key_file.empty()))
    return status(errc::invalid_argument, "server_key_file and secret_key_file: want both, found one");
  if (texts && (options.server_key.empty() || options.secret_key.empty()))
    return status(errc::invalid_argument, "server_key and secret_key: want both, found one");
  return files ? read_curve_client({options.server_key_file, options.secret_key_file})
               : curve_client_of(options.server_key, options.secret_key);
}

result<client_connection> connected(const std::string& endpoint, const client_options& options) {
  ARGOSY_TRY(check_deadline(options.deadline));
  if (endpoint.find('\0') != std::string::npos)
    return status(errc::invalid_argument, "endpoint: want a text without a NUL in it, found one with");
  ARGOSY_ASSIGN(const curve_client_keys keys, keys_of(options));
  ARGOSY_ASSIGN(search_client to, search_client::connect_with(keys, endpoint));
  return client_connection{endpoint, std::move(to), options.deadline};
}

result<wire_channel> channel_of(const std::string& name) {
  if (name == "semantic") return wire_channel::semantic;
  if (name == "lexical") return wire_channel::lexical;
  if (name == "hybrid") return wire_channel::hybrid;
  return status(errc::invalid_argument, "channel: want semantic, lexical or hybrid, found " + name);
}

// All of a query but its text.
result<wire_query> query_of(const query_options& how) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (how.k == 0 || how.k > most)
    return status(errc::invalid_argument, "k: want 1 to " + std::to_string(most) + ", found " + std::to_string(how.k));
  wire_query query;
  query.k = static_cast<std::uint32_t>(how.k);
  query.filter = how.filter;
  ARGOSY_ASSIGN(query.channel, channel_of(how.channel));
  query.restricts = how.restricts;
  query.live = how.live;
  query.titles = true;
  return query;
}

argosy_code code_of(wire_code code) {
  switch (code) {
    case wire_code::ok: return ARGOSY_OK;
    case wire_code::invalid: return ARGOSY_INVALID_ARGUMENT;
    case wire_code::busy: return ARGOSY_BUSY;
    case wire_code::unavailable: return ARGOSY_UNAVAILABLE;
    case wire_code::failed: break;
  }
  return ARGOSY_FAILED;
}

std::string refusal_of(const wire_answer& from) {
  if (from.code == wire_code::ok) return {};
  return from.error.empty() ? "the server refused the query and did not say why" : from.error;
}

found found_of(wire_result from) {
  const bool semantic = (from.channels & ARGOSY_SEMANTIC) != 0, lexical = (from.channels & ARGOSY_LEXICAL) != 0;
  return {std::move(from.id), std::move(from.title), from.score, semantic, lexical, from.within};
}

answer answer_of(wire_answer from) {
  answer made;
  made.refusal = refusal_of(from);
  made.refusal_code = code_of(from.code);
  made.source = from.from_pairs ? "pair table" : "index";
  made.generation = from.generation;
  made.shards = from.shards;
  made.shards_answered = from.shards_answered;
  for (wire_result& one : from.results) made.results.push_back(found_of(std::move(one)));
  for (wire_restriction& one : from.restricted)
    made.restricted.push_back({std::move(one.text), std::move(one.field), std::move(one.values)});
  return made;
}

// Of a request of so many queries. One answer to id 0 refuses a request as a whole.
std::vector<wire_answer> answers_of(wire_reply reply, std::size_t queries) {
  if (reply.id == 0 && reply.answers.size() == 1 && reply.answers[0].code != wire_code::ok)
    throw error(code_of(reply.answers[0].code), refusal_of(reply.answers[0]));
  if (reply.answers.size() != queries)
    throw error(ARGOSY_CORRUPT,
                "reply: want an answer for each of " + std::to_string(queries) + " queries, found " + std::to_string(reply.answers.size()));
  return std::move(reply.answers);
}

client_connection& open(const std::unique_ptr<client_connection>& connection) {
  if (!connection) throw error(ARGOSY_INVALID_ARGUMENT, "client: want one that is connected, found one that was moved from");
  return *connection;
}

// The answers to one request, at most until `end`.
std::vector<wire_answer> ask(client_connection& connection, std::vector<wire_query> queries, clock::time_point end) {
  const auto left = std::max(std::chrono::ceil<milliseconds>(end - clock::now()), milliseconds(1));
  const std::size_t count = queries.size();
  const auto deadline_ms = static_cast<std::uint32_t>(left.count());
  auto reply = connection.to.search({.deadline_ms = deadline_ms, .queries = std::move(queries)}, left);
  check(reply.failure().within(connection.endpoint));
  return answers_of(std::move(reply).value(), count);
}

}  // namespace

client::client(const std::string& endpoint, const client_options& options)
    : connection_(std::make_unique<client_connection>(value_of(connected(endpoint, options)))) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

answer client::search(const std::string& query, const query_options& how, milliseconds deadline) {
  answer found = search_many({query}, how, deadline).front();
  if (found.refusal_code != ARGOSY_OK) throw error(found.refusal_code, found.refusal);
  return found;
}

std::vector<answer> client::search_many(const std::vector<std::string>& queries, const query_options& how, milliseconds deadline) {
  client_connection& connection = open(connection_);
  if (deadline == milliseconds(0)) deadline = connection.deadline;
  check(check_deadline(deadline));
  const auto end = clock::now() + deadline;
  wire_query query = value_of(query_of(how));
  // A server of shards asks them for both lists of a hybrid query, each of a hundred or more.
  const bool hybrid = query.channel == wire_channel::hybrid;
  const std::size_t results = hybrid ? 2 * std::max<std::size_t>(how.k, 100) : how.k;
  const std::size_t together =
      std::clamp<std::size_t>(most_results_together / results, 1, hybrid ? most_wire_queries / 2 : most_wire_queries);
  std::vector<answer> answers;
  for (std::size_t from = 0; from < queries.size();) {
    std::vector<wire_query> part;
    for (std::size_t bytes = 0; from < queries.size() && part.size() < together; ++from) {
      bytes += queries[from].size() + how.filter.size() + bytes_beside_texts;
      if (bytes > most_bytes && !part.empty()) break;
      if (bytes > most_bytes)
        throw error(ARGOSY_INVALID_ARGUMENT,
                    "query: want at most " + std::to_string(most_bytes) + " bytes with its filter, found " + std::to_string(bytes));
      part.push_back(query);
      part.back().text = queries[from];
    }
    for (wire_answer& one : ask(connection, std::move(part), end)) answers.push_back(answer_of(std::move(one)));
  }
  return answers;
}

}  // namespace argosy
