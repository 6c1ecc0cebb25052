#include "data/records.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/data/small_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using test::check_ok;
using test::check_refused;
using lines = std::vector<std::string>;

struct reading {
  lines records, refused;
  status outcome;

  refuse refusals() {
    return [this](const refusal& why) { refused.push_back(std::to_string(why.line) + " " + why.reason); };
  }
};

struct file {
  test::scratch_folder folder;
  std::filesystem::path path = folder / "file";
  explicit file(const std::string& content) { test::write_bytes(path, content); }
};

reading products(const std::filesystem::path& path) {
  reading got;
  const auto take = [&](std::uint64_t line, const product_record& r) {
    got.records.push_back(std::to_string(line) + " " + r.id + "|" + r.title + "|" + r.image);
    return status{};
  };
  got.outcome = read_products(path, take, got.refusals());
  return got;
}

reading log(const std::filesystem::path& path) {
  reading got;
  const auto take = [&](std::uint64_t line, const log_record& r) {
    got.records.push_back(std::to_string(line) + " " + r.query + "|" + r.product_id);
    return status{};
  };
  got.outcome = read_log(path, take, got.refusals());
  return got;
}

void check(const lines& got, const lines& want) { BOOST_TEST(got == want, boost::test_tools::per_element()); }

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(json_lines) {
  const file given(
      "\xEF\xBB\xBF{\"id\": \"a\", \"title\": \"T\\u00e9\", \"image\": \"a.jpg\", \"x\": [1, {}]}\r\n\n{\"id\": 7, \"title\": null, "
      "\"image\": \"b\"}\n"
      "{\"title\": \"c\"}\n{\"id\": \"d\"}\n{\"id\": \"e\", \"title\": 1.5}\n[1]\n{\"id\": \n{\"id\": "
      "\"\xff\"}\n{\"id\":\"z\",\"title\":\"\\ud800\"}\n"
      "{\"id\": \"y\", \"title\": \"last\"}");
  const auto got = products(given.path);
  check_ok(got.outcome);
  check(got.records, {"1 a|T\u00e9|a.jpg", "3 7||b", "11 y|last|"});
  check(got.refused, {"4 id missing", "5 title and image missing", "6 field of a wrong type", "7 invalid JSON", "8 invalid JSON",
                      "9 invalid UTF-8", "10 invalid JSON"});
}

BOOST_AUTO_TEST_CASE(tsv_with_a_header_in_any_order) {
  const file given("image\tprice\ttitle\tid\r\na.jpg\t5\tRed\t1\r\n\t5\t\t2\nx\ty\n\t\tBlue\t3");
  const auto got = products(given.path);
  check_ok(got.outcome);
  check(got.records, {"2 1|Red|a.jpg", "5 3|Blue|"});
  check(got.refused, {"3 title and image missing", "4 wrong number of columns"});
}

BOOST_AUTO_TEST_CASE(a_header_without_a_needed_column_says_what_was_wanted) {
  const file given("query\tproduct\nred\t1\n");
  check_refused(log(given.path).outcome, errc::invalid_argument, {":1:", "query, product_id", "query\tproduct"});
}

BOOST_AUTO_TEST_CASE(an_empty_file_and_no_file) {
  check_refused(log(file("").path).outcome, errc::invalid_argument, {"empty", "query, product_id"});
  check_refused(log(file("\n\n").path).outcome, errc::invalid_argument, {"empty"});
  check_refused(log("/nowhere/log.tsv").outcome, errc::not_found, {"/nowhere/log.tsv"});
  check_refused(log("/tmp").outcome, errc::io_error, {"/tmp"});
}

BOOST_AUTO_TEST_CASE(gzip_is_told_from_the_content_and_its_end_is_wanted) {
  const test::scratch_folder folder;
  std::string content = "query\tproduct_id\n";
  for (int i = 0; i < 20000; ++i) content += "query " + std::to_string(i * 7919 % 20011) + "\t" + std::to_string(i) + "\n";
  test::write_gzip(folder / "log", content);
  const auto whole = log(folder / "log");
  check_ok(whole.outcome);
  BOOST_TEST(whole.records.size() == 20000u);

  const std::string good = test::bytes_of_file(folder / "log");
  for (const std::size_t length : {std::size_t{11}, good.size() / 2, good.size() - 1}) {
    test::write_bytes(folder / "log", good.substr(0, length));
    check_refused(log(folder / "log").outcome, errc::corrupt, {"log", "truncated"});
  }
  std::string damaged = good;
  damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 0x10);
  test::write_bytes(folder / "log", damaged);
  check_refused(log(folder / "log").outcome, errc::corrupt, {"log"});
}

BOOST_AUTO_TEST_CASE(endless_lines_are_refused_and_reading_goes_on) {
  std::string content = "query\tproduct_id\nred\t1\n";
  content += std::string(std::size_t{17} << 20, 'x') + "\t2\nblue\t3\n";
  const file given(content);
  const auto got = log(given.path);
  check_ok(got.outcome);
  check(got.records, {"2 red|1", "4 blue|3"});
  check(got.refused, {"3 line too long"});
}

BOOST_AUTO_TEST_CASE(lines_across_the_chunks_of_reading) {
  std::string content = "query\tproduct_id\n";
  for (int i = 0; i < 40; ++i) content += std::string(100'003, static_cast<char>('a' + i % 26)) + "\t" + std::to_string(i) + "\n";
  const file given(content);
  const auto got = log(given.path);
  check_ok(got.outcome);
  BOOST_REQUIRE(got.records.size() == 40u);
  for (int i = 0; i < 40; ++i)
    BOOST_TEST((got.records[static_cast<std::size_t>(i)] ==
                std::to_string(i + 2) + " " + std::string(100'003, static_cast<char>('a' + i % 26)) + "|" + std::to_string(i)));
}

BOOST_AUTO_TEST_CASE(a_failure_of_the_taker_ends_the_reading) {
  const file given("query\tproduct_id\nred\t1\nblue\t2\n");
  int taken = 0;
  const auto outcome = read_log(
      given.path,
      [&](std::uint64_t, const log_record&) {
        ++taken;
        return status{errc::aborted, "enough"};
      },
      [](const refusal&) {});
  check_refused(outcome, errc::aborted, {"enough"});
  BOOST_TEST(taken == 1);
}

BOOST_AUTO_TEST_CASE(queries_and_judgements) {
  reading got;
  bool has_needs_image = false;
  const auto take_query = [&](std::uint64_t, const query_record& r) {
    got.records.push_back(r.query_id + "|" + r.query + "|" + (r.needs_image ? "image" : "text"));
    return status{};
  };
  const file queries("query_id\tquery\tneeds_image\nq1\tred\t1\nq2\tblue\t0\nq3\tgreen\tmaybe\nq4\t\t1\n\tred\t1\n");
  check_ok(read_queries(queries.path, &has_needs_image, take_query, got.refusals()));
  check(got.records, {"q1|red|image", "q2|blue|text"});
  check(got.refused, {"4 field of a wrong type", "5 empty query", "6 query_id missing"});
  BOOST_TEST(has_needs_image);

  const file without("query_id\tquery\nq1\tred\n");
  check_ok(read_queries(without.path, &has_needs_image, take_query, got.refusals()));
  BOOST_TEST(!has_needs_image);

  reading grades;
  const file qrels("query_id\tproduct_id\tgrade\nq1\t7\t2\nq1\t8\t2x\nq1\t\t1\n");
  const auto take_qrel = [&](std::uint64_t, const qrel_record& r) {
    grades.records.push_back(r.query_id + "|" + r.product_id + "|" + std::to_string(r.grade));
    return status{};
  };
  check_ok(read_qrels(qrels.path, take_qrel, grades.refusals()));
  check(grades.records, {"q1|7|2"});
  check(grades.refused, {"3 not a number", "4 product_id missing"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
