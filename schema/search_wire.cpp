#include "schema/search_wire.hpp"

#include <algorithm>

#include "schema/search_wire_generated.h"

namespace argosy {
namespace {

using builder = flatbuffers::FlatBufferBuilder;
using text_at = flatbuffers::Offset<flatbuffers::String>;

constexpr auto last_channel = static_cast<std::uint8_t>(wire_channel::hybrid);
constexpr auto last_code = static_cast<std::uint8_t>(wire_code::failed);

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }
text_at text_in(builder& to, const std::string& text) { return text.empty() ? text_at() : to.CreateString(text); }

// `one` makes the offset of an element.
template <class Elements, class One>
auto list_of(builder& to, const Elements& elements, One&& one) {
  std::vector<decltype(one(elements.front()))> offsets;
  offsets.reserve(elements.size());
  for (const auto& element : elements) offsets.push_back(one(element));
  return to.CreateVector(offsets);
}

template <class Body>
wire_bytes finished(builder& to, schema::wire_body kind, flatbuffers::Offset<Body> body) {
  to.Finish(schema::Createwire_message(to, kind, body.Union()), schema::wire_messageIdentifier());
  const auto* bytes = reinterpret_cast<const std::byte*>(to.GetBufferPointer());
  return {bytes, bytes + to.GetSize()};
}

result<const schema::wire_message*> verified(std::span<const std::byte> bytes, std::string_view wanted) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size(), 64, static_cast<flatbuffers::uoffset_t>(bytes.size()));
  if (bytes.size() >= 8 && schema::Verifywire_messageBuffer(verifier)) return schema::Getwire_message(data);
  return status(errc::corrupt, "want " + std::string(wanted) + " (FlatBuffers, identifier " + schema::wire_messageIdentifier() +
                                   "), found " + std::to_string(bytes.size()) + " other bytes");
}

// Of what is copied out of a message. Texts may lie in it once and be pointed at a million times.
class copied_bytes {
public:
  explicit copied_bytes(std::size_t most) : left_(most) {}
  // False once it is more than the message has.
  template <class... Texts>
  bool take(const Texts*... texts) {
    const std::size_t bytes = (sizeof(std::uint32_t) + ... + (texts == nullptr ? 0 : texts->size()));
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

private:
  std::size_t left_;
};

status shared_texts(std::string_view what) { return {errc::corrupt, "want " + std::string(what) + " whose parts lie in it once each"}; }

bool take_all(copied_bytes& bytes, const schema::wire_answer& from) {
  if (!bytes.take(from.error())) return false;
  if (from.results() != nullptr) {
    for (const auto* one : *from.results())
      if (!bytes.take(one->id(), one->title())) return false;
  }
  if (from.restricted() == nullptr) return true;
  for (const auto* one : *from.restricted()) {
    if (!bytes.take(one->text(), one->field())) return false;
    if (one->values() == nullptr) continue;
    for (const auto* value : *one->values())
      if (!bytes.take(value)) return false;
  }
  return true;
}

wire_answer read(const schema::wire_answer& from) {
  wire_answer answer{static_cast<wire_code>(from.code()),
                     text_of(from.error()),
                     from.generation(),
                     from.from_pairs(),
                     {},
                     {},
                     from.scored_by(),
                     from.shards(),
                     from.shards_answered()};
  if (from.results() != nullptr) {
    answer.results.reserve(from.results()->size());
    for (const auto* one : *from.results())
      answer.results.push_back({text_of(one->id()), one->score(), text_of(one->title()), one->channels(), one->within()});
  }
  if (from.restricted() != nullptr) {
    for (const auto* one : *from.restricted()) {
      answer.restricted.push_back({text_of(one->text()), text_of(one->field()), {}});
      if (one->values() == nullptr) continue;
      for (const auto* value : *one->values()) answer.restricted.back().values.push_back(text_of(value));
    }
  }
  return answer;
}

flatbuffers::Offset<schema::wire_answer> write(builder& to, const wire_answer& answer) {
  const auto results = list_of(to, answer.results, [&](const wire_result& one) {
    const text_at id = to.CreateString(one.id), title = text_in(to, one.title);
    return schema::Createwire_result(to, id, one.score, title, one.channels, one.within);
  });
  const auto restricted = list_of(to, answer.restricted, [&](const wire_restriction& one) {
    const auto values = list_of(to, one.values, [&](const std::string& value) { return to.CreateString(value); });
    const text_at text = to.CreateString(one.text), field = to.CreateString(one.field);
    return schema::Createwire_restriction(to, text, field, values);
  });
  const text_at error = text_in(to, answer.error);
  return schema::Createwire_answer(to, static_cast<std::uint8_t>(answer.code), error, answer.generation, answer.from_pairs, results,
                                   restricted, answer.scored_by, answer.shards, answer.shards_answered);
}

}  // namespace

wire_bytes encode(const wire_request& request) {
  builder to;
  const auto queries = list_of(to, request.queries, [&](const wire_query& one) {
    const text_at text = to.CreateString(one.text), filter = text_in(to, one.filter);
    return schema::Createwire_query(to, text, one.k, filter, static_cast<std::uint8_t>(one.channel), one.restricts, one.live, one.titles,
                                    one.semantic_weight, one.lexical_weight);
  });
  return finished(to, schema::wire_body::wire_request, schema::Createwire_request(to, request.id, request.deadline_ms, queries));
}

wire_bytes encode(const wire_reply& reply) {
  builder to(4096);
  const auto answers = list_of(to, reply.answers, [&](const wire_answer& one) { return write(to, one); });
  return finished(to, schema::wire_body::wire_reply, schema::Createwire_reply(to, reply.id, answers));
}

result<wire_request> decode_request(std::span<const std::byte> bytes) {
  ARGOSY_ASSIGN(const auto* message, verified(bytes, "a request"));
  const auto* from = message->body_as_wire_request();
  if (from == nullptr) return status(errc::corrupt, "want a request, found a reply");
  const std::size_t queries = from->queries()->size();
  if (queries == 0 || queries > most_wire_queries)
    return status(errc::invalid_argument, "queries: want 1 to " + std::to_string(most_wire_queries) + ", got " + std::to_string(queries));
  wire_request request{from->id(), from->deadline_ms(), {}};
  request.queries.reserve(queries);
  copied_bytes copied(bytes.size());
  for (const auto* one : *from->queries()) {
    if (!copied.take(one->text(), one->filter())) return shared_texts("a request");
    if (one->channel() > last_channel)
      return status(errc::corrupt, "channel: want 0 to " + std::to_string(last_channel) + ", found " + std::to_string(one->channel()));
    request.queries.push_back({text_of(one->text()), one->k(), text_of(one->filter()), static_cast<wire_channel>(one->channel()),
                               one->restricts(), one->live(), one->titles(), one->semantic_weight(), one->lexical_weight()});
  }
  return request;
}

result<wire_reply> decode_reply(std::span<const std::byte> bytes) {
  ARGOSY_ASSIGN(const auto* message, verified(bytes, "a reply"));
  const auto* from = message->body_as_wire_reply();
  if (from == nullptr) return status(errc::corrupt, "want a reply, found a request");
  wire_reply reply{from->id(), {}};
  reply.answers.reserve(from->answers()->size());
  copied_bytes copied(bytes.size());
  for (const auto* one : *from->answers()) {
    if (one->code() > last_code)
      return status(errc::corrupt, "code: want 0 to " + std::to_string(last_code) + ", found " + std::to_string(one->code()));
    if (!take_all(copied, *one)) return shared_texts("a reply");
    reply.answers.push_back(read(*one));
  }
  return reply;
}

}  // namespace argosy
