#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>

#include "data/prepared_files.hpp"
#include "schema/folder.hpp"
#include "tests/data/small_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_refused;
using test::require_ok;
using test::small_shop;

struct section_type {
  std::string_view name;
  element of;
};

// Copies a container, with what `change` makes of the bytes of one section; checksums are those of the new bytes.
using changer = std::function<void(std::vector<std::uint64_t>&)>;

template <class T>
status copy_section(const container_reader& from, container_writer& to, std::string_view name, bool changed, const changer& change) {
  ARGOSY_ASSIGN(const auto held, from.section<T>(name));
  std::vector<std::uint64_t> wide(held.begin(), held.end());
  if (changed) change(wide);
  std::vector<T> narrow;
  for (const auto value : wide) narrow.push_back(static_cast<T>(value));
  return to.add(name, std::span<const T>(narrow));
}

struct hostile_change {
  std::string_view file, section;
  changer change;
};

const std::map<std::string_view, std::vector<section_type>>& sections() {
  using enum element;
  static const std::map<std::string_view, std::vector<section_type>> of{
      {"products",
       {{"patch", u8},
        {"patch_offset", u64},
        {"id", u8},
        {"id_offset", u64},
        {"title", u8},
        {"title_offset", u64},
        {"image", u8},
        {"image_offset", u64},
        {"token", i32},
        {"token_offset", u64}}},
      {"queries", {{"token", i32}, {"token_offset", u64}, {"known", u32}, {"known_offset", u64}}},
      {"pairs", {{"query", u32}, {"product", u32}}},
      {"facts", {{"number", u64}, {"segmenter", u8}, {"backbone", u8}}},
  };
  return of;
}

status rewrite(const fs::path& from_path, const fs::path& to_path, const hostile_change& how) {
  const file_kind kind{how.file, how.file == "products" || how.file == "facts" ? 2u : 1u};
  ARGOSY_ASSIGN(const auto from, container_reader::open(from_path, kind));
  ARGOSY_ASSIGN(auto to, container_writer::create(to_path, kind));
  for (const auto& [name, of] : sections().at(how.file)) {
    const bool changed = name == how.section;
    switch (of) {
      case element::u8: ARGOSY_TRY(copy_section<std::uint8_t>(from, to, name, changed, how.change)); break;
      case element::u32: ARGOSY_TRY(copy_section<std::uint32_t>(from, to, name, changed, how.change)); break;
      case element::u64: ARGOSY_TRY(copy_section<std::uint64_t>(from, to, name, changed, how.change)); break;
      default: ARGOSY_TRY(copy_section<std::int32_t>(from, to, name, changed, how.change));
    }
  }
  return to.finish();
}

// The failure to open a whole, sealed folder that differs from a good one in one section.
status open_changed(const small_shop& shop, const hostile_change& how) {
  ARGOSY_ASSIGN(auto folder, folder_writer::create(shop / "hostile", "prepared", 1));
  for (const auto& entry : fs::directory_iterator(shop / "prepared")) {
    const auto name = entry.path().filename();
    if (name == "MANIFEST") continue;
    if (name == how.file) {
      ARGOSY_TRY(rewrite(entry.path(), folder.path() / name, how));
    } else {
      fs::copy_file(entry.path(), folder.path() / name);
    }
  }
  ARGOSY_TRY(folder.seal());
  return prepared_data::open(shop / "hostile").failure();
}

BOOST_AUTO_TEST_SUITE(prepared_folders)

BOOST_AUTO_TEST_CASE(an_unchanged_copy_opens) {
  const small_shop shop;
  require_ok(shop.prepare().failure());
  for (const auto& [file, unused] : sections()) test::check_ok(open_changed(shop, {file, "", {}}));
}

BOOST_AUTO_TEST_CASE(numbers_that_lead_astray_are_refused_whatever_their_checksums) {
  const small_shop shop;
  require_ok(shop.prepare().failure());
  using numbers = std::vector<std::uint64_t>;
  const auto set = [](std::size_t at, std::uint64_t value) { return [=](numbers& n) { n.at(at) = value; }; };
  const auto more = [](std::uint64_t value) { return [=](numbers& n) { n.push_back(value); }; };
  const auto less = [](numbers& n) { n.pop_back(); };
  const auto all = [](std::uint64_t value) { return [=](numbers& n) { std::fill(n.begin(), n.end(), value); }; };
  const std::uint64_t huge = ~std::uint64_t{0} - 7;
  const std::vector<hostile_change> changes{{"facts", "number", set(0, 0)},
                                            {"facts", "number", set(0, huge)},
                                            {"facts", "number", set(0, 4)},
                                            {"facts", "number", set(1, 5)},
                                            {"facts", "number", set(2, 8)},
                                            {"facts", "number", set(2, huge)},
                                            {"facts", "number", set(3, 2)},
                                            {"facts", "number", set(3, 0)},
                                            {"facts", "number", set(4, huge)},
                                            {"facts", "number", set(5, huge)},
                                            {"facts", "number", set(5, 0)},
                                            {"facts", "number", set(6, 104)},
                                            {"facts", "number", set(7, 512)},
                                            {"facts", "number", set(7, huge)},
                                            {"facts", "number", set(8, 64)},
                                            {"facts", "backbone", more('x')},
                                            {"facts", "number", more(1)},
                                            {"facts", "number", less},
                                            {"products", "patch", less},
                                            {"products", "patch_offset", set(1, huge)},
                                            {"products", "patch_offset", set(1, 2)},
                                            {"products", "patch_offset", less},
                                            {"products", "patch_offset", set(0, 1)},
                                            {"products", "patch_offset", more(5)},
                                            {"products", "id", all(0xFF)},
                                            {"products", "id", more('x')},
                                            {"products", "id_offset", set(2, huge)},
                                            {"products", "id_offset", set(1, 3)},
                                            {"products", "title", all(0xFF)},
                                            {"products", "title_offset", all(0)},
                                            {"products", "title_offset", set(2, huge)},
                                            {"products", "image", all(0x80)},
                                            {"products", "image_offset", set(3, huge)},
                                            {"products", "image_offset", less},
                                            {"products", "token", set(1, 1000)},
                                            {"products", "token", set(0, 0xFFFFFFFF)},
                                            {"products", "token_offset", [](numbers& n) { n[3] = n[4]; }},
                                            {"products", "token_offset", set(4, huge)},
                                            {"products", "token_offset", set(1, 100)},
                                            {"queries", "token", set(0, 1000)},
                                            {"queries", "token", set(0, 0xFFFFFFFF)},
                                            {"queries", "token_offset", set(1, 0)},
                                            {"queries", "token_offset", more(1)},
                                            {"queries", "known", set(0, 5)},
                                            {"queries", "known", all(4)},
                                            {"queries", "known", more(0)},
                                            {"queries", "known_offset", set(1, huge)},
                                            {"queries", "known_offset", less},
                                            {"pairs", "query", set(0, 4)},
                                            {"pairs", "query", set(0, 0xFFFFFFFF)},
                                            {"pairs", "query", less},
                                            {"pairs", "product", set(6, 5)},
                                            {"pairs", "product", more(0)}};
  for (const auto& how : changes) BOOST_TEST_CONTEXT(how.file << " " << how.section << " case " << &how - changes.data())
  check_refused(open_changed(shop, how), errc::corrupt, {how.file == "facts" ? "want" : how.file});
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_is_found) {
  const small_shop shop;
  const auto good = shop.prepared();
  const auto whole = [&] {
    const auto opened = prepared_data::open(shop / "prepared");
    return opened.ok() && opened->verify().ok();
  };
  for (const std::string_view name : {"facts", "pairs", "queries", "vocab.txt", "refused.tsv", "MANIFEST"})
    BOOST_TEST(test::unnoticed_flips(shop / "prepared" / name, whole) == 0u, name);
  BOOST_TEST(whole());
}

BOOST_AUTO_TEST_CASE(a_flipped_pixel_is_found_on_first_touch) {
  const small_shop shop;
  require_ok(shop.prepare().failure());
  const fs::path path = shop / "prepared/products";
  std::string bytes = test::bytes_of_file(path);
  bytes[64 + 20'000] = static_cast<char>(bytes[64 + 20'000] ^ 1);
  test::write_bytes(path, bytes);
  const auto data = shop.open();
  check_refused(data.patches(1).failure(), errc::corrupt, {"products", "patch"});
  check_refused(data.verify(), errc::corrupt, {"products"});
}

BOOST_AUTO_TEST_CASE(missing_files_and_other_versions) {
  const small_shop shop;
  require_ok(shop.prepare().failure());
  check_refused(prepared_data::open(shop / "none").failure(), errc::not_found, {});
  {
    auto folder = folder_writer::create(shop / "newer", "prepared", 2);
    require_ok(folder.failure());
    require_ok(folder->seal());
  }
  check_refused(prepared_data::open(shop / "newer").failure(), errc::version_mismatch, {"newer"});
  fs::remove(shop / "prepared/pairs");
  check_refused(prepared_data::open(shop / "prepared").failure(), errc::corrupt, {"pairs"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
