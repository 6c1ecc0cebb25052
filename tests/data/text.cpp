#include "data/text.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/folders.hpp"

namespace argosy {
namespace {

using words = std::vector<std::string>;

// A list of its own, so that the test does not need Debian's.
segmenter small_list(const test::scratch_folder& folder) {
  std::ofstream(folder / "words.txt") << "连衣裙 61 nr\n红色 4243 n\n耐克 30 nz\n连衣 5\n衣裙 20\n裙 100\n红 900\nT恤 3\n";
  auto opened = segmenter::open(folder / "words.txt");
  BOOST_REQUIRE_MESSAGE(opened.ok(), opened.failure().text());
  return std::move(opened).value();
}

words split(const segmenter& by, std::string_view text) {
  auto found = by.words(text);
  BOOST_REQUIRE_MESSAGE(found.ok(), found.failure().text());
  return std::move(found).value();
}

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(normalises_width_case_and_composition) {
  BOOST_TEST(normalise_text("ＮＩＫＥ Straße ﬁt").value() == "nike strasse fit");
  BOOST_TEST(normalise_text("e\u0301").value() == "\u00e9");
  BOOST_TEST(normalise_text("RED").value() == "red");
}

BOOST_AUTO_TEST_CASE(refuses_invalid_utf8_and_names_the_byte) {
  for (const std::string bad : {"ab\xff", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xe4\xbd", "ab\xf4\x90\x80\x80", "ab\x80"}) {
    const auto got = normalise_text(bad);
    BOOST_REQUIRE(!got.ok());
    BOOST_TEST((got.failure().code() == errc::invalid_argument));
    BOOST_TEST(got.failure().message().find("byte 2") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(splits_at_what_is_neither_letter_mark_nor_digit) {
  const auto by = segmenter::icu().value();
  BOOST_TEST(split(by, "Men's T-Shirt, 3/4 u.s.") == (words{"men", "s", "t", "shirt", "3", "4", "u", "s"}),
             boost::test_tools::per_element());
  BOOST_TEST(split(by, "400ml_Caf\u0065\u0301") == (words{"400ml", "caf\u00e9"}), boost::test_tools::per_element());
  BOOST_TEST(split(by, " -- ").empty());
  BOOST_TEST(split(by, "").empty());
}

BOOST_AUTO_TEST_CASE(segments_han_by_maximum_probability) {
  const test::scratch_folder folder;
  const auto by = small_list(folder);
  BOOST_TEST(split(by, "红色连衣裙") == (words{"红色", "连衣裙"}), boost::test_tools::per_element());
  BOOST_TEST(split(by, "耐克Nike连衣裙2024") == (words{"耐克", "nike", "连衣裙", "2024"}), boost::test_tools::per_element());
  BOOST_TEST(split(by, "龘红色") == (words{"龘", "红色"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(debian_word_list_keeps_product_words_whole) {
  const auto by = segmenter::open_default().value();
  if (by.source() == "ICU") {
    BOOST_TEST_MESSAGE("skipped: python3-jieba is not installed");
    return;
  }
  BOOST_TEST(split(by, "红色连衣裙") == (words{"红色", "连衣裙"}), boost::test_tools::per_element());
  BOOST_TEST(split(by, "耐克") == words{"耐克"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(icu_is_the_fallback_for_han) {
  std::string joined;
  for (const auto& word : split(segmenter::icu().value(), "红色连衣裙")) joined += word;
  BOOST_TEST(joined == "红色连衣裙");
}

BOOST_AUTO_TEST_CASE(a_model_gets_the_segmenter_it_was_trained_with) {
  const test::scratch_folder folder;
  const auto list = small_list(folder);
  ::setenv("ARGOSY_WORD_LIST", (folder / "words.txt").c_str(), 1);
  BOOST_TEST(segmenter::open_default().value().source() == list.source());
  BOOST_TEST(segmenter::open_like(list.source()).value().source() == list.source());
  BOOST_TEST(segmenter::open_like("ICU").value().source() == "ICU");
  std::ofstream(folder / "words.txt", std::ios::app) << "连 1\n";
  const auto other = segmenter::open_like(list.source()).value();
  BOOST_TEST(other.source() != list.source());
  BOOST_TEST(other.source().starts_with("word list words.txt xxh3 "));
  ::unsetenv("ARGOSY_WORD_LIST");
}

BOOST_AUTO_TEST_CASE(a_broken_word_list_names_its_line) {
  const test::scratch_folder folder;
  std::ofstream(folder / "words.txt") << "红色 4243\n连衣裙\n";
  const auto opened = segmenter::open(folder / "words.txt");
  BOOST_REQUIRE(!opened.ok());
  BOOST_TEST(opened.failure().message().find("words.txt:2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(query_id_ignores_order_case_and_width) {
  const auto id = query_id_of({"dress", "red"}).value();
  BOOST_TEST((id == query_id_of({"RED", "Dress"}).value()));
  BOOST_TEST((id != query_id_of({"dress", "red", "red"}).value()));
}

// Stores hold these numbers: another hash of the same words would lose what they hold. They are those of golden/qid.json.
BOOST_AUTO_TEST_CASE(query_id_is_what_it_was) {
  const auto id = query_id_of({"red", "dress"}).value();
  BOOST_TEST(id.qid == 2576864105u);
  BOOST_TEST(id.check == 16794793719511749511ull);
  BOOST_TEST(query_id_of({"连衣裙", "红色"}).value().qid == 1262118270u);
  BOOST_TEST(query_id_of({}).value().qid == 1183664511u);
}

BOOST_AUTO_TEST_CASE(query_id_equals_the_reference) {
  const auto golden = test::golden_folder();
  if (!golden) {
    BOOST_TEST_MESSAGE("skipped: no reference values (ARGOSY_GOLDEN)");
    return;
  }
  std::ifstream file(*golden / "qid.json");
  for (const auto& row : nlohmann::json::parse(file)) {
    auto given = row["words"].get<words>();
    const auto id = query_id_of(given).value();
    BOOST_TEST(id.qid == row["qid"].get<std::uint32_t>());
    BOOST_TEST(std::to_string(id.check) == row["check"].get<std::string>());
    for (auto& word : given) word = normalise_text(word).value();
    sort_words(given);
    BOOST_TEST(given == row["normalised"].get<words>(), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
