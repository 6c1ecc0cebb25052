#include "schema/folder.hpp"

#include <sys/file.h>

#include <boost/test/unit_test.hpp>
#include <vector>

#include "schema/container.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::require_ok;
using test::scratch_folder;
using test::write_bytes;

status write_folder(const fs::path& target, const std::string& content, std::uint32_t version = 2) {
  ARGOSY_ASSIGN(auto writer, folder_writer::create(target, "box", version));
  write_bytes(writer.path() / "first", content);
  write_bytes(writer.path() / "second", content + content);
  return writer.seal();
}

bool whole(const fs::path& target) {
  const auto folder = open_folder(target, "box", 2);
  return folder.ok() && verify_folder(*folder).ok();
}

std::ptrdiff_t entries(const fs::path& folder) { return std::distance(fs::directory_iterator(folder), {}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(folder)

BOOST_AUTO_TEST_CASE(what_was_sealed_is_opened) {
  const scratch_folder scratch;
  require_ok(write_folder(scratch / "new/parents/box", "abc"));
  const auto folder = open_folder(scratch / "new/parents/box", "box", 2);
  require_ok(folder.failure());
  BOOST_TEST(folder->files.size() == 2u);
  BOOST_TEST(folder->files[0].name == "first");
  BOOST_TEST(folder->files[0].bytes == 3u);
  BOOST_TEST(folder->files[0].xxh3 == xxh3(std::as_bytes(std::span("abc", 3))));
  BOOST_TEST(folder->files[1].name == "second");
  check_ok(verify_folder(*folder));
  BOOST_TEST(entries(scratch / "new/parents") == 1);
}

BOOST_AUTO_TEST_CASE(a_writer_that_does_not_seal_leaves_nothing) {
  const scratch_folder scratch;
  {
    auto writer = folder_writer::create(scratch / "box", "box", 2);
    require_ok(writer.failure());
    write_bytes(writer->path() / "first", "abc");
  }
  BOOST_TEST(fs::is_empty(scratch.path()));
}

BOOST_AUTO_TEST_CASE(a_sealed_folder_is_replaced_whole) {
  const scratch_folder scratch;
  require_ok(write_folder(scratch / "box", "old", 1));
  require_ok(write_folder(scratch / "box/", "new"));
  BOOST_TEST(whole(scratch / "box"));
  BOOST_TEST(test::bytes_of_file(scratch / "box/first") == "new");
  BOOST_TEST(entries(scratch.path()) == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_folder_is_filled) {
  const scratch_folder scratch;
  fs::create_directory(scratch / "box");
  require_ok(write_folder(scratch / "box", "new"));
  BOOST_TEST(whole(scratch / "box"));
}

BOOST_AUTO_TEST_CASE(what_is_not_ours_is_not_replaced) {
  const scratch_folder scratch;
  fs::create_directory(scratch / "home");
  write_bytes(scratch / "home/letter", "dear");
  check_refused(write_folder(scratch / "home", "new"), errc::invalid_argument, {"/home", "empty folder", "MANIFEST"});
  write_bytes(scratch / "file", "dear");
  check_refused(write_folder(scratch / "file", "new"), errc::invalid_argument, {"/file"});
  require_ok(write_folder(scratch / "box", "old"));
  check_refused(folder_writer::create(scratch / "box", "crate", 1).failure(), errc::invalid_argument, {"\"crate\"", "\"box\""});
  write_bytes(scratch / "box/letter", "dear");
  check_refused(write_folder(scratch / "box", "new"), errc::invalid_argument, {"box/letter", "move it away"});
  BOOST_TEST(test::bytes_of_file(scratch / "home/letter") == "dear");
  BOOST_TEST(test::bytes_of_file(scratch / "box/letter") == "dear");
  BOOST_TEST(whole(scratch / "box"));
}

BOOST_AUTO_TEST_CASE(a_target_made_meanwhile_is_kept) {
  const scratch_folder scratch;
  auto writer = folder_writer::create(scratch / "box", "box", 2);
  fs::create_directory(scratch / "box");
  write_bytes(scratch / "box/letter", "dear");
  check_refused(writer->seal(), errc::invalid_argument, {"meanwhile"});
  BOOST_TEST(test::bytes_of_file(scratch / "box/letter") == "dear");
}

BOOST_AUTO_TEST_CASE(two_writers_of_one_target_are_refused) {
  const scratch_folder scratch;
  auto first = folder_writer::create(scratch / "box", "box", 2);
  check_refused(folder_writer::create(scratch / "box", "box", 2).failure(), errc::unavailable, {"another writer", "box.partial-"});
  BOOST_TEST(folder_writer::create(scratch / "other", "box", 2).ok());
  check_ok(first->seal());
}

BOOST_AUTO_TEST_CASE(only_regular_files_are_sealed) {
  const scratch_folder scratch;
  auto nested = folder_writer::create(scratch / "a", "box", 2);
  fs::create_directory(nested->path() / "inner");
  check_refused(nested->seal(), errc::invalid_argument, {"inner", "regular files"});
  auto linked = folder_writer::create(scratch / "b", "box", 2);
  fs::create_symlink("/etc/hostname", linked->path() / "link");
  check_refused(linked->seal(), errc::invalid_argument, {"link", "regular files"});
  auto open = folder_writer::create(scratch / "c", "box", 2);
  auto unfinished = container_writer::create(open->path() / "x", {"test", 1});
  check_refused(open->seal(), errc::invalid_argument, {"not finished"});
}

BOOST_AUTO_TEST_CASE(other_kinds_and_versions_are_refused) {
  const scratch_folder scratch;
  require_ok(write_folder(scratch / "box", "abc"));
  check_refused(open_folder(scratch / "box", "crate", 2).failure(), errc::invalid_argument, {"/box", "\"crate\"", "\"box\""});
  check_refused(open_folder(scratch / "box", "box", 1).failure(), errc::version_mismatch, {"/box", "want 1", "found 2"});
  check_refused(open_folder(scratch / "none", "box", 2).failure(), errc::not_found, {"none", "nothing of that name"});
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_and_every_truncation_is_found) {
  const scratch_folder scratch;
  require_ok(write_folder(scratch / "box", "abc"));
  for (const auto* name : {"MANIFEST", "first", "second"}) {
    BOOST_TEST(test::unnoticed_flips(scratch / "box" / name, [&] { return whole(scratch / "box"); }) == 0u, name);
    BOOST_TEST(test::unnoticed_cuts(scratch / "box" / name, [&] { return open_folder(scratch / "box", "box", 2).ok(); }) == 0u, name);
  }
  BOOST_TEST(whole(scratch / "box"));
  fs::remove(scratch / "box/second");
  check_refused(open_folder(scratch / "box", "box", 2).failure(), errc::corrupt, {"box/second"});
}

BOOST_AUTO_TEST_CASE(a_manifest_that_names_files_elsewhere_is_refused) {
  const scratch_folder scratch;
  write_bytes(scratch / "x", "");
  fs::create_directory(scratch / "box");
  for (const std::string_view name : {"../x", ".", "", "MANIFEST", "/etc/hostname"}) {
    auto writer = container_writer::create(scratch / "box/MANIFEST", {"manifest", 1});
    const std::uint32_t version = 2;
    const std::uint64_t offsets[] = {0, name.size()}, zero[] = {0};
    check_ok(writer->add("kind", std::span<const char>("box", 3)));
    check_ok(writer->add("version", std::span<const std::uint32_t>(&version, 1)));
    check_ok(writer->add("names", std::span<const char>(name)));
    check_ok(writer->add("name_offsets", std::span<const std::uint64_t>(offsets)));
    check_ok(writer->add("bytes", std::span<const std::uint64_t>(zero)));
    check_ok(writer->add("xxh3", std::span<const std::uint64_t>(zero)));
    check_ok(writer->finish());
    check_refused(open_folder(scratch / "box", "box", 2).failure(), errc::corrupt, {"MANIFEST", "file 0"});
  }
}

BOOST_AUTO_TEST_CASE(a_writer_killed_at_any_moment_leaves_the_old_or_the_new) {
  const scratch_folder scratch;
  const auto target = scratch / "box";
  unsigned round = 0, replaced = 0;
  const auto replace = [&] { (void)write_folder(target, std::to_string(1000 + round++)); };
  const auto check = [&] {
    const auto folder = open_folder(target, "box", 2);
    require_ok(folder.failure());
    check_ok(verify_folder(*folder));
    const auto content = test::bytes_of_file(target / "first");
    BOOST_TEST(test::bytes_of_file(target / "second") == content + content);
    replaced += content == "1000" ? 0 : 1;
  };
  test::kill_at_random_moments(30, replace, check);
  // On a busy machine no writer may have come so far.
  for (auto life = std::chrono::milliseconds(20); replaced == 0 && life < std::chrono::seconds(10); life *= 2) {
    test::kill_while(replace, life);
    check();
  }
  BOOST_TEST(replaced > 0u);
  require_ok(write_folder(target, "last"));
  BOOST_TEST(entries(scratch.path()) == 1);
}

BOOST_AUTO_TEST_CASE(a_small_file_is_replaced_at_any_moment) {
  const scratch_folder scratch;
  require_ok(replace_file(scratch / "CURRENT", "000001"));
  const auto replace = [&] { (void)replace_file(scratch / "CURRENT", "000002"); };
  test::kill_at_random_moments(20, replace, [&] {
    const auto found = read_file(scratch / "CURRENT", 6);
    require_ok(found.failure());
    BOOST_TEST((*found == "000001" || *found == "000002"));
  });
  require_ok(replace_file(scratch / "CURRENT", "000003"));
  BOOST_TEST(entries(scratch.path()) == 1);
}

BOOST_AUTO_TEST_CASE(a_file_is_read_up_to_its_limit) {
  const scratch_folder scratch;
  write_bytes(scratch / "a", "12345");
  BOOST_TEST(read_file(scratch / "a", 5).value() == "12345");
  check_refused(read_file(scratch / "a", 4).failure(), errc::out_of_range, {"/a", "at most 4"});
  check_refused(read_file(scratch / "b", 4).failure(), errc::not_found, {"/b"});
  check_refused(read_file(scratch.path(), 4).failure(), errc::io_error, {"regular file"});
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said_and_leaves_what_was_there) {
  const test::small_disk disk(256 << 10);
  if (!disk) return;
  require_ok(write_folder(disk / "box", "old"));
  require_ok(replace_file(disk / "CURRENT", "old"));
  const std::string large(1 << 20, 'x');
  check_refused(replace_file(disk / "CURRENT", large), errc::io_error, {"CURRENT", "No space left on device"});
  BOOST_TEST(test::bytes_of_file(disk / "CURRENT") == "old");
  auto writer = container_writer::create(disk / "container", {"test", 1});
  check_ok(writer->begin("large", element::u8));
  check_refused(writer->append(std::as_bytes(std::span(large))), errc::io_error, {"container", "No space left on device"});
  check_refused(writer->finish(), errc::io_error, {"No space left on device"});
  auto box = folder_writer::create(disk / "box", "box", 2);
  write_bytes(box->path() / "filler", large);
  check_refused(box->seal(), errc::io_error, {"No space left on device"});
  BOOST_TEST(!fs::exists(disk / "container"));
  BOOST_TEST(whole(disk / "box"));
  BOOST_TEST(test::bytes_of_file(disk / "box/first") == "old");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
