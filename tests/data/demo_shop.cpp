#include "data/demo_shop.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "data/records.hpp"
#include "data/text.hpp"
#include "schema/folder.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace {

using namespace argosy;
namespace fs = std::filesystem;

demo_shop_report make(const fs::path& out, std::uint64_t seed, std::uint64_t products = 120) {
  demo_shop_options o;
  o.out = out;
  o.products = products;
  o.seed = seed;
  o.image_width = 15;
  o.image_height = 20;
  auto made = make_demo_shop(o, [](std::uint64_t, std::uint64_t) {}, {});
  test::require_ok(made.failure());
  return *made;
}

constexpr const char* files[] = {"products.jsonl.gz", "images.tar", "train_log.tsv.gz", "val_queries.tsv.gz", "val_qrels.tsv.gz"};

std::string content(const fs::path& path) { return read_file(path, 1u << 30).value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(demo_shop)

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_bytes) {
  const test::scratch_folder scratch;
  make(scratch / "a", 7);
  make(scratch / "b", 7);
  make(scratch / "c", 8);
  for (const auto* name : files) {
    BOOST_TEST((content(scratch / "a" / name) == content(scratch / "b" / name)), name);
    BOOST_TEST((content(scratch / "a" / name) != content(scratch / "c" / name)), name);
  }
}

BOOST_AUTO_TEST_CASE(it_reads_back_and_the_log_names_its_products) {
  const test::scratch_folder scratch;
  const auto report = make(scratch / "shop", 1);
  BOOST_TEST(report.products == 120U);
  BOOST_TEST(report.log_lines == 2400U);
  BOOST_TEST(report.queries > 20U);
  std::set<std::string> ids;
  const auto images = image_source::open(scratch / "shop/images.tar");
  test::require_ok(images.failure());
  const refuse none = [](const refusal& r) { BOOST_ERROR(r.reason << " " << r.detail); };
  test::require_ok(read_products(
      scratch / "shop/products.jsonl.gz",
      [&](std::uint64_t, product_record p) {
        BOOST_TEST(ids.insert(p.id).second, "repeated id " << p.id);
        const auto bytes = images->read(p.image);
        BOOST_REQUIRE(bytes.ok());
        BOOST_TEST(decode_image(*bytes)->width == 15);
        return status{};
      },
      none));
  std::size_t lines = 0;
  test::require_ok(read_log(
      scratch / "shop/train_log.tsv.gz",
      [&](std::uint64_t, log_record l) {
        ++lines;
        BOOST_TEST(ids.contains(l.product_id));
        return status{};
      },
      none));
  BOOST_TEST(lines == 2400U);
}

BOOST_AUTO_TEST_CASE(validation_queries_are_not_in_the_log_and_have_answers) {
  const test::scratch_folder scratch;
  make(scratch / "shop", 3, 300);
  const auto words = segmenter::open_default().value();
  const auto key = [&](const std::string& query) {
    auto all = words.words(query).value();
    sort_words(all);
    std::string joined;
    for (const auto& w : all) joined += w + " ";
    return joined;
  };
  const refuse none = [](const refusal& r) { BOOST_ERROR(r.reason); };
  std::set<std::string> logged;
  test::require_ok(read_log(
      scratch / "shop/train_log.tsv.gz",
      [&](std::uint64_t, log_record l) {
        logged.insert(key(l.query));
        return status{};
      },
      none));
  bool has_needs_image = false;
  std::size_t needing = 0, all = 0;
  std::map<std::string, int> answers;
  test::require_ok(read_queries(
      scratch / "shop/val_queries.tsv.gz", &has_needs_image,
      [&](std::uint64_t, query_record q) {
        BOOST_TEST(!logged.contains(key(q.query)), q.query);
        answers[q.query_id] = 0;
        needing += q.needs_image ? 1 : 0;
        ++all;
        return status{};
      },
      none));
  BOOST_TEST(has_needs_image);
  BOOST_TEST(needing > 0U);
  BOOST_TEST(needing < all);
  test::require_ok(read_qrels(
      scratch / "shop/val_qrels.tsv.gz",
      [&](std::uint64_t, qrel_record r) {
        ++answers.at(r.query_id);
        return status{};
      },
      none));
  for (const auto& [id, count] : answers) BOOST_TEST(count > 0, id);
}

BOOST_AUTO_TEST_CASE(a_folder_with_something_else_is_left_alone) {
  const test::scratch_folder scratch;
  test::require_ok(replace_file(scratch / "diary.txt", "mine"));
  demo_shop_options o;
  o.out = scratch.path();
  const auto made = make_demo_shop(o, [](std::uint64_t, std::uint64_t) {}, {});
  test::check_refused(made.failure(), errc::invalid_argument, {"\"demo-shop\""});
  BOOST_TEST(content(scratch / "diary.txt") == "mine");
}

BOOST_AUTO_TEST_CASE(a_shop_of_the_same_layout_and_one_with_something_added_are_left_alone) {
  const test::scratch_folder scratch;
  demo_shop_options o;
  o.out = scratch / "own";
  for (const char* name : {"products.jsonl.gz", "images.tar", "train_log.tsv.gz", "val_queries.tsv.gz", "val_qrels.tsv.gz"})
    test::require_ok(replace_file(o.out / name, "mine"));
  const auto ignore = [](std::uint64_t, std::uint64_t) {};
  test::check_refused(make_demo_shop(o, ignore, {}).failure(), errc::invalid_argument, {"\"demo-shop\""});
  make(scratch / "shop", 3, 20);
  test::require_ok(replace_file(scratch / "shop/notes.txt", "mine"));
  o.out = scratch / "shop";
  test::check_refused(make_demo_shop(o, ignore, {}).failure(), errc::invalid_argument, {"notes.txt"});
  BOOST_TEST(content(scratch / "shop/notes.txt") == "mine");
}

BOOST_AUTO_TEST_CASE(stopped_it_leaves_no_trace) {
  const test::scratch_folder scratch;
  demo_shop_options o;
  o.out = scratch / "shop";
  o.products = 200;
  std::stop_source stop;
  const auto made = make_demo_shop(
      o, [&](std::uint64_t, std::uint64_t) { stop.request_stop(); }, stop.get_token());
  test::check_refused(made.failure(), errc::aborted, {});
  BOOST_TEST(fs::is_empty(scratch.path()));
}

BOOST_AUTO_TEST_CASE(impossible_sizes_are_refused) {
  demo_shop_options o;
  o.products = 0;
  test::check_refused(make_demo_shop(o, [](std::uint64_t, std::uint64_t) {}, {}).failure(), errc::out_of_range, {"products", "got 0"});
  o.products = 1;
  o.image_width = 3;
  test::check_refused(make_demo_shop(o, [](std::uint64_t, std::uint64_t) {}, {}).failure(), errc::out_of_range, {"image size"});
}

BOOST_AUTO_TEST_SUITE_END()
