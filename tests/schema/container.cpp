#include "schema/container.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <fstream>
#include <numeric>
#include <vector>

#include "schema/container_format.hpp"
#include "schema/container_generated.h"
#include "schema/folder.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::bytes_of_file;
using test::check_refused;
using test::scratch_folder;
using test::write_bytes;

constexpr file_kind kind = {"test", 3};

template <class T>
status add(container_writer& writer, std::string_view name, const std::vector<T>& elements) {
  return writer.add(name, std::span<const T>(elements));
}

fs::path write_small(const fs::path& path, file_kind of = kind) {
  auto writer = container_writer::create(path, of);
  BOOST_REQUIRE_MESSAGE(writer.ok(), writer.failure().text());
  BOOST_TEST(add<std::uint8_t>(*writer, "bytes", {1, 2, 3}).ok());
  BOOST_TEST(add<float>(*writer, "floats", {0.5f, -2.0f}).ok());
  BOOST_TEST(add<std::uint64_t>(*writer, "none", {}).ok());
  BOOST_TEST(add<std::int32_t>(*writer, "numbers", std::vector<std::int32_t>(16, -7)).ok());
  const status finished = writer->finish();
  BOOST_REQUIRE_MESSAGE(finished.ok(), finished.text());
  return path;
}

bool whole(const fs::path& path) {
  const auto reader = container_reader::open(path, kind);
  return reader.ok() && reader->verify().ok();
}

status failure_of(const fs::path& path) { return container_reader::open(path, kind).failure(); }

// A container with the given header in place of its own and checksums that hold.
void forge_header(const fs::path& path, const flatbuffers::FlatBufferBuilder& builder) {
  std::string file = bytes_of_file(path);
  container_preamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  file.resize(preamble.header_offset);
  file.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  preamble.header_bytes = builder.GetSize();
  preamble.header_xxh3 = xxh3(std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
  preamble.preamble_xxh3 = xxh3(std::as_bytes(std::span(&preamble, 1)).first(56));
  std::memcpy(file.data(), &preamble, sizeof(preamble));
  write_bytes(path, file);
}

struct forged_section {
  std::uint8_t type = 0;
  std::uint64_t offset = 64, bytes = 3;
  std::vector<std::uint64_t> hashes = {0};
  std::string name = "bytes";
};

status forged(const fs::path& path, const std::vector<forged_section>& sections, std::uint32_t block_bytes = 1 << 20) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<schema::section>> list;
  for (const auto& section : sections) {
    list.push_back(
        schema::CreatesectionDirect(builder, section.name.c_str(), section.type, section.offset, section.bytes, &section.hashes));
  }
  builder.Finish(schema::CreatecontainerDirect(builder, "test", 3, block_bytes, &list));
  forge_header(path, builder);
  return failure_of(path);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(container)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const scratch_folder scratch;
  const auto reader = container_reader::open(write_small(scratch / "a"), kind);
  BOOST_REQUIRE_MESSAGE(reader.ok(), reader.failure().text());
  BOOST_TEST(reader->verify().ok());
  const auto bytes = reader->section<std::uint8_t>("bytes");
  BOOST_REQUIRE(bytes.ok());
  BOOST_TEST(std::vector<std::uint8_t>(bytes->begin(), bytes->end()) == (std::vector<std::uint8_t>{1, 2, 3}),
             boost::test_tools::per_element());
  const auto floats = reader->section<float>("floats");
  BOOST_REQUIRE(floats.ok());
  BOOST_TEST(floats->size() == 2u);
  BOOST_TEST((*floats)[1] == -2.0f);
  BOOST_TEST(reinterpret_cast<std::uintptr_t>(floats->data()) % 64 == 0u);
  BOOST_TEST(reader->section<std::uint64_t>("none")->empty());
  BOOST_TEST(reader->section<std::int32_t>("numbers")->back() == -7);
  BOOST_TEST(reader->has("none"));
  BOOST_TEST(!reader->has("nothing"));
  BOOST_TEST(kind_of(scratch / "a").value() == "test");
}

BOOST_AUTO_TEST_CASE(a_container_without_sections_is_whole) {
  const scratch_folder scratch;
  auto writer = container_writer::create(scratch / "a", kind);
  BOOST_TEST(writer->finish().ok());
  BOOST_TEST(whole(scratch / "a"));
}

BOOST_AUTO_TEST_CASE(a_section_streamed_in_odd_pieces_over_blocks_is_whole) {
  const scratch_folder scratch;
  std::vector<std::uint32_t> numbers(700'001);
  std::iota(numbers.begin(), numbers.end(), 5u);
  auto writer = container_writer::create(scratch / "a", kind);
  BOOST_TEST(writer->begin("numbers", element::u32).ok());
  auto rest = std::as_bytes(std::span(numbers));
  for (std::size_t piece = 1; !rest.empty(); piece = piece * 3 + 1) {
    const auto take = std::min(piece, rest.size());
    BOOST_TEST(writer->append(rest.first(take)).ok());
    rest = rest.subspan(take);
  }
  BOOST_TEST(writer->finish().ok());
  const auto reader = container_reader::open(scratch / "a", kind);
  const auto found = reader->section<std::uint32_t>("numbers");
  BOOST_REQUIRE(found.ok());
  BOOST_TEST(std::equal(found->begin(), found->end(), numbers.begin(), numbers.end()));
  BOOST_TEST(reader->verify().ok());
}

BOOST_AUTO_TEST_CASE(touch_verifies_only_the_blocks_that_are_asked_for) {
  const scratch_folder scratch;
  const std::vector<std::uint8_t> zeros(3 << 20);
  auto writer = container_writer::create(scratch / "a", kind);
  BOOST_TEST(add(*writer, "zeros", zeros).ok());
  BOOST_TEST(writer->finish().ok());
  std::string bad = bytes_of_file(scratch / "a");
  bad[64 + (1 << 20) + 17] = 1;
  write_bytes(scratch / "a", bad);
  const auto reader = container_reader::open(scratch / "a", kind);
  BOOST_REQUIRE(reader.ok());
  BOOST_TEST(reader->touch("zeros", 0, 1 << 20).ok());
  BOOST_TEST(reader->touch("zeros", 2 << 20, 1 << 20).ok());
  check_refused(reader->touch("zeros", (1 << 20) - 1, 2), errc::corrupt,
                {"/a", "offset 1048640", "zeros", "block 1", "want xxh3", "found xxh3"});
  BOOST_TEST(!reader->section<std::uint8_t>("zeros").ok());
  BOOST_TEST(!reader->verify().ok());
  check_refused(reader->touch("zeros", 3 << 20, 1), errc::out_of_range, {"zeros", "3145728"});
  check_refused(reader->touch("zeros", 1, ~0ull), errc::out_of_range, {"zeros"});
}

// More blocks than are asked of the disk ahead (container_reader.cpp: 8), and a piece of one.
BOOST_AUTO_TEST_CASE(every_block_of_a_long_section_is_verified) {
  const scratch_folder scratch;
  constexpr std::size_t block = 1 << 20, blocks = 12;
  auto writer = container_writer::create(scratch / "a", kind);
  BOOST_TEST(add(*writer, "before", std::vector<std::uint8_t>(100)).ok());
  BOOST_TEST(add(*writer, "zeros", std::vector<std::uint8_t>((blocks - 1) * block + 5)).ok());
  BOOST_TEST(writer->finish().ok());
  BOOST_TEST(container_reader::open(scratch / "a", kind)->section<std::uint8_t>("zeros").ok());
  std::fstream file(scratch / "a", std::ios::binary | std::ios::in | std::ios::out);
  for (std::size_t bad = 0; bad < blocks; ++bad) {
    const auto at = static_cast<std::streamoff>(64 + 128 + bad * block + 3);
    file.seekp(at).put(1).flush();
    const auto reader = container_reader::open(scratch / "a", kind);
    check_refused(reader->section<std::uint8_t>("zeros").failure(), errc::corrupt, {"zeros", "block " + std::to_string(bad) + ":"});
    if (bad > 0) BOOST_TEST(reader->touch("zeros", 0, bad * block).ok());
    file.seekp(at).put(0).flush();
  }
  BOOST_TEST(container_reader::open(scratch / "a", kind)->section<std::uint8_t>("zeros").ok());
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_is_found) {
  const scratch_folder scratch;
  const auto path = write_small(scratch / "a");
  BOOST_TEST(test::unnoticed_flips(path, [&] { return whole(path); }) == 0u);
  BOOST_TEST(whole(path));
}

BOOST_AUTO_TEST_CASE(every_truncation_is_found) {
  const scratch_folder scratch;
  const auto path = write_small(scratch / "a");
  BOOST_TEST(test::unnoticed_cuts(path, [&] { return container_reader::open(path, kind).ok(); }) == 0u);
  write_bytes(path, bytes_of_file(path) + '\0');
  check_refused(failure_of(path), errc::corrupt, {"end of file", "want", "found"});
}

BOOST_AUTO_TEST_CASE(what_is_no_container_is_refused_by_name) {
  const scratch_folder scratch;
  check_refused(failure_of(scratch / "absent"), errc::not_found, {"absent"});
  check_refused(failure_of(scratch.path()), errc::io_error, {"regular file"});
  write_bytes(scratch / "empty", "");
  check_refused(failure_of(scratch / "empty"), errc::corrupt, {"/empty", "offset 0", "64 bytes", "0 bytes"});
  write_bytes(scratch / "text", std::string(10, '\n') + std::string(100, 'x'));
  check_refused(failure_of(scratch / "text"), errc::corrupt, {"/text", "offset 0", "magic", R"("ARGOSY\x0d\x0a")", R"("\x0a\x0a)"});
}

BOOST_AUTO_TEST_CASE(another_kind_and_other_versions_are_refused) {
  const scratch_folder scratch;
  check_refused(failure_of(write_small(scratch / "kind", {"other", 3})), errc::invalid_argument, {R"(want "test")", R"(found "other")"});
  check_refused(failure_of(write_small(scratch / "newer", {"test", 4})), errc::version_mismatch, {"want 3", "found 4"});
  const auto path = write_small(scratch / "container");
  std::string file = bytes_of_file(path);
  container_preamble preamble;
  preamble.version = 2;
  preamble.preamble_xxh3 = xxh3(std::as_bytes(std::span(&preamble, 1)).first(56));
  std::memcpy(file.data(), &preamble, sizeof(preamble));
  write_bytes(path, file);
  check_refused(failure_of(path), errc::version_mismatch, {"offset 8", "container version", "want 1", "found 2"});
}

BOOST_AUTO_TEST_CASE(a_header_that_lies_under_good_checksums_is_refused) {
  const scratch_folder scratch;
  const auto path = scratch / "a";
  auto writer = container_writer::create(path, kind);
  BOOST_TEST(add<std::uint8_t>(*writer, "bytes", {1, 2, 3}).ok());
  BOOST_TEST(writer->finish().ok());
  BOOST_TEST(forged(path, {{}}).ok());
  check_refused(forged(path, {{.type = 8}}), errc::corrupt, {"element type"});
  check_refused(forged(path, {{.type = 2}}), errc::corrupt, {"whole elements"});
  check_refused(forged(path, {{.offset = 0}}), errc::corrupt, {"offset", "want 64", "found 0"});
  check_refused(forged(path, {{.bytes = 65}}), errc::corrupt, {"bytes"});
  check_refused(forged(path, {{.bytes = ~0ull - 63}}), errc::corrupt, {"bytes"});
  check_refused(forged(path, {{.hashes = {}}}), errc::corrupt, {"checksums of blocks", "want 1", "found 0"});
  check_refused(forged(path, {{.hashes = {1, 2}}}), errc::corrupt, {"checksums of blocks"});
  check_refused(forged(path, {{}, {.offset = 128, .bytes = 0, .hashes = {}}}), errc::corrupt, {"times it is there"});
  check_refused(forged(path, {}), errc::corrupt, {"end of the last section"});
  check_refused(forged(path, {{}}, 0), errc::corrupt, {"block bytes", "found 0"});
  flatbuffers::FlatBufferBuilder text;
  text.Finish(text.CreateString("not a container at all"));
  forge_header(path, text);
  check_refused(failure_of(path), errc::corrupt, {"header", "FlatBuffers"});
}

BOOST_AUTO_TEST_CASE(a_section_is_read_as_what_it_is) {
  const scratch_folder scratch;
  const auto reader = container_reader::open(write_small(scratch / "a"), kind);
  check_refused(reader->section<double>("floats").failure(), errc::shape_mismatch, {"floats", "want f64", "found f32"});
  check_refused(reader->section<float>("absent").failure(), errc::not_found, {"absent"});
}

BOOST_AUTO_TEST_CASE(an_unfinished_file_leaves_the_old_one) {
  const scratch_folder scratch;
  const auto path = write_small(scratch / "a");
  {
    auto writer = container_writer::create(path, kind);
    BOOST_TEST(add<std::uint8_t>(*writer, "bytes", {9}).ok());
    BOOST_TEST(whole(path));
  }
  BOOST_TEST(container_reader::open(path, kind)->section<std::uint8_t>("bytes")->size() == 3u);
  BOOST_TEST(std::distance(fs::directory_iterator(scratch.path()), {}) == 1);
}

BOOST_AUTO_TEST_CASE(a_writer_refuses_what_no_reader_would_take) {
  const scratch_folder scratch;
  auto twice = container_writer::create(scratch / "a", kind);
  BOOST_TEST(add<std::uint8_t>(*twice, "x", {1}).ok());
  check_refused(add<std::uint8_t>(*twice, "x", {1}), errc::invalid_argument, {"x", "twice"});
  check_refused(twice->finish(), errc::invalid_argument, {"twice"});
  auto torn = container_writer::create(scratch / "b", kind);
  BOOST_TEST(torn->begin("x", element::f32).ok());
  BOOST_TEST(torn->append(std::as_bytes(std::span("12345", 5))).ok());
  check_refused(torn->finish(), errc::invalid_argument, {"section x", "multiple of 4", "got 5"});
  BOOST_TEST(!fs::exists(scratch / "b"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
