// What a job of many nodes writes and sends: greetings, the ledger, banks as bytes.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "actors/bank_bytes.hpp"
#include "actors/job_greeting.hpp"
#include "actors/job_member.hpp"
#include "actors/ledger_audit.hpp"
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
  const auto other = read_greeting(R"({"argosy": "9.8.7", "protocol": 99, "wish": "join"})");
  BOOST_TEST((other.failure().code() == errc::version_mismatch));
  BOOST_TEST(other.failure().message().find("argosy 9.8.7 with protocol 99") != std::string::npos);
  BOOST_TEST(other.failure().message().find("with protocol 4") != std::string::npos);
  for (const char* text : {"", "no", "[]", "{}", R"({"argosy": 1})", "\xff\xfe"}) BOOST_TEST(!read_greeting(text).ok());
  const auto told = read_welcome(refusal_text({errc::invalid_argument, "want other data"}));
  BOOST_TEST((told.failure().code() == errc::invalid_argument));
  BOOST_TEST(told.failure().message() == "want other data");
  const auto facts = read_welcome(welcome_of({5, 60, 7, "[train]\n", 11}));
  BOOST_REQUIRE(facts.ok());
  BOOST_TEST(facts->job == 5u);
  BOOST_TEST(facts->of == 60u);
  BOOST_TEST(facts->recipe == "[train]\n");
  BOOST_TEST(facts->initial == 11u);
}

BOOST_AUTO_TEST_CASE(a_ledger_is_read_back_and_is_one_coordinator_s) {
  const test::scratch_folder folder;
  const auto group = [](std::uint32_t n, const job_mark& from) {
    return job_entry{
        .kind = job_entry::what::group, .group = group_number(1, n), .mark = from, .members = {"a", "b"}, .pairs = 0, .why = {}};
  };
  std::uint64_t job = 0;
  {
    auto ledger = job_ledger::open(folder.path(), {0, 60, 7, "text", 11});
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
  BOOST_TEST(second->past().facts.initial == 11u);
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

// A ledger of five steps, entry by entry.
class written_ledger {
public:
  written_ledger() { content_.facts = {7, 5, 1, "text"}; }
  written_ledger& group(std::uint64_t from) {
    return add(job_entry::what::group, {from, history_.at(from).lineage}, [&] { history_.begin(++groups_, history_.at(from)); });
  }
  written_ledger& steps(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t step = first; step < end; ++step) add(job_entry::what::step, {step + 1, 0}, [] {});
    return *this;
  }
  written_ledger& checkpoint(std::uint64_t after) {
    return add(job_entry::what::checkpoint, history_.at(after), [] {});
  }
  written_ledger& lost(std::uint64_t after) {
    return add(job_entry::what::lost, history_.at(after), [] {});
  }
  written_ledger& end(std::uint64_t after) {
    return add(job_entry::what::end, {after, 0}, [] {});
  }
  result<ledger_audit> audited() const { return audit(content_); }
  std::string refusal() const { return audited().failure().text(); }

private:
  template <class Then>
  written_ledger& add(job_entry::what kind, const job_mark& mark, Then then) {
    then();
    content_.entries.push_back({.kind = kind, .group = groups_, .mark = mark, .members = {"a"}, .pairs = 16, .why = {}});
    return *this;
  }
  ledger_content content_;
  lineage history_{7};
  group_id groups_ = 0;
};

BOOST_AUTO_TEST_CASE(an_audit_adds_up_what_a_ledger_says) {
  const auto whole = written_ledger().group(0).steps(0, 3).checkpoint(2).group(2).steps(2, 5).checkpoint(5).end(5).audited();
  BOOST_REQUIRE_MESSAGE(whole.ok(), whole.failure().text());
  BOOST_TEST(whole->past.committed == 5u);
  BOOST_TEST(whole->groups == 2u);
  BOOST_TEST(whole->taken_back == 1u);
  BOOST_TEST(whole->checkpoints == 2u);
  BOOST_TEST((whole->ended && !whole->stopped));
  const auto lost = written_ledger().group(0).steps(0, 3).checkpoint(3).lost(3).group(2).steps(2, 4).audited();
  BOOST_REQUIRE_MESSAGE(lost.ok(), lost.failure().text());
  BOOST_TEST(lost->taken_back == 1u);
  const auto stopped = written_ledger().group(0).steps(0, 3).checkpoint(3).end(3).audited();
  BOOST_TEST((stopped->stopped && !stopped->ended));
  const auto unsaved = written_ledger().group(0).steps(0, 5).checkpoint(3).end(5).audited();
  BOOST_REQUIRE_MESSAGE(unsaved.ok(), unsaved.failure().text());
  BOOST_TEST((unsaved->stopped && !unsaved->ended));
  const auto goes_on = written_ledger().group(0).steps(0, 3).checkpoint(3).end(3).group(3).steps(3, 4).audited();
  BOOST_TEST((!goes_on->stopped && !goes_on->ended));
}

BOOST_AUTO_TEST_CASE(an_audit_names_what_contradicts_what) {
  BOOST_TEST(written_ledger().group(0).steps(0, 2).steps(3, 4).refusal() == "corrupt: step 3 follows 2 steps");
  BOOST_TEST(written_ledger().group(0).steps(0, 2).steps(1, 2).refusal() == "corrupt: step 1 follows 2 steps");
  BOOST_TEST(written_ledger().group(0).steps(0, 2).group(3).refusal() == "corrupt: a group begins after 3 steps, of which 2 are committed");
  BOOST_TEST(written_ledger().group(0).steps(0, 3).checkpoint(3).group(2).refusal() ==
             "corrupt: a group begins after 2 steps, behind the checkpoint after 3 steps");
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

BOOST_AUTO_TEST_CASE(an_order_that_contradicts_itself_ends_the_node) {
  node_order order;
  order.number = 1;
  order.stage = order_stage::run;
  order.group = 5;
  order.rank = 1;
  order.size = 2;
  order.addresses = {"a", "b"};
  order.source = 0;
  order.fed = {0, 1};
  order.holders = {0, 1};
  const auto after = [](const node_order& taken) {
    job_member member(7, "host:1", std::nullopt);
    member.take(taken);
    BOOST_TEST((member.end().code() == (member.ended() ? errc::corrupt : errc::ok)));
    return member.ended() ? member.end().message() : std::string();
  };
  BOOST_TEST(after(order).empty());
  const auto with = [&](const auto& change) {
    node_order changed = order;
    change(changed);
    return after(changed);
  };
  BOOST_TEST(with([](node_order& o) { o.fed.pop_back(); }) == "an order of the coordinator: fed: want 2, got 1");
  BOOST_TEST(with([](node_order& o) { o.addresses.clear(); }) == "an order of the coordinator: addresses: want 2, got 0");
  BOOST_TEST(with([](node_order& o) { o.rank = 2; }) == "an order of the coordinator: rank: want from 0 to below 2, got 2");
  BOOST_TEST(with([](node_order& o) { o.size = 0; }) == "an order of the coordinator: size: want at least 1, got 0");
  BOOST_TEST(with([](node_order& o) { o.source = -2; }) == "an order of the coordinator: source: want from -1 to below 2, got -2");
  BOOST_TEST(with([](node_order& o) { o.holders[1] = 7; }) == "an order of the coordinator: holders: want from 0 to below 2, got 7");
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
