#include "index/backup.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <functional>

#include "index/generation.hpp"
#include "index/store.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::bytes_of_file;
using test::check_ok;
using test::check_refused;
using test::publish_three;
using test::require_ok;
using test::scratch_folder;

const backup_progress quiet = [](std::uint64_t, std::uint64_t) {};

result<backup_receipt> back_up_to(const fs::path& store, const fs::path& tar, std::optional<std::uint64_t> number = {}) {
  return back_up(store, number, tar, quiet, {});
}
result<std::uint64_t> restore_from(const fs::path& store, const fs::path& tar) { return restore_backup(store, tar, quiet, {}); }

struct tar_member {
  std::string name, content;
  std::function<void(archive_entry*)> change = {};
};

void write_tar(const fs::path& path, const std::vector<tar_member>& members) {
  archive* const tar = archive_write_new();
  archive_write_set_format_pax_restricted(tar);
  archive_write_open_filename(tar, path.c_str());
  for (const auto& member : members) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
    if (member.change) member.change(entry);
    archive_write_header(tar, entry);
    archive_write_data(tar, member.content.data(), member.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(tar);
  archive_write_free(tar);
}

// What a backup of generation 1 of the store holds.
std::vector<tar_member> members_of(const fs::path& store) {
  std::vector<tar_member> members;
  for (const auto* name : {"MANIFEST", "index.argosy", "products.argosy"})
    members.push_back({std::string("generation-000001/") + name, bytes_of_file(store / "generations/000001" / name)});
  return members;
}

// A tar whose header of member `at` names 8 GiB - 1 bytes, without them.
void claim_8_gib(const fs::path& path, const std::vector<tar_member>& members, std::size_t at) {
  constexpr std::size_t block = 512, size_field = 124, sum_field = 148;
  write_tar(path, members);
  std::string bytes = bytes_of_file(path);
  std::size_t header = 0;
  for (std::size_t i = 0; i < at; ++i) header += block + (members[i].content.size() + block - 1) / block * block;
  bytes.replace(header + size_field, 11, "77777777777");
  bytes.replace(header + sum_field, 8, "        ");
  unsigned sum = 0;
  for (std::size_t i = 0; i < block; ++i) sum += static_cast<unsigned char>(bytes[header + i]);
  char text[8] = {};
  std::snprintf(text, sizeof(text), "%06o", sum);
  bytes.replace(header + sum_field, 6, text).replace(header + sum_field + 6, 1, 1, '\0');
  test::write_bytes(path, bytes);
}

std::ptrdiff_t entries(const fs::path& folder) { return std::distance(fs::directory_iterator(folder), {}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(backups)

BOOST_AUTO_TEST_CASE(what_is_backed_up_is_restored_byte_by_byte) {
  const scratch_folder scratch;
  const auto store = scratch / "store", tar = scratch / "shop.tar";
  BOOST_TEST(publish_three(store, 1).ok());
  BOOST_TEST(publish_three(store, 2).ok());
  const auto done = back_up_to(store, tar, 1);
  require_ok(done.failure());
  BOOST_TEST(done->generation == 1u);
  BOOST_TEST(done->bytes == fs::file_size(tar));
  BOOST_TEST(back_up_to(store, scratch / "current.tar")->generation == 2u);

  BOOST_TEST(restore_from(store, tar).value() == 3u);
  BOOST_TEST(restore_from(scratch / "other/store", tar).value() == 1u);
  for (const auto& place : {store / "generations/000003", scratch / "other/store/generations/000001"}) {
    for (const auto* name : {"MANIFEST", "index.argosy", "products.argosy"})
      BOOST_TEST((bytes_of_file(place / name) == bytes_of_file(store / "generations/000001" / name)), name);
  }
  BOOST_TEST(test::current_is_whole(scratch / "other/store"));
  BOOST_TEST(generation::open_current(store)->number() == 3u);
}

BOOST_AUTO_TEST_CASE(a_damaged_generation_is_not_backed_up) {
  const scratch_folder scratch;
  BOOST_TEST(publish_three(scratch / "store").ok());
  const auto index = scratch / "store/generations/000001/index.argosy";
  std::string bytes = bytes_of_file(index);
  bytes[bytes.size() / 2] ^= 1;
  test::write_bytes(index, bytes);
  check_refused(back_up_to(scratch / "store", scratch / "shop.tar").failure(), errc::corrupt, {"index.argosy"});
  BOOST_TEST(entries(scratch.path()) == 1);
}

BOOST_AUTO_TEST_CASE(every_cut_is_refused_and_a_flipped_byte_never_changes_what_is_restored) {
  const scratch_folder scratch(test::memory_parent());
  const auto store = scratch / "store", tar = scratch / "shop.tar", again = scratch / "again";
  BOOST_TEST(publish_three(store).ok());
  require_ok(back_up_to(store, tar).failure());
  const std::string manifest = bytes_of_file(store / "generations/000001/MANIFEST");
  std::size_t restored = 0;
  const auto otherwise = [&] {
    const auto number = restore_from(again, tar);
    if (!number.ok()) {
      if (fs::exists(again / "CURRENT")) return true;
      return false;
    }
    ++restored;
    const bool same = test::current_is_whole(again) && bytes_of_file(again / "generations/000001/MANIFEST") == manifest;
    fs::remove_all(again);
    return !same;
  };
  BOOST_TEST(test::unnoticed_flips(tar, otherwise) == 0u);
  BOOST_TEST(restored < fs::file_size(tar) / 2);  // what lies between the members says nothing
  const auto bytes = fs::file_size(tar);
  for (std::uintmax_t length = 0; length + 2 * 512 < bytes; length += 61) {
    const auto cut = scratch / "cut.tar";
    test::write_bytes(cut, bytes_of_file(tar).substr(0, length));
    BOOST_TEST(!restore_from(again, cut).ok(), "cut at " << length);
    BOOST_TEST(!fs::exists(again / "CURRENT"));
  }
}

BOOST_AUTO_TEST_CASE(hostile_tars_are_refused_with_nothing_written_outside) {
  const scratch_folder scratch;
  const auto store = scratch / "store", tar = scratch / "hostile.tar";
  BOOST_TEST(publish_three(store).ok());
  const auto good = members_of(store);
  const auto refuses = [&](const std::vector<tar_member>& members, std::initializer_list<std::string_view> parts) {
    write_tar(tar, members);
    check_refused(restore_from(store, tar).failure(), errc::corrupt, parts);
    BOOST_TEST(entries(store / "generations") == 1);
    BOOST_TEST(entries(scratch.path()) == 2);
  };
  const auto with = [&](std::size_t at, tar_member other) {
    auto members = good;
    members[at] = std::move(other);
    return members;
  };
  write_tar(tar, good);
  BOOST_TEST(restore_from(scratch / "fine", tar).ok());
  fs::remove_all(scratch / "fine");

  const std::string index = good[1].content;
  refuses(with(1, {"/etc/index.argosy", index}), {"FOLDER/NAME", "/etc/index.argosy"});
  refuses(with(1, {"/index.argosy", index}), {"FOLDER/NAME"});
  refuses(with(1, {"../index.argosy", index}), {"FOLDER/NAME", "../index.argosy"});
  refuses(with(0, {"../MANIFEST", good[0].content}), {"../MANIFEST"});
  refuses(with(1, {"generation-000001/../index.argosy", index}), {"FOLDER/NAME"});
  refuses(with(1, {"elsewhere/index.argosy", index}), {"FOLDER/NAME"});
  refuses(with(1, {"generation-000001/..", index}), {"not in the manifest"});
  refuses(with(1, {"generation-000001/more", index}), {"\"more\"", "not in the manifest"});
  refuses(with(1, {good[1].name, index + "x"}), {"index.argosy", "bytes, found"});
  refuses(
      with(1, {good[1].name, "",
               [](archive_entry* entry) { archive_entry_set_filetype(entry, AE_IFLNK), archive_entry_set_symlink(entry, "/etc/passwd"); }}),
      {"no regular file"});
  refuses(with(1, {good[1].name, "", [](archive_entry* entry) { archive_entry_set_hardlink(entry, "/etc/passwd"); }}), {"no regular file"});
  refuses(with(1, {good[1].name, "", [](archive_entry* entry) { archive_entry_set_filetype(entry, AE_IFIFO); }}), {"no regular file"});
  claim_8_gib(tar, good, 1);
  check_refused(restore_from(store, tar).failure(), errc::corrupt, {"index.argosy", "found 8589934591"});
  claim_8_gib(tar, good, 0);
  check_refused(restore_from(store, tar).failure(), errc::corrupt, {"MANIFEST", "at most", "found 8589934591"});
  refuses({good[1], good[0], good[2]}, {"want MANIFEST first"});
  refuses({good[0], good[1]}, {"products.argosy", "end of the tar"});
  refuses({good[0], good[1], good[1], good[2]}, {"index.argosy", "twice"});
  refuses({}, {"it is empty"});
  refuses(with(0, {good[0].name, "no manifest"}), {"MANIFEST"});
  std::string other = index;
  other[other.size() / 2] ^= 1;
  refuses(with(1, {good[1].name, other}), {"index.argosy"});
  test::write_bytes(tar, "no tar at all");
  BOOST_TEST(!restore_from(store, tar).ok());
  check_refused(restore_from(store, scratch / "missing.tar").failure(), errc::not_found, {"missing.tar"});
}

BOOST_AUTO_TEST_CASE(a_backup_of_another_version_is_refused_with_its_version) {
  const scratch_folder scratch;
  auto writer = folder_writer::create(scratch / "other", "generation", 2);
  check_ok(writer->seal());
  write_tar(scratch / "other.tar", {{"generation-000001/MANIFEST", bytes_of_file(scratch / "other/MANIFEST")}});
  check_refused(restore_from(scratch / "store", scratch / "other.tar").failure(), errc::version_mismatch, {"want 1", "found 2"});
}

BOOST_AUTO_TEST_CASE(an_interrupted_copy_leaves_nothing) {
  const scratch_folder scratch;
  BOOST_TEST(publish_three(scratch / "store").ok());
  require_ok(back_up_to(scratch / "store", scratch / "shop.tar").failure());
  std::stop_source stop;
  stop.request_stop();
  check_refused(back_up(scratch / "store", {}, scratch / "other.tar", quiet, stop.get_token()).failure(), errc::aborted, {});
  check_refused(restore_backup(scratch / "store", scratch / "shop.tar", quiet, stop.get_token()).failure(), errc::aborted, {});
  BOOST_TEST(entries(scratch.path()) == 2);
  BOOST_TEST(entries(scratch / "store/generations") == 1);
}

BOOST_AUTO_TEST_CASE(backing_up_and_restoring_killed_at_any_moment_lose_nothing) {
  const scratch_folder scratch(test::memory_parent());
  const auto store = scratch / "store", tar = scratch / "shop.tar";
  BOOST_TEST(publish_three(store).ok());
  require_ok(back_up_to(store, tar).failure());
  const std::string good = bytes_of_file(tar);
  const auto check = [&] {
    BOOST_TEST(test::current_is_whole(store));
    BOOST_TEST(bytes_of_file(tar).size() == good.size());
    const auto all = list_generations(store);
    require_ok(all.failure());
    for (const auto& one : *all) check_ok(verify_generation(store, one.number));
  };
  test::kill_at_random_moments(
      25, [&] { (void)back_up_to(store, tar, 1); }, check);
  BOOST_TEST((bytes_of_file(tar) == good));
  test::kill_at_random_moments(
      25,
      [&] {
        (void)restore_from(store, tar);
        (void)prune_generations(store, 2);
      },
      check);
  require_ok(back_up_to(store, tar, {}).failure());
  require_ok(restore_from(store, tar).failure());
  for (const auto& entry : fs::directory_iterator(scratch.path())) BOOST_TEST((entry.path() == store || entry.path() == tar), entry.path());
  for (const auto& entry : fs::directory_iterator(store / "generations")) BOOST_TEST(entry.path().filename().string().size() == 6u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_store_and_no_tar) {
  const test::small_disk disk(256 << 10);
  if (!disk) return;
  const scratch_folder scratch;
  const test::many_products many(1000);
  auto writer = generation_writer::create(scratch / "store");
  check_ok(writer->write(test::small_integers(1000, 100, 1), many.facts));
  check_ok(writer->publish());
  check_refused(back_up_to(scratch / "store", disk / "shop.tar").failure(), errc::io_error, {"shop.tar", "No space left on device"});
  BOOST_TEST(entries(disk.path()) == 0);
  require_ok(back_up_to(scratch / "store", scratch / "shop.tar").failure());
  check_refused(restore_from(disk / "store", scratch / "shop.tar").failure(), errc::io_error, {"No space left on device"});
  BOOST_TEST(!fs::exists(disk / "store/CURRENT"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
