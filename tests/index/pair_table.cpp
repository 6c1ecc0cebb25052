#include "index/pair_table.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <random>

#include "index/generation.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::require_ok;
using test::scratch_folder;
using hits = std::vector<hit>;
using pairs = std::map<pair_key, hits>;

constexpr std::uint64_t products = 1000;

// `count` different rows in a random order with falling scores, some of them equal.
hits random_hits(std::mt19937_64& random, std::size_t count, std::uint64_t of = products) {
  hits made;
  float score = 1;
  for (std::size_t i = 0; i < count; ++i) {
    made.push_back({static_cast<std::uint32_t>(random() % of), score});
    if (random() % 4 != 0) score -= static_cast<float>(random() % 1000) * 1e-5F;
  }
  return made;
}

pairs random_pairs(std::size_t count, std::size_t k, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  pairs made;
  while (made.size() < count) made[{static_cast<std::uint32_t>(random()), random()}] = random_hits(random, k);
  return made;
}

status write_shard(const fs::path& folder, const pairs& all, pair_shard shard, const pair_subject& subject) {
  ARGOSY_ASSIGN(auto writer, pair_file_writer::create(folder / pair_file_name(shard), shard, subject));
  for (const auto& [key, answer] : all) {
    if (shard_of(key.qid, shard.of) != shard.number) continue;
    std::vector<std::byte> bytes;
    ARGOSY_TRY(encode_answer(answer, subject.products, bytes));
    ARGOSY_TRY(writer.add(key, bytes));
  }
  return writer.finish();
}

result<pair_file> table_of(const fs::path& folder, const pairs& all, std::uint64_t k = 100) {
  ARGOSY_TRY(write_shard(folder, all, {}, {products, 7, k}));
  return pair_file::open(folder / "pairs.argosy");
}

hits answer_of(const pair_file& table, pair_key key, std::size_t most = 1000) {
  hits found;
  const auto known = table.find(key, most, found);
  require_ok(known.failure());
  BOOST_TEST((*known || found.empty()));
  return found;
}

// Same rows in the same order; scores within what the head of the header says.
bool same(const hits& found, const hits& want) {
  if (found.size() != want.size()) return false;
  if (want.empty()) return true;
  const double error = (want.front().score - want.back().score) / 8190.0 + 1e-6 * (1 + std::abs(want.front().score));
  for (std::size_t i = 0; i < want.size(); ++i)
    if (found[i].row != want[i].row || std::abs(found[i].score - want[i].score) > error) return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pair_tables)

BOOST_AUTO_TEST_CASE(every_query_gets_its_answer_and_no_other_gets_one) {
  const scratch_folder scratch;
  for (const std::size_t count : {0u, 1u, 2u, 3u, 4u, 5u, 63u, 64u, 65u, 5000u}) {
    const auto all = random_pairs(count, 20);
    const auto table = table_of(scratch.path(), all);
    require_ok(table.failure());
    BOOST_TEST(table->size() == count);
    std::size_t wrong = 0;
    for (const auto& [key, want] : all) {
      wrong += same(answer_of(*table, key), want) ? 0 : 1;
      wrong += answer_of(*table, {key.qid, key.check ^ 1}).empty() ? 0 : 1;
      wrong += answer_of(*table, {key.qid ^ 0x10000, key.check}).empty() ? 0 : 1;
    }
    for (const auto& [key, ignored] : random_pairs(500, 1, 99)) wrong += answer_of(*table, key).empty() ? 0 : 1;
    for (const std::uint32_t edge : {0u, 1u, 0xFFFFFFFFu}) wrong += answer_of(*table, {edge, 5}).empty() ? 0 : 1;
    BOOST_TEST(wrong == 0u, count << " queries");
    check_ok(table->verify());
    check_ok(table->warm());
  }
}

BOOST_AUTO_TEST_CASE(queries_of_one_qid_are_told_apart_and_counted) {
  const scratch_folder scratch;
  std::mt19937_64 random(3);
  pairs all;
  // Many on one qid, more than a bucket holds, at both ends of the range and in the middle.
  for (const std::uint32_t qid : {0u, 1u, 0x80000000u, 0xFFFFFFFFu})
    for (std::uint64_t check = 0; check < 50; ++check) all[{qid, check << 57 | check}] = random_hits(random, 5);
  const auto table = table_of(scratch.path(), all);
  require_ok(table.failure());
  BOOST_TEST(table->collisions() == 4u * 49u);
  for (const auto& [key, want] : all) {
    BOOST_TEST(same(answer_of(*table, key), want));
    BOOST_TEST(answer_of(*table, {key.qid, key.check + 1000}).empty());
  }
  BOOST_TEST(answer_of(*table, {2, 0}).empty());
}

BOOST_AUTO_TEST_CASE(answers_of_every_length_keep_order_and_scores) {
  const scratch_folder scratch;
  std::mt19937_64 random(5);
  pairs all;
  std::uint32_t qid = 0;
  for (const std::size_t k : {0u, 1u, 2u, 7u, 8u, 9u, 99u, 100u, 1000u}) all[{qid += 1000, 1}] = random_hits(random, k);
  all[{1, 1}] = {{5, -1e30F}, {4, -1e30F}};
  all[{2, 1}] = {{5, 3e38F}, {4, -3e38F}};
  all[{3, 1}] = {{5, 1}, {4, 0.5F}, {999, 0.25F}, {0, -8}};
  const auto table = table_of(scratch.path(), all, 1000);
  require_ok(table.failure());
  for (const auto& [key, want] : all) {
    const hits found = answer_of(*table, key);
    BOOST_REQUIRE(found.size() == want.size());
    const double range = want.empty() ? 0 : static_cast<double>(want.front().score) - want.back().score;
    for (std::size_t i = 0; i < want.size(); ++i) {
      BOOST_TEST(found[i].row == want[i].row);
      BOOST_TEST(std::abs(static_cast<double>(found[i].score) - want[i].score) <= range / 8190 + 1e-6 * std::abs(want.front().score));
      if (i > 0) BOOST_TEST(found[i].score <= found[i - 1].score);
    }
    for (const std::size_t most : {0u, 1u, 10u}) {
      const hits first = answer_of(*table, key, most);
      BOOST_TEST((first == hits(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(std::min(most, found.size())))));
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_of_every_width_come_back) {
  const scratch_folder scratch;
  std::mt19937_64 random(6);
  for (const std::uint64_t of : {1ull, 2ull, 3ull, 4ull, 5ull, 255ull, 256ull, 257ull, 65536ull, 65537ull, 1ull << 31, 1ull << 32}) {
    hits want = random_hits(random, 50, of);
    want[7].row = static_cast<std::uint32_t>(of - 1);
    const pairs all = {{{9, 9}, want}};
    check_ok(write_shard(scratch.path(), all, {}, {of, 7, 100}));
    const auto table = pair_file::open(scratch / "pairs.argosy");
    require_ok(table.failure());
    BOOST_TEST(same(answer_of(*table, {9, 9}), want), of << " products");
  }
}

BOOST_AUTO_TEST_CASE(a_hundred_hits_take_less_than_half_of_their_plain_bytes) {
  const scratch_folder scratch;
  std::mt19937_64 random(8);
  pairs all;
  while (all.size() < 2000) all[{static_cast<std::uint32_t>(random()), random()}] = random_hits(random, 100, 40'000);
  check_ok(write_shard(scratch.path(), all, {}, {40'000, 7, 100}));
  const auto bytes = fs::file_size(scratch / "pairs.argosy") / all.size();
  BOOST_TEST(bytes < 400u);
  BOOST_TEST_MESSAGE(bytes << " bytes a query of 100 hits among 40,000 products");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_kept_is_refused) {
  const scratch_folder scratch;
  std::vector<std::byte> bytes;
  const hits rising = {{1, 0.5F}, {2, 0.75F}}, unknown = {{1, 1}, {10, 0.5F}}, endless = {{1, INFINITY}};
  check_refused(encode_answer(rising, 10, bytes), errc::invalid_argument, {"hit 1", "no better"});
  check_refused(encode_answer(unknown, 10, bytes), errc::invalid_argument, {"hit 1", "below 10", "got 10"});
  check_refused(encode_answer(endless, 10, bytes), errc::invalid_argument, {"hit 0", "finite"});
  check_refused(encode_answer(hits(70'000), 10, bytes), errc::invalid_argument, {"65535"});
  BOOST_TEST(bytes.empty());

  check_ok(encode_answer(hits{{1, 1}}, 10, bytes));
  check_refused(pair_file_writer::create(scratch / "x", {4, 4}, {}).failure(), errc::invalid_argument, {"shard", "got 4"});
  auto writer = pair_file_writer::create(scratch / "x", {1, 2}, {10, 7, 1});
  require_ok(writer.failure());
  check_refused(writer->add({5, 5}, bytes), errc::invalid_argument, {"qid 5", "another shard"});
  check_ok(writer->add({0x80000000u, 5}, bytes));
  check_refused(writer->add({0x80000000u, 5}, bytes), errc::invalid_argument, {"rise"});
  check_refused(writer->add({0x80000000u, 6}, {}), errc::invalid_argument, {"bytes of an answer"});
  BOOST_TEST(!fs::exists(scratch / "x"));
}

BOOST_AUTO_TEST_CASE(shards_answer_as_one_table) {
  const scratch_folder scratch;
  BOOST_TEST(test::publish_three(scratch.path()).ok());
  const auto base = generation::open_current(scratch.path());
  pairs all = random_pairs(3000, 3);
  for (auto& [key, answer] : all)
    for (auto& one : answer) one.row %= 3;
  BOOST_TEST(pair_table::open(*base)->empty());
  for (const std::uint32_t of : {1u, 3u, 8u}) {
    require_ok(test::make_current_again(scratch.path(), *base));
    auto writer = generation_writer::create_from(scratch.path(), *base);
    require_ok(writer.failure());
    for (std::uint32_t s = 0; s < of; ++s) check_ok(write_shard(writer->path(), all, {s, of}, subject_of(*base, 3)));
    check_ok(writer->publish());
    const auto now = generation::open_current(scratch.path());
    const auto table = pair_table::open(*now);
    require_ok(table.failure());
    BOOST_TEST(table->size() == all.size());
    BOOST_TEST(table->k() == 3u);
    std::size_t wrong = 0;
    hits found;
    for (const auto& [key, want] : all) wrong += table->find(key, 10, found).value() && same(found, want) ? 0 : 1;
    BOOST_TEST(wrong == 0u);
    BOOST_TEST(!table->find({12345, 678}, 10, found).value());
  }
}

BOOST_AUTO_TEST_CASE(a_table_of_other_products_or_of_missing_shards_is_refused) {
  const scratch_folder scratch;
  BOOST_TEST(test::publish_three(scratch.path()).ok());
  const auto base = generation::open_current(scratch.path());
  const auto open_with = [&](const std::vector<pair_shard>& shards, const pair_subject& subject) {
    require_ok(test::make_current_again(scratch.path(), *base));
    auto writer = generation_writer::create_from(scratch.path(), *base);
    for (const auto shard : shards) check_ok(write_shard(writer->path(), {}, shard, subject));
    check_ok(writer->publish());
    return pair_table::open(generation::open_current(scratch.path()).value()).failure();
  };
  const auto here = subject_of(*base, 3);
  check_ok(open_with({{0, 2}, {1, 2}}, here));
  check_refused(open_with({{0, 1}}, {here.products, here.products_xxh3 + 1, 3}), errc::corrupt, {"pairs.argosy", "other products"});
  check_refused(open_with({{0, 1}}, {here.products + 1, here.products_xxh3, 3}), errc::corrupt, {"other products"});
  check_refused(open_with({{0, 3}, {2, 3}}, here), errc::corrupt, {"want shard 0 of 2", "pairs-0-3"});
  check_refused(open_with({{0, 1}, {1, 2}}, here), errc::corrupt, {"want shard 0 of 2", "pairs.argosy"});
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_and_every_cut_is_found) {
  const scratch_folder scratch(test::memory_parent());
  const auto all = random_pairs(20, 5);
  require_ok(table_of(scratch.path(), all).failure());
  const auto path = scratch / "pairs.argosy";
  const auto verifies = [&] {
    const auto opened = pair_file::open(path);
    return opened.ok() && opened->verify().ok();
  };
  BOOST_TEST(test::unnoticed_flips(path, verifies) == 0u);
  BOOST_TEST(test::unnoticed_cuts(path, [&] { return pair_file::open(path).ok(); }) == 0u);
  // A look-up sees damage in the block that it touches.
  std::string bytes = test::bytes_of_file(path);
  bytes[80] = static_cast<char>(bytes[80] ^ 1);
  test::write_bytes(path, bytes);
  const auto opened = pair_file::open(path);
  hits found;
  check_refused(opened->find(all.begin()->first, 10, found).failure(), errc::corrupt, {"answer", "block 0"});
  BOOST_TEST(found.empty());
}

// Checksums are right and the content lies: a look-up must end, and read nothing outside.
BOOST_AUTO_TEST_CASE(files_that_lie_are_refused_or_answer_nothing) {
  const scratch_folder scratch;
  const auto path = scratch / "pairs.argosy";
  const auto write = [&](std::vector<std::uint64_t> facts, std::vector<std::uint64_t> slots, std::vector<std::byte> answers,
                         std::uint32_t version = 1) {
    auto file = container_writer::create(path, {"pair-table", version});
    check_ok(file->add("answer", std::span<const std::byte>(answers)));
    check_ok(file->add("slot", std::span<const std::uint64_t>(slots)));
    check_ok(file->add("facts", std::span<const std::uint64_t>(facts)));
    check_ok(file->finish());
    return pair_file::open(path);
  };
  const std::vector<std::byte> nothing(32);
  std::vector<std::uint64_t> slots(8);
  check_ok(write({0, 0, 1, 0, 1, 10, 3, 7}, slots, nothing).failure());
  check_refused(write({0, 0, 1, 0, 1, 10, 3}, slots, nothing).failure(), errc::corrupt, {"facts", "found 7"});
  check_refused(write({0, 0, 2, 0, 1, 10, 3, 7}, slots, nothing).failure(), errc::corrupt, {"slot and answer"});
  check_refused(write({9, 0, 1, 0, 1, 10, 3, 7}, slots, nothing).failure(), errc::corrupt, {"slot and answer"});
  check_refused(write({0, 0, 1, 0, 1, 10, 3, 7}, {1, 2}, nothing).failure(), errc::corrupt, {"slot and answer"});
  check_refused(write({0, 0, 1, 0, 1, 10, 3, 7}, slots, std::vector<std::byte>(3)).failure(), errc::corrupt, {"slot and answer"});
  check_refused(write({0, 0, 1, 1, 1, 10, 3, 7}, slots, nothing).failure(), errc::corrupt, {"shard 1 of 1"});
  check_refused(write({0, 0, 1, 0, 0, 10, 3, 7}, slots, nothing).failure(), errc::corrupt, {"shard 0 of 0"});
  check_refused(write({0, 0, 1, 0, 1, 1ull << 40, 3, 7}, slots, nothing).failure(), errc::corrupt, {"facts"});
  check_refused(write({0, 0, 1, 0, 1, 10, 3, 7}, slots, nothing, 2).failure(), errc::version_mismatch, {"want 1", "found 2"});

  const auto find_first = [&](std::uint32_t place_plus_1, std::vector<std::byte> answers) {
    const auto file = write({1, 0, 1, 0, 1, 10, 3, 7}, {77, 5 | std::uint64_t{place_plus_1} << 32, 0, 0, 0, 0, 0, 0}, std::move(answers));
    require_ok(file.failure());
    hits found;
    const auto known = file->find({5, 77}, 10, found);
    BOOST_TEST(found.empty());
    return known.failure();
  };
  check_ok(find_first(1, nothing));
  check_refused(find_first(0xFFFFFFFF, nothing), errc::corrupt, {"behind the end"});
  check_refused(find_first(4, nothing), errc::corrupt, {"no answer begins at byte 24"});
  const auto head = [](int count, int score_bits, int row) {
    std::vector<std::byte> bytes(32);
    bytes[0] = static_cast<std::byte>(count), bytes[2] = static_cast<std::byte>(score_bits), bytes[12] = static_cast<std::byte>(row);
    return bytes;
  };
  check_refused(find_first(1, head(255, 3, 0)), errc::corrupt, {"no answer"});
  check_refused(find_first(1, head(2, 60, 0)), errc::corrupt, {"no answer"});
  check_refused(find_first(1, head(1, 0, 15)), errc::corrupt, {"no answer"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
