#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "data/refusal_reasons.hpp"
#include "tests/data/small_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_refused;
using test::require_ok;
using test::small_shop;

prepare_report prepared(const small_shop& shop) {
  const auto report = shop.prepare();
  require_ok(report.failure());
  return *report;
}

std::uint64_t refused(const prepare_report& report, std::string_view why) {
  const auto found = report.refused.find(std::string(why));
  return found == report.refused.end() ? 0 : found->second;
}

std::vector<std::string> words_of(const vocabulary& vocab, std::span<const std::int32_t> tokens) {
  std::vector<std::string> words;
  for (const std::int32_t token : tokens) {
    const auto piece = vocab.piece(token);
    if (piece.starts_with("##"))
      words.back() += piece.substr(2);
    else
      words.emplace_back(piece);
  }
  return words;
}

// Nothing of a failed attempt is left: neither the target nor what it was to become.
void check_nothing_written(const small_shop& shop) {
  for (const auto& entry : fs::directory_iterator(shop.path()))
    BOOST_TEST(!entry.path().filename().string().starts_with("prepared"), entry.path().string());
}

using words = std::vector<std::string>;
const auto per_element = boost::test_tools::per_element();

BOOST_AUTO_TEST_SUITE(preparing)

BOOST_AUTO_TEST_CASE(what_goes_in_comes_out) {
  const small_shop shop;
  const auto report = prepared(shop);
  BOOST_TEST(report.products_read == 5u);
  BOOST_TEST(report.products_kept == 5u);
  BOOST_TEST(report.images_read == 4u);
  BOOST_TEST(report.titles_kept == 4u);
  BOOST_TEST(report.log_read == 9u);
  BOOST_TEST(report.log_kept == 9u);
  BOOST_TEST(report.queries == 4u);
  BOOST_TEST(report.pairs == 7u);
  BOOST_TEST(report.refused.empty());

  const auto data = shop.open();
  BOOST_TEST(data.products() == 5u);
  BOOST_TEST(data.product_id(1) == "2");
  BOOST_TEST(data.title(2) == "红色连衣裙");
  BOOST_TEST(data.image_name(4) == "5.jpg");
  BOOST_TEST(words_of(data.vocab(), data.title_tokens(1)) == (words{"[CLS]", "blue", "dress", "dress"}), per_element);
  BOOST_TEST(words_of(data.vocab(), data.title_tokens(3)) == (words{"[CLS]", "green", "shoe"}), per_element);
  BOOST_TEST(data.title_tokens(4).empty());
  BOOST_TEST(words_of(data.vocab(), data.query_tokens(0)) == (words{"[CLS]", "dress", "red"}), per_element);
  BOOST_TEST(words_of(data.vocab(), data.query_tokens(1)) == (words{"[CLS]", "dress"}), per_element);
  BOOST_TEST(data.verify().ok());
}

BOOST_AUTO_TEST_CASE(pairs_are_unique_and_in_the_order_of_the_log) {
  const auto data = small_shop().prepared();
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> want{{0, 0}, {0, 2}, {1, 0}, {1, 1}, {1, 4}, {2, 2}, {3, 3}};
  BOOST_REQUIRE(data.pairs() == want.size());
  for (std::uint64_t i = 0; i < want.size(); ++i) {
    BOOST_TEST(data.pair_query(i) == want[i].first);
    BOOST_TEST(data.pair_product(i) == want[i].second);
  }
  const std::vector<std::uint32_t> known{0, 1, 4};
  BOOST_TEST(data.known_products(1) == known, per_element);
}

BOOST_AUTO_TEST_CASE(patches_are_those_of_the_picture_in_the_wanted_size) {
  small_shop shop;
  shop.image("2.jpg", test::jpeg_of(77, 31, 200));
  const auto data = shop.prepared();
  BOOST_TEST(data.patch_width() == 15 * 20 * 3);
  BOOST_TEST(data.patches(3).value().empty());
  for (const auto& [product, grey] : {std::pair{0, 10}, std::pair{1, 77}, std::pair{4, 250}}) {
    const auto patches = data.patches(static_cast<std::uint64_t>(product)).value();
    BOOST_REQUIRE(patches.size() == 16u * 900u);
    for (const std::uint8_t value : patches) BOOST_REQUIRE(std::abs(value - grey) <= 3);
  }
}

BOOST_AUTO_TEST_CASE(the_same_input_gives_the_same_bytes) {
  const small_shop shop;
  const auto once = shop.prepared();
  auto options = shop.options();
  options.out = shop / "again";
  require_ok(shop.prepare(options).failure());
  for (const auto& entry : fs::directory_iterator(shop / "prepared"))
    BOOST_TEST((test::bytes_of_file(entry.path()) == test::bytes_of_file(shop / "again" / entry.path().filename())), entry.path().string());
  BOOST_TEST(once.fingerprint() == prepared_data::open(options.out)->fingerprint());
  options.title_length = 7;
  require_ok(shop.prepare(options).failure());
  BOOST_TEST(once.fingerprint() != prepared_data::open(options.out)->fingerprint());
}

BOOST_AUTO_TEST_CASE(images_from_a_tar_are_those_of_the_folder) {
  const small_shop shop;
  require_ok(shop.prepare().failure());
  std::vector<test::tar_entry> entries;
  for (const std::string name : {"1.jpg", "2.jpg", "3.jpg", "5.jpg"})
    entries.push_back({name, test::bytes_of_file(shop / "images" / name)});
  test::write_tar(shop / "images.tgz", "ustar", true, entries);
  auto options = shop.options();
  options.images = shop / "images.tgz";
  options.out = shop / "from_tar";
  require_ok(shop.prepare(options).failure());
  BOOST_TEST((test::bytes_of_file(shop / "prepared/products") == test::bytes_of_file(shop / "from_tar/products")));
}

BOOST_AUTO_TEST_CASE(a_catalogue_alone_and_one_of_one_product) {
  small_shop shop;
  auto options = shop.options();
  options.log.clear();
  const auto alone = shop.prepare(options);
  require_ok(alone.failure());
  BOOST_TEST(shop.open().pairs() == 0u);
  BOOST_TEST(shop.open().products() == 5u);

  shop.catalogue("id\ttitle\timage\n1\tRed dress\t1.jpg\n");
  shop.log("query\tproduct_id\nred\t1\n");
  const auto one = prepared(shop);
  BOOST_TEST(one.pairs == 1u);
  BOOST_TEST(shop.open().products() == 1u);
  BOOST_TEST(shop.open().log_p(0) == 0.0f);
}

BOOST_AUTO_TEST_CASE(titles_alone) {
  const small_shop shop;
  auto options = shop.options();
  options.images.clear();
  const auto report = shop.prepare(options);
  require_ok(report.failure());
  BOOST_TEST(report->images_read == 0u);
  BOOST_TEST(report->products_kept == 4u);  // the fifth has no title
  BOOST_TEST(refused(*report, reason::nothing_to_match) == 1u);
  BOOST_TEST(refused(*report, reason::unknown_product) == 1u);
}

BOOST_AUTO_TEST_CASE(a_given_vocabulary_is_used_and_checked) {
  const small_shop shop;
  auto options = shop.options();
  options.vocab = shop / "vocab.txt";
  test::write_bytes(options.vocab, "[UNK]\n[CLS]\nred\ndress\n");
  require_ok(shop.prepare(options).failure());
  const std::vector<std::int32_t> want{1, 3, 2};
  BOOST_TEST(shop.open().query_tokens(0) == want, per_element);
  fs::remove_all(options.out);
  test::write_bytes(options.vocab, "[UNK]\nred\ndress\n");
  check_refused(shop.prepare(options).failure(), errc::invalid_argument, {"vocab.txt", "[CLS]"});
  check_nothing_written(shop);
}

BOOST_AUTO_TEST_CASE(bad_images_leave_the_title) {
  small_shop shop;
  const std::string good = test::bytes_of_file(shop / "images/1.jpg");
  shop.image("1.jpg", good.substr(0, good.size() / 2));
  shop.image("2.jpg", "GIF89a and not even that");
  shop.image("3.jpg", test::png_header(60'000, 60'000));
  fs::remove(shop / "images/5.jpg");
  const auto report = prepared(shop);
  BOOST_TEST(report.images_read == 0u);
  BOOST_TEST(report.products_kept == 4u);
  BOOST_TEST(refused(report, reason::image_unreadable) == 3u);
  BOOST_TEST(refused(report, reason::image_missing) == 1u);
  BOOST_TEST(refused(report, reason::nothing_to_match) == 1u);  // 5 had its image alone
  BOOST_TEST(refused(report, reason::unknown_product) == 1u);
  const auto list = test::bytes_of_file(shop / "prepared/refused.tsv");
  BOOST_TEST(list.find("products.jsonl\t3\timage unreadable\t") != std::string::npos, list);
  BOOST_TEST(list.find("products.jsonl\t5\ttitle and image missing\t5\n") != std::string::npos, list);
  BOOST_TEST(list.find("log.tsv\t7\tunknown product\t5\n") != std::string::npos, list);
}

BOOST_AUTO_TEST_CASE(bad_records_are_counted_by_reason) {
  small_shop shop;
  shop.catalogue(
      "{\"id\": \"1\", \"title\": \"Red\"}\n{\"id\": \"1\", \"title\": \"Blue\"}\n{\"id\": \"2\"}\n{\"id\": \"3\", \"title\": \"\xff\"}\n"
      "{\"id\": \"4\", \"title\": \"!!!\"}\n{\"id\": \"5\", \"title\": \"x\", \"image\": \"../log.tsv\"}\n");
  shop.log("query\tproduct_id\nred\t1\n...\t1\nred\t9\nre\xff\t1\n\t1\nred\t5\n");
  const auto report = prepared(shop);
  BOOST_TEST(report.products_read == 6u);
  BOOST_TEST(report.products_kept == 2u);
  BOOST_TEST(report.log_read == 6u);
  BOOST_TEST(report.log_kept == 2u);
  BOOST_TEST(refused(report, reason::repeated_id) == 1u);
  BOOST_TEST(refused(report, reason::nothing_to_match) == 2u);
  BOOST_TEST(refused(report, reason::invalid_utf8) == 2u);
  BOOST_TEST(refused(report, reason::image_unreadable) == 1u);
  BOOST_TEST(refused(report, reason::no_query) == 2u);
  BOOST_TEST(refused(report, reason::unknown_product) == 1u);
  BOOST_TEST(shop.open().title(0) == "Red");
}

BOOST_AUTO_TEST_CASE(a_list_of_refusals_elsewhere) {
  small_shop shop;
  shop.log("query\tproduct_id\nred\t1\nred\t9\n");
  auto options = shop.options();
  options.refusals = shop / "why.tsv";
  require_ok(shop.prepare(options).failure());
  BOOST_TEST(test::bytes_of_file(shop / "why.tsv") == "file\tline\treason\tdetail\nlog.tsv\t3\tunknown product\t9\n");
  BOOST_TEST(test::bytes_of_file(shop / "prepared/refused.tsv") == test::bytes_of_file(shop / "why.tsv"));
}

BOOST_AUTO_TEST_CASE(strict_stops_at_the_first_refusal) {
  small_shop shop;
  shop.log("query\tproduct_id\nred\t1\nred\t9\n");
  auto options = shop.options();
  options.strict = true;
  check_refused(shop.prepare(options).failure(), errc::invalid_argument, {"log.tsv:3", "unknown product", "9"});
  check_nothing_written(shop);
}

BOOST_AUTO_TEST_CASE(nothing_usable_is_an_error_that_says_what_was_wanted) {
  small_shop shop;
  shop.log("");
  check_refused(shop.prepare().failure(), errc::invalid_argument, {"log.tsv", "empty", "query, product_id"});
  shop.log("query\tproduct_id\n");
  check_refused(shop.prepare().failure(), errc::invalid_argument, {"log.tsv", "0 lines"});
  shop.log("query\tproduct_id\nred\t9\n");
  check_refused(shop.prepare().failure(), errc::invalid_argument, {"log.tsv", "1 unknown product"});
  shop.catalogue("");
  check_refused(shop.prepare().failure(), errc::invalid_argument, {"products.jsonl", "empty"});
  shop.catalogue("id\ttitle\n1\t?\n");
  check_refused(shop.prepare().failure(), errc::invalid_argument, {"products.jsonl", "1 title and image missing"});
  auto options = shop.options();
  options.image_width = 3;
  check_refused(shop.prepare(options).failure(), errc::invalid_argument, {"image_width", "got 3"});
  check_nothing_written(shop);
}

BOOST_AUTO_TEST_CASE(stopped_it_leaves_no_trace) {
  const small_shop shop;
  for (const std::string_view when : {"catalogue", "images", "log", "vocabulary", "writing"}) {
    std::stop_source source;
    const auto stop_at = [&](const prepare_progress& now) {
      if (now.stage == when) source.request_stop();
    };
    const auto got = prepare(shop.options(), stop_at, source.get_token());
    check_refused(got.failure(), errc::aborted, {});
    check_nothing_written(shop);
  }
}

BOOST_AUTO_TEST_CASE(killed_at_any_moment_the_data_is_whole) {
  const small_shop shop;
  const auto before = shop.prepared().fingerprint();
  const auto prepare_again = [&] { (void)shop.prepare(); };
  test::kill_at_random_moments(20, prepare_again, [&] {
    const auto opened = prepared_data::open(shop / "prepared");
    require_ok(opened.failure());
    test::check_ok(opened->verify());
    BOOST_TEST(opened->fingerprint() == before);
  });
  require_ok(shop.prepare().failure());
  for (const auto& entry : fs::directory_iterator(shop.path()))
    BOOST_TEST(entry.path().string().find("partial") == std::string::npos, entry.path().string());
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_and_leaves_nothing) {
  const small_shop shop;
  const test::small_disk disk(32 * 1024);
  if (!disk) return;
  auto options = shop.options();
  options.out = disk / "prepared";
  check_refused(shop.prepare(options).failure(), errc::io_error, {"prepared"});
  BOOST_TEST(fs::is_empty(disk.path()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
