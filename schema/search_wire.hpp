// A search over the wire: a request of one query or many, and its reply, each one message of FlatBuffers (schema/search_wire.fbs, whose file
// identifier tells the version). Answers stand in the order of the queries, one each; `id` comes back as it was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"

namespace argosy {

enum class wire_channel : std::uint8_t { semantic, lexical, hybrid };

struct wire_query {
  std::string text;
  std::uint32_t k = 10;
  std::string filter = {};  // empty: none
  wire_channel channel = wire_channel::semantic;
  bool restricts = true, live = false;               // by names in the query; without the pair table
  bool titles = false;                               // of the results
  double semantic_weight = 1, lexical_weight = 0.1;  // of hybrid
};

struct wire_request {
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0;  // 0: the server's, which is the most
  std::vector<wire_query> queries = {};
};

struct wire_result {
  std::string id;
  float score = 0;
  std::string title;          // empty unless asked for
  std::uint8_t channels = 0;  // bit 0 semantic, bit 1 lexical
  bool within = true;         // has what the query's names ask for
};

struct wire_restriction {
  std::string text, field;
  std::vector<std::string> values;  // any of them
};

enum class wire_code : std::uint8_t {
  ok,
  invalid,      // the request; it will be refused again
  busy,         // too many wait; nothing was begun
  unavailable,  // after the deadline, or nothing of what it needs is there
  failed,       // on the server
};

struct wire_answer {
  wire_code code = wire_code::ok;
  std::string error = {};  // what was wanted and found; empty when ok
  std::uint64_t generation = 0;
  bool from_pairs = false;
  std::vector<wire_result> results = {};  // best first
  std::vector<wire_restriction> restricted = {};
  std::uint64_t scored_by = 0;                    // the model: scores of different ones say nothing of each other
  std::uint32_t shards = 0, shards_answered = 0;  // of a router; fewer answered: the results are those of a part of the products
};

struct wire_reply {
  std::uint64_t id = 0;
  std::vector<wire_answer> answers = {};
};

using wire_bytes = std::vector<std::byte>;

inline constexpr std::size_t most_wire_queries = 256;  // of a request (ours)

wire_bytes encode(const wire_request&);
wire_bytes encode(const wire_reply&);
// corrupt for what is no such message, a channel or a code that there is not, and texts that several places share: what is read is never
// longer than the message. invalid_argument for a request of no or of more queries.
result<wire_request> decode_request(std::span<const std::byte>);
result<wire_reply> decode_reply(std::span<const std::byte>);

}  // namespace argosy
