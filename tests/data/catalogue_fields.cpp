#include "data/catalogue_fields.hpp"

#include <boost/test/unit_test.hpp>

#include "data/records.hpp"
#include "schema/folder.hpp"
#include "tests/data/small_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::require_ok;

std::string described(const std::vector<field_value>& values) {
  std::string all;
  for (const auto& value : values) all += value.field + "=" + value.text + (value.number ? "#" : "") + ";";
  return all;
}

std::string further_of(const std::string& catalogue) {
  const test::scratch_folder folder;
  test::write_bytes(folder / "file", catalogue);
  std::string all;
  const auto take = [&](std::uint64_t, const product_record& record) {
    all += described(record.further) + "\n";
    return status{};
  };
  require_ok(read_products(folder / "file", take, [](const refusal& why) { BOOST_ERROR(why.reason + why.detail); }));
  return all;
}

std::string values_of(const catalogue_fields& fields, std::uint64_t product) {
  std::string all;
  for (const std::uint32_t value : fields.of(product))
    all += std::string(fields.name(fields.field_of(value))) + "=" + std::string(fields.text(value)) + ";";
  return all;
}

const std::string three_products = R"({"id": "1", "title": "a", "brand": "Nike", "price": 5}
{"id": "2", "title": "b", "price": "from 7", "tags": ["new", "red"]}
{"id": "3", "title": "c", "brand": "Nike", "size": 40.5}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(catalogue_fields_of_data)

BOOST_AUTO_TEST_CASE(json_values_of_every_shape) {
  BOOST_TEST(
      further_of(R"({"id": "1", "title": "a", "brand": " Nike ", "price": 649, "rate": 4.5, "new": true, "none": null, "empty": " "})") ==
      "brand=Nike;new=true;price=649#;rate=4.5#;\n");
  BOOST_TEST(further_of(R"({"id": "1", "title": "a", "tags": ["x", 3, false, null, ["y"]], "category_path": ["Apparel", " Shoes", ""]})") ==
             "category_path=Apparel > Shoes;tags=x;tags=3#;tags=false;\n");
  BOOST_TEST(further_of(R"({"id": "1", "title": "a", "attributes": {"Pattern": "Solid", "Sizes": [1, 2], "deep": {"no": 1}}})") ==
             "attributes.Pattern=Solid;attributes.Sizes=1#;attributes.Sizes=2#;\n");
  BOOST_TEST(further_of(R"({"id": "1", "title": "a", "path": ["x", 1]})") == "path=x;path=1#;\n");
}

BOOST_AUTO_TEST_CASE(further_columns_of_tsv) {
  BOOST_TEST(further_of("brand\tid\ttitle\tprice\t\nNike\t1\ta\t649\tx\n\t2\tb\t1e999\t\nPuma\t3\tc\t 7.5 \t\n") ==
             "brand=Nike;price=649#;\nprice=1e999;\nbrand=Puma;price=7.5#;\n");
}

BOOST_AUTO_TEST_CASE(prepared_data_keeps_them) {
  test::small_shop shop;
  shop.catalogue(three_products);
  const auto data = shop.prepared();
  const auto fields = data.fields();
  require_ok(fields.failure());
  BOOST_TEST(fields->fields() == 4u);
  BOOST_TEST(values_of(*fields, 0) == "brand=Nike;price=5;");
  BOOST_TEST(values_of(*fields, 1) == "price=from 7;tags=new;tags=red;");
  BOOST_TEST(values_of(*fields, 2) == "brand=Nike;size=40.5;");
  BOOST_TEST(fields->values() == 6u);
  for (std::uint32_t f = 0; f < 4; ++f) BOOST_TEST(fields->is_number(f) == (fields->name(f) == "size"));
}

BOOST_AUTO_TEST_CASE(values_of_refused_records_belong_to_no_product) {
  test::small_shop shop;
  shop.catalogue("id\ttitle\timage\tbrand\n1\ta\t\tNike\n2\t\tmissing.jpg\tPuma\n3\tb\t\tFila\n");
  const auto data = shop.prepared();
  BOOST_REQUIRE(data.products() == 2u);
  BOOST_TEST(values_of(*data.fields(), 0) == "brand=Nike;");
  BOOST_TEST(values_of(*data.fields(), 1) == "brand=Fila;");
}

BOOST_AUTO_TEST_CASE(data_of_before_is_read_as_without_and_has_the_same_fingerprint) {
  test::small_shop shop;
  shop.catalogue(three_products);
  const auto with = shop.prepared();
  auto old = folder_writer::create(shop / "old", "prepared", 1);
  require_ok(old.failure());
  for (const auto& entry : std::filesystem::directory_iterator(shop.options().out))
    if (entry.path().filename() != "fields" && entry.path().filename() != "MANIFEST")
      std::filesystem::copy_file(entry.path(), old->path() / entry.path().filename());
  require_ok(old->seal());
  const auto without = prepared_data::open(shop / "old");
  require_ok(without.failure());
  BOOST_TEST(without->fields()->fields() == 0u);
  BOOST_TEST(without->fields()->of(2).empty());
  BOOST_TEST(without->fingerprint() == with.fingerprint());
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_is_found) {
  test::small_shop shop;
  shop.catalogue(three_products);
  const auto data = shop.prepared();
  const auto path = shop.options().out / "fields";
  std::string bytes = test::bytes_of_file(path);
  bytes[70] = static_cast<char>(bytes[70] ^ 1);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  test::write_bytes(path, bytes);
  check_refused(data.fields().failure(), errc::corrupt, {"fields"});
}

BOOST_AUTO_TEST_CASE(fields_beyond_the_most_are_counted) {
  std::string record = R"({"id": "1", "title": "a")";
  for (std::size_t i = 0; i < most_fields + 3; ++i) record += ", \"f" + std::to_string(i) + "\": 1";
  test::small_shop shop;
  shop.catalogue(record + "}\n");
  const auto report = shop.prepare();
  require_ok(report.failure());
  BOOST_TEST(report->fields == most_fields);
  BOOST_TEST(report->values_left_out == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
