// Replies of the ZeroMQ endpoint, as its clients read them.
#include "schema/search_wire.hpp"
#include "tests/fuzz/target.hpp"

namespace argosy::fuzz {
namespace {

std::size_t texts_of(const wire_answer& answer) {
  std::size_t all = answer.error.size();
  for (const wire_result& one : answer.results) all += one.id.size() + one.title.size();
  for (const wire_restriction& one : answer.restricted) {
    all += one.text.size() + one.field.size();
    for (const std::string& value : one.values) all += value.size();
  }
  return all;
}

void take(std::span<const std::byte> message) {
  const auto reply = decode_reply(message);
  if (!reply.ok()) return;
  std::size_t texts = 0;
  for (const wire_answer& answer : reply->answers) texts += texts_of(answer);
  ARGOSY_CHECK(texts <= message.size());
  const wire_bytes again = encode(*reply);
  ARGOSY_CHECK(encode(required(decode_reply(again))) == again);
}

std::vector<bytes> seeds() {
  wire_answer found{
      wire_code::ok, "", 3, true, {{"p1", 0.5f, "red dress", 3, true}, {"p2", -1.0f, "", 1, false}}, {{"nike", "brand", {"Nike", "NIKE"}}}};
  return {encode(wire_reply{1, {found, {wire_code::busy, "too many wait"}}}), encode(wire_reply{2, {}})};
}

const registered one({"search_reply", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
