#include "tests/data/small_shop.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/bytes.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xFF);
  return bytes;
}

}  // namespace

small_shop::small_shop() {
  std::filesystem::create_directories(folder_ / "images");
  catalogue(
      "{\"id\": \"1\", \"title\": \"Red dress shoe blue green\", \"image\": \"1.jpg\", \"price\": 5}\n"
      "{\"id\": 2, \"title\": \"Blue dress dress\", \"image\": \"2.jpg\"}\n"
      "{\"id\": \"3\", \"title\": \"红色连衣裙\", \"image\": \"3.jpg\"}\n"
      "{\"id\": \"4\", \"title\": \"Green shoe\"}\n"
      "{\"id\": \"5\", \"title\": \"\", \"image\": \"5.jpg\"}\n");
  log("timestamp\tquery\tproduct_id\n"
      "1\tred dress\t1\n"
      "2\tDRESS red\t1\n"
      "3\tdress red\t3\n"
      "4\tdress\t1\n"
      "5\tdress\t2\n"
      "6\tdress\t5\n"
      "7\t连衣裙\t3\n"
      "8\tgreen\t4\n"
      "9\tdress\t2\n");
  for (const auto& [name, grey] : {std::pair{"1.jpg", 10}, std::pair{"2.jpg", 60}, std::pair{"3.jpg", 120}, std::pair{"5.jpg", 250}})
    image(name, jpeg_of(static_cast<std::uint8_t>(grey), 60, 80));
}

void small_shop::catalogue(std::string_view content) { write_bytes(folder_ / "products.jsonl", std::string(content)); }
void small_shop::log(std::string_view content) { write_bytes(folder_ / "log.tsv", std::string(content)); }
void small_shop::image(const std::string& name, std::string_view bytes) { write_bytes(folder_ / "images" / name, std::string(bytes)); }

prepare_options small_shop::options() const {
  prepare_options options;
  options.catalogue = folder_ / "products.jsonl";
  options.images = folder_ / "images";
  options.log = folder_ / "log.tsv";
  options.out = folder_ / "prepared";
  options.vocab_size = 200;
  options.query_length = 8;
  options.title_length = 8;
  return options;
}

result<prepare_report> small_shop::prepare(const prepare_options& options) const { return argosy::prepare(options, {}, {}); }

prepared_data small_shop::open() const {
  auto opened = prepared_data::open(folder_ / "prepared");
  require_ok(opened.failure());
  return std::move(opened).value();
}

prepared_data small_shop::prepared() const {
  require_ok(prepare().failure());
  return open();
}

std::string jpeg_of(std::uint8_t grey, int width, int height) {
  const argosy::image picture{width, height,
                              std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, grey)};
  const auto encoded = encode_jpeg(picture, 90);
  require_ok(encoded.failure());
  return {reinterpret_cast<const char*>(encoded->data()), encoded->size()};
}

std::string png_header(std::uint32_t width, std::uint32_t height) {
  const std::string chunk = "IHDR" + big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5);
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), static_cast<uInt>(chunk.size()));
  return "\x89PNG\r\n\x1a\n" + big_endian(13) + chunk + big_endian(static_cast<std::uint32_t>(sum));
}

void write_tar(const std::filesystem::path& path, const std::string& format, bool gzip, const std::vector<tar_entry>& entries) {
  archive* to = archive_write_new();
  if (gzip) archive_write_add_filter_gzip(to);
  BOOST_REQUIRE(archive_write_set_format_by_name(to, format.c_str()) == ARCHIVE_OK);
  BOOST_REQUIRE(archive_write_open_filename(to, path.c_str()) == ARCHIVE_OK);
  for (const auto& [name, content] : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    BOOST_REQUIRE(archive_write_header(to, entry) >= ARCHIVE_WARN);  // a warning: a name that is not ASCII
    archive_write_data(to, content.data(), content.size());
    archive_entry_free(entry);
  }
  BOOST_REQUIRE(archive_write_free(to) == ARCHIVE_OK);
}

void write_gzip(const std::filesystem::path& path, std::string_view content) {
  gzFile to = gzopen(path.c_str(), "wb");
  BOOST_REQUIRE(gzwrite(to, content.data(), static_cast<unsigned>(content.size())) == static_cast<int>(content.size()));
  gzclose(to);
}

}  // namespace argosy::test
