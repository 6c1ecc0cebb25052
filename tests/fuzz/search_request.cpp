// Requests of the ZeroMQ endpoint: what decodes, encodes to a message of the same meaning, and is no longer than what came.
#include "schema/search_wire.hpp"
#include "tests/fuzz/target.hpp"

namespace argosy::fuzz {
namespace {

void take(std::span<const std::byte> message) {
  const auto request = decode_request(message);
  if (!request.ok()) return;
  ARGOSY_CHECK(!request->queries.empty() && request->queries.size() <= most_wire_queries);
  std::size_t texts = 0;
  for (const wire_query& one : request->queries) texts += one.text.size() + one.filter.size();
  ARGOSY_CHECK(texts <= message.size());
  const wire_bytes again = encode(*request);
  ARGOSY_CHECK(encode(required(decode_request(again))) == again);
}

std::vector<bytes> seeds() {
  wire_request many{7, 250, {}};
  for (int i = 0; i < 3; ++i)
    many.queries.push_back({"red dress", 5, "brand:Nike AND price:[10 TO 20]", wire_channel::hybrid, false, true, true, 0.5, 2});
  return {encode(wire_request{1, 0, {{"shoes"}}}), encode(many)};
}

const registered one({"search_request", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
