#include "schema/search_wire.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <random>

#include "schema/search_wire_generated.h"
#include "tests/support/status.hpp"

using namespace argosy;

namespace {

wire_request asked() {
  wire_request request{.id = 7, .deadline_ms = 20};
  request.queries = {{.text = "red dress"},
                     {.text = "连衣裙",
                      .k = 3,
                      .filter = "brand:Nike",
                      .channel = wire_channel::hybrid,
                      .restricts = false,
                      .live = true,
                      .titles = true,
                      .semantic_weight = .5,
                      .lexical_weight = 2}};
  return request;
}

wire_reply answered() {
  wire_reply reply{.id = 7};
  reply.answers = {{.generation = 4,
                    .from_pairs = true,
                    .results = {{"p1", .75F, "Red dress", 1, true}, {"p2", .5F, "", 3, false}},
                    .restricted = {{"nike", "brand", {"Nike", "NIKE Golf"}}}},
                   {.code = wire_code::busy, .error = "too many"}};
  return reply;
}

// Whatever the bytes are: a message, or a failure that says what is wrong with them; of a request, its number of queries too.
void check_reads_or_refuses(const wire_bytes& bytes) {
  const auto request = decode_request(bytes);
  const auto reply = decode_reply(bytes);
  BOOST_TEST((request.ok() || request.failure().code() == errc::corrupt || request.failure().code() == errc::invalid_argument));
  BOOST_TEST((reply.ok() || reply.failure().code() == errc::corrupt));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(search_wire)

BOOST_AUTO_TEST_CASE(a_request_comes_back) {
  const auto read = decode_request(encode(asked()));
  test::require_ok(read.failure());
  BOOST_TEST(read->id == 7u);
  BOOST_TEST(read->deadline_ms == 20u);
  BOOST_REQUIRE(read->queries.size() == 2u);
  const wire_query& first = read->queries[0];
  BOOST_TEST(first.text == "red dress");
  BOOST_TEST(first.k == 10u);
  BOOST_TEST(first.filter.empty());
  BOOST_TEST((first.channel == wire_channel::semantic && first.restricts && !first.live && !first.titles));
  const wire_query& second = read->queries[1];
  BOOST_TEST(second.text == "连衣裙");
  BOOST_TEST(second.k == 3u);
  BOOST_TEST(second.filter == "brand:Nike");
  BOOST_TEST((second.channel == wire_channel::hybrid && !second.restricts && second.live && second.titles));
  BOOST_TEST(second.semantic_weight == .5);
  BOOST_TEST(second.lexical_weight == 2.);
}

BOOST_AUTO_TEST_CASE(a_reply_comes_back) {
  const auto read = decode_reply(encode(answered()));
  test::require_ok(read.failure());
  BOOST_TEST(read->id == 7u);
  BOOST_REQUIRE(read->answers.size() == 2u);
  const wire_answer& first = read->answers[0];
  BOOST_TEST((first.code == wire_code::ok && first.generation == 4u && first.from_pairs && first.error.empty()));
  BOOST_REQUIRE(first.results.size() == 2u);
  BOOST_TEST(first.results[0].id == "p1");
  BOOST_TEST(first.results[0].score == .75F);
  BOOST_TEST(first.results[0].title == "Red dress");
  BOOST_TEST((first.results[1].channels == 3 && !first.results[1].within && first.results[1].title.empty()));
  BOOST_REQUIRE(first.restricted.size() == 1u);
  BOOST_TEST(first.restricted[0].field == "brand");
  BOOST_TEST((first.restricted[0].values == std::vector<std::string>{"Nike", "NIKE Golf"}));
  BOOST_TEST((read->answers[1].code == wire_code::busy && read->answers[1].error == "too many"));
}

BOOST_AUTO_TEST_CASE(one_is_not_taken_for_the_other) {
  BOOST_TEST(decode_request(encode(answered())).failure().message() == "want a request, found a reply");
  BOOST_TEST(decode_reply(encode(asked())).failure().message() == "want a reply, found a request");
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_is_refused) {
  for (const wire_bytes& whole : {encode(asked()), encode(answered())}) {
    constexpr std::size_t padding = 8;  // at the end may be missing
    for (std::size_t length = 0; length + padding < whole.size(); ++length) {
      const wire_bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      BOOST_TEST((decode_request(cut).failure().code() == errc::corrupt));
      BOOST_TEST((decode_reply(cut).failure().code() == errc::corrupt));
    }
  }
}

BOOST_AUTO_TEST_CASE(changed_bytes_are_read_or_refused) {
  std::mt19937 random(3);
  for (const wire_bytes& whole : {encode(asked()), encode(answered())}) {
    for (int i = 0; i < 20'000; ++i) {
      wire_bytes changed = whole;
      for (unsigned c = 0; c <= random() % 3; ++c) changed[random() % changed.size()] = static_cast<std::byte>(random());
      check_reads_or_refuses(changed);
    }
  }
}

// A text of 1 MB that lies in the message once and is pointed at by every query would be copied as often.
BOOST_AUTO_TEST_CASE(texts_that_queries_share_are_refused) {
  const auto refusal_of = [](std::size_t queries) {
    flatbuffers::FlatBufferBuilder to;
    const auto query = schema::Createwire_query(to, to.CreateString(std::string(1'000'000, 'x')));
    const auto request = schema::Createwire_request(to, 1, 0, to.CreateVector(std::vector(queries, query)));
    to.Finish(schema::Createwire_message(to, schema::wire_body::wire_request, request.Union()), schema::wire_messageIdentifier());
    wire_bytes bytes(to.GetSize());
    std::memcpy(bytes.data(), to.GetBufferPointer(), bytes.size());
    return decode_request(bytes).failure().message();
  };
  BOOST_TEST(refusal_of(1).empty());
  BOOST_TEST(refusal_of(2) == "want a request whose parts lie in it once each");
  BOOST_TEST(refusal_of(100'000) == "queries: want 1 to 256, got 100000");
}

BOOST_AUTO_TEST_CASE(a_channel_that_there_is_not_is_refused) {
  flatbuffers::FlatBufferBuilder to;
  const auto query = schema::Createwire_query(to, to.CreateString("shoes"), 10, 0, 9);
  const auto request = schema::Createwire_request(to, 1, 0, to.CreateVector(&query, 1));
  to.Finish(schema::Createwire_message(to, schema::wire_body::wire_request, request.Union()), schema::wire_messageIdentifier());
  wire_bytes bytes(to.GetSize());
  std::memcpy(bytes.data(), to.GetBufferPointer(), bytes.size());
  BOOST_TEST(decode_request(bytes).failure().message() == "channel: want 0 to 2, found 9");
}

BOOST_AUTO_TEST_SUITE_END()
