#include "schema/journal.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

#include "schema/product_change.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"

using namespace argosy;
namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::require_ok;
using test::scratch_folder;
using records = std::vector<std::string>;

namespace {

constexpr file_kind kind = {"test-records", 3};

result<journal> open_journal(const fs::path& path, records& found, file_kind of = kind) {
  found.clear();
  return journal::open(path, of, [&](std::uint64_t, std::span<const std::byte> bytes) {
    found.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return status{};
  });
}

status append(journal& to, const std::string& text) { return to.append(std::as_bytes(std::span(text))); }

void write_records(const fs::path& path, const records& all) {
  records before;
  auto opened = open_journal(path, before);
  require_ok(opened.failure());
  for (const auto& each : all) check_ok(append(*opened, each));
  check_ok(opened->sync());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(journals)

BOOST_AUTO_TEST_CASE(records_come_back_in_order_and_go_on) {
  const scratch_folder scratch;
  const fs::path path = scratch / "folder/journal";
  write_records(path, {"one", "", std::string(100'000, 'x')});
  write_records(path, {"four"});
  records found;
  const auto opened = open_journal(path, found);
  require_ok(opened.failure());
  BOOST_TEST(found == (records{"one", "", std::string(100'000, 'x'), "four"}), boost::test_tools::per_element());
  BOOST_TEST(opened->bytes() == fs::file_size(path));
  BOOST_TEST(opened->cut() == 0u);
}

// Cut at every length: what was whole is there, what was not is cut off, and the next record follows.
BOOST_AUTO_TEST_CASE(an_unfinished_record_is_cut_off) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  write_records(path, {"first", "second"});
  const std::string whole = test::bytes_of_file(path);
  const std::size_t first_end = 64 + 16 + 5;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    test::write_bytes(path, whole.substr(0, length));
    records found;
    {
      auto opened = open_journal(path, found);
      require_ok(opened.failure());
      BOOST_TEST(found.size() == (length < first_end ? 0u : 1u), "cut at " << length);
      check_ok(append(*opened, "third"));
    }
    require_ok(open_journal(path, found).failure());
    BOOST_TEST(found.back() == "third", "cut at " << length);
  }
}

BOOST_AUTO_TEST_CASE(zeros_at_the_end_are_no_record) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  write_records(path, {"first"});
  const std::string whole = test::bytes_of_file(path);
  for (const std::size_t zeros : {1u, 16u, 17u, 100'000u}) {
    test::write_bytes(path, whole + std::string(zeros, '\0'));
    records found;
    const auto opened = open_journal(path, found);
    require_ok(opened.failure());
    BOOST_TEST(found == records{"first"}, boost::test_tools::per_element());
    BOOST_TEST(opened->cut() == zeros);
  }
}

// A disk writes sectors: of a record over several of them the last may be zeros. Zeros within a sector, or with something behind them, are no such thing.
BOOST_AUTO_TEST_CASE(a_record_whose_last_sectors_are_zeros_is_cut_off) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  write_records(path, {"first", std::string(2'000, 'x')});
  const std::string whole = test::bytes_of_file(path);
  const auto zeros_from = [&](std::size_t at) { return whole.substr(0, at) + std::string(whole.size() - at, '\0'); };
  records found;
  for (const std::size_t sector : {512u, 1024u, 2048u}) {
    for (const std::size_t more : {0u, 5'000u}) {
      test::write_bytes(path, zeros_from(sector) + std::string(more, '\0'));
      const auto opened = open_journal(path, found);
      require_ok(opened.failure());
      BOOST_TEST(found == records{"first"}, boost::test_tools::per_element());
      BOOST_TEST(opened->cut() == whole.size() - 85 + more);
    }
  }
  test::write_bytes(path, zeros_from(2'049));
  check_refused(open_journal(path, found).failure(), errc::corrupt, {"offset 101", "xxh3"});
  test::write_bytes(path, zeros_from(1'024) + "x");
  check_refused(open_journal(path, found).failure(), errc::corrupt, {"offset 101", "xxh3"});
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_is_found) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  write_records(path, {"first", "second"});
  const std::string whole = test::bytes_of_file(path);
  records found;
  BOOST_TEST(test::unnoticed_flips(path, [&] { return open_journal(path, found).ok(); }) == 0u);
  BOOST_TEST(test::bytes_of_file(path) == whole);
}

BOOST_AUTO_TEST_CASE(other_files_and_versions_are_refused) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  write_records(path, {"first"});
  records found;
  check_refused(open_journal(path, found, {"others", 3}).failure(), errc::invalid_argument, {"others", "test-records"});
  check_refused(open_journal(path, found, {"test-records", 4}).failure(), errc::version_mismatch, {"want version 4", "found 3"});
  test::write_bytes(path, std::string(100, 'x'));
  check_refused(open_journal(path, found).failure(), errc::corrupt, {"offset 0", "magic"});
  BOOST_TEST(test::bytes_of_file(path) == std::string(100, 'x'));
  check_refused(journal::open(scratch.path(), kind, {}).failure(), errc::io_error, {});
}

BOOST_AUTO_TEST_CASE(what_takes_records_may_refuse_one) {
  const scratch_folder scratch;
  write_records(scratch / "journal", {"first", "second"});
  const auto opened = journal::open(scratch / "journal", kind, [](std::uint64_t offset, std::span<const std::byte>) {
    return offset == 64 ? status{} : status{errc::corrupt, "want something else"};
  });
  check_refused(opened.failure(), errc::corrupt, {"journal offset 85", "want something else"});
}

BOOST_AUTO_TEST_CASE(a_second_writer_is_refused_and_a_record_too_long) {
  const scratch_folder scratch;
  records found;
  auto opened = open_journal(scratch / "journal", found);
  require_ok(opened.failure());
  check_refused(open_journal(scratch / "journal", found).failure(), errc::unavailable, {"another process"});
  check_refused(opened->append(std::vector<std::byte>(longest_record + 1)), errc::out_of_range, {"67108865"});
  BOOST_TEST(opened->bytes() == 64u);
}

BOOST_AUTO_TEST_CASE(readers_need_no_lock_and_see_whole_records) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  records before, found;
  const auto take = [&](std::uint64_t, std::span<const std::byte> bytes) {
    found.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return status{};
  };
  check_refused(read_journal(path, kind, take).failure(), errc::not_found, {"journal"});
  auto opened = open_journal(path, before);
  require_ok(opened.failure());
  const std::string first = "first", second = "second";
  const auto bytes_of = [](const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  const std::vector<std::vector<std::byte>> both{bytes_of(first), bytes_of(second)};
  check_ok(opened->append_all(both));
  check_ok(read_journal(path, kind, take).failure());
  BOOST_TEST(found == (records{first, second}), boost::test_tools::per_element());
  fs::resize_file(path, fs::file_size(path) - 1);
  found.clear();
  check_ok(read_journal(path, kind, take).failure());
  BOOST_TEST(found == records{first}, boost::test_tools::per_element());
  fs::resize_file(path, 10);
  found.clear();
  check_ok(read_journal(path, kind, take).failure());
  BOOST_TEST(found.empty());
}

BOOST_AUTO_TEST_CASE(killed_at_any_moment_it_holds_a_beginning_of_what_was_written) {
  const scratch_folder scratch;
  const fs::path path = scratch / "journal";
  const auto number = [](std::size_t i) { return std::string(1 + i % 3000, 'a') + std::to_string(i); };
  const auto work = [&] {
    records before;
    auto opened = open_journal(path, before);
    if (!opened.ok()) ::_exit(1);
    for (std::size_t i = before.size(); i < before.size() + 20; ++i) (void)append(*opened, number(i));
  };
  const auto check = [&] {
    records found;
    require_ok(open_journal(path, found).failure());
    for (std::size_t i = 0; i < found.size(); ++i) BOOST_TEST((found[i] == number(i)), i);
  };
  test::kill_at_random_moments(20, work, check);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_what_was_there) {
  const test::small_disk disk(64 << 10);
  if (!disk) return;
  records found;
  {
    auto opened = open_journal(disk / "journal", found);
    require_ok(opened.failure());
    check_ok(append(*opened, "first"));
    check_refused(append(*opened, std::string(100 << 10, 'x')), errc::io_error, {"journal", "write at offset"});
    check_ok(append(*opened, "second"));
  }
  require_ok(open_journal(disk / "journal", found).failure());
  BOOST_TEST(found == (records{"first", "second"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changes_of_products_come_back) {
  const std::vector<field_value> many(1'200'000, {"field", "value", false});
  const product_change large{"p3", false, "", "", many, {}};
  require_ok(decode_change(encode(large)).failure());
  const product_change put{"p1", false, "连衣裙", "a.jpg", {{"brand", "Nike", false}, {"price", "12.5", true}}, {0.5f, -1, 3}};
  product_change removed;
  removed.id = "p2";
  removed.removed = true;
  for (const auto& change : {put, removed}) {
    const auto bytes = encode(change);
    const auto back = decode_change(bytes);
    require_ok(back.failure());
    BOOST_TEST((*back == change));
    for (std::size_t length = 0; length + 8 < bytes.size(); length += 3)  // the last bytes may be padding
      BOOST_TEST(!decode_change(std::span(bytes).first(length)).ok(), "cut at " << length);
  }
}

BOOST_AUTO_TEST_SUITE_END()
