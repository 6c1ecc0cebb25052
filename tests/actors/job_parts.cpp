// What a job of many nodes writes and sends: greetings, the ledger, banks as bytes.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "actors/bank_bytes.hpp"
#include "actors/job_greeting.hpp"
#include "actors/job_ledger.hpp"
#include "actors/lineage.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

BOOST_AUTO_TEST_SUITE(job_parts)

BOOST_AUTO_TEST_CASE(greetings_of_other_versions_name_both) {
  const auto read = read_greeting(greeting_of({caller_wish::join, "host:1", 7}));
  BOOST_REQUIRE_MESSAGE(read.ok(), read.failure().text());
  BOOST_TEST(read->name == "host:1");
  BOOST_TEST(read->data_fingerprint == 7u);
  const auto other = read_greeting(R"({"argosy": "9.8.7", "protocol": 3, "wish": "join"})");
  BOOST_TEST((other.failure().code() == errc::version_mismatch));
  BOOST_TEST(other.failure().message().find("argosy 9.8.7 with protocol 3") != std::string::npos);
  BOOST_TEST(other.failure().message().find("with protocol 2") != std::string::npos);
  for (const char* text : {"", "no", "[]", "{}", R"({"argosy": 1})", "\xff\xfe"}) BOOST_TEST(!read_greeting(text).ok());
  const auto told = read_welcome(refusal_text({errc::invalid_argument, "want other data"}));
  BOOST_TEST((told.failure().code() == errc::invalid_argument));
  BOOST_TEST(told.failure().message() == "want other data");
  const auto facts = read_welcome(welcome_of({5, 60, 7, "[train]\n"}));
  BOOST_REQUIRE(facts.ok());
  BOOST_TEST(facts->job == 5u);
  BOOST_TEST(facts->of == 60u);
  BOOST_TEST(facts->recipe == "[train]\n");
}

BOOST_AUTO_TEST_CASE(a_ledger_is_read_back_and_is_one_coordinator_s) {
  const test::scratch_folder folder;
  const auto group = [](std::uint32_t n, const job_mark& from) {
    return job_entry{
        .kind = job_entry::what::group, .group = group_number(1, n), .mark = from, .members = {"a", "b"}, .pairs = 0, .why = {}};
  };
  std::uint64_t job = 0;
  {
    auto ledger = job_ledger::open(folder.path(), {0, 60, 7, "text"});
    BOOST_REQUIRE_MESSAGE(ledger.ok(), ledger.failure().text());
    BOOST_TEST((job_ledger::open(folder.path(), {0, 60, 7, "text"}).failure().code() == errc::unavailable));
    job = ledger->past().facts.job;
    BOOST_TEST(job != 0u);
    std::vector<job_entry> entries{
        group(1, lineage(job).at(0)),
        {.kind = job_entry::what::step, .group = group_number(1, 1), .mark = {1, 0}, .members = {}, .pairs = 16, .why = {}}};
    BOOST_TEST(ledger->write(entries).ok());
    BOOST_TEST(entries.empty());
  }
  const auto second = job_ledger::open(folder.path(), {0, 60, 7, "text"});
  BOOST_REQUIRE(second.ok());
  BOOST_TEST(second->past().term == 2u);
  BOOST_TEST(second->past().facts.job == job);
  BOOST_TEST_REQUIRE(second->past().entries.size() == 2u);
  BOOST_TEST(second->past().entries[0].members.size() == 2u);
  BOOST_TEST(second->past().entries[1].pairs == 16u);
}

BOOST_AUTO_TEST_CASE(a_ledger_with_a_byte_that_is_wrong_is_corrupt) {
  const test::scratch_folder folder;
  BOOST_REQUIRE(job_ledger::open(folder.path(), {0, 60, 7, "text"}).ok());
  std::string bytes = test::bytes_of_file(folder / ledger_name);
  bytes[90] ^= 1;
  std::ofstream(folder / ledger_name, std::ios::binary) << bytes;
  BOOST_TEST((job_ledger::open(folder.path(), {0, 60, 7, "text"}).failure().code() == errc::corrupt));
  job_past past(5);
  const job_entry from_elsewhere{.kind = job_entry::what::group, .group = 1, .mark = {3, 4}, .members = {}, .pairs = 0, .why = {}};
  BOOST_TEST((past.take(from_elsewhere).code() == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_lineage_tells_replicas_of_other_groups_apart) {
  lineage history(5);
  history.begin(1, history.at(0));
  const job_mark ten = history.at(10);
  history.begin(2, history.at(8));
  BOOST_TEST(!history.has(ten));
  BOOST_TEST(history.has(history.at(10)));
  BOOST_TEST(history.group_of(7) == 1u);
  BOOST_TEST(history.group_of(8) == 2u);
  job_mark walked = history.at(7);
  walked = after_step(walked, 1);
  BOOST_TEST((after_step(walked, 2) == history.at(9)));
}

BOOST_AUTO_TEST_CASE(banks_go_through_bytes_and_damaged_ones_are_refused) {
  memory_bank::snapshot one{.columns = 2, .embedding = {1, 2, 3, 4}, .log_p = {-1, -2}, .product = {7, 8}, .step = {1, 2}, .place = 1};
  const memory_bank::snapshot banks[] = {one, {}};
  const auto bytes = bytes_of(banks);
  const auto read = snapshots_of(bytes);
  BOOST_REQUIRE_MESSAGE(read.ok(), read.failure().text());
  BOOST_TEST_REQUIRE(read->size() == 2u);
  BOOST_TEST((*read)[0].embedding == one.embedding);
  BOOST_TEST((*read)[0].product == one.product);
  BOOST_TEST((*read)[0].place == 1);
  BOOST_TEST((*read)[1].product.empty());
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const bool between_two = cut == bytes.size() - 24;
    BOOST_TEST(snapshots_of(std::span(bytes).first(cut)).ok() == between_two);
  }
  auto huge = bytes;
  huge[7] = std::byte{0xFF};
  BOOST_TEST(!snapshots_of(huge).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
