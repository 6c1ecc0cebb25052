#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "data/text.hpp"
#include "tests/support/folders.hpp"

namespace argosy {
namespace {

using ids = std::vector<std::int32_t>;

constexpr std::string_view small = "[PAD]\n[UNK]\n[CLS]\nred\ndress\ndre\n##ss\n##es\nd\n##s\n连\n衣\n##裙\n";

ids encode(const vocabulary& by, const std::vector<std::string>& words, std::size_t longest = 32) { return by.encode(words, longest); }

BOOST_AUTO_TEST_SUITE(vocabulary_of_pieces)

BOOST_AUTO_TEST_CASE(longest_piece_first_and_unknown_words_whole) {
  const auto by = vocabulary::from_text(small, "small").value();
  BOOST_TEST(encode(by, {"red", "dress"}) == (ids{2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(encode(by, {"dresses"}) == (ids{2, 4, 7}), boost::test_tools::per_element());
  BOOST_TEST(encode(by, {"dressx", "red"}) == (ids{2, 1, 3}), boost::test_tools::per_element());
  BOOST_TEST(encode(by, {"连衣", "连裙"}) == (ids{2, 10, 11, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(cuts_to_the_length_and_refuses_endless_words) {
  const auto by = vocabulary::from_text(small, "small").value();
  BOOST_TEST(encode(by, {"red", "dresses", "red"}, 4) == (ids{2, 3, 4, 7}), boost::test_tools::per_element());
  BOOST_TEST(encode(by, {}, 4) == ids{2}, boost::test_tools::per_element());
  BOOST_TEST(encode(by, {"d" + std::string(99, 's')}, 200).size() > 2);
  BOOST_TEST(encode(by, {"d" + std::string(100, 's')}, 200) == (ids{2, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(text_is_the_file) {
  BOOST_TEST(vocabulary::from_text(small, "small").value().text() == small);
  BOOST_TEST(vocabulary::from_text("[CLS]\r\n[UNK]\r\nred", "small").value().piece(2) == "red");
}

BOOST_AUTO_TEST_CASE(wants_cls_and_unk) {
  const test::scratch_folder folder;
  std::ofstream(folder / "vocab.txt") << "[PAD]\n[UNK]\nred\n";
  const auto loaded = vocabulary::load(folder / "vocab.txt");
  BOOST_REQUIRE(!loaded.ok());
  BOOST_TEST((loaded.failure().code() == errc::invalid_argument));
  BOOST_TEST(loaded.failure().message().find("vocab.txt") != std::string::npos);
  BOOST_TEST(loaded.failure().message().find("[CLS]") != std::string::npos);
  BOOST_TEST(!vocabulary::from_text("[CLS]\nred\n", "small").ok());
  BOOST_TEST(!vocabulary::from_text("[CLS]\n[UNK]\nr\xff\n", "small").ok());
}

BOOST_AUTO_TEST_CASE(trains_the_most_frequent_merges) {
  const std::vector<counted_word> words{{"abab", 10}, {"abc", 5}, {"cab", 4}, {"连衣", 2}, {"q", 1}};
  const auto trained = train_vocabulary(words, 19).value();
  // Pairs: a ##b 15; ##a ##b 14; ##b ##a 10. After the first two: ab ##ab 10, ab ##c 5.
  BOOST_TEST(trained.text() == "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\nb\n##b\nc\n##c\n衣\n连\nab\n##ab\nabab\nabc\ncab\n连衣\n");
  BOOST_TEST(encode(trained, {"abab", "abc", "连衣", "q"}) == (ids{2, 15, 16, 18, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(training_does_not_depend_on_the_order_of_words) {
  std::vector<counted_word> words{{"shirt", 7}, {"shirts", 7}, {"skirt", 7}, {"skirts", 3}, {"short", 7}, {"shorts", 7}, {"aaaa", 7}};
  const auto once = train_vocabulary(words, 60).value().text();
  std::reverse(words.begin(), words.end());
  BOOST_TEST(train_vocabulary(words, 60).value().text() == once);
}

BOOST_AUTO_TEST_CASE(no_trained_word_is_unknown) {
  const std::vector<counted_word> words{{"shirt", 2}, {"strih", 3}, {"aaaaa", 2}};
  const auto trained = train_vocabulary(words, 1000).value();
  for (const auto& [word, count] : words)
    for (const auto id : encode(trained, {word})) BOOST_TEST(id != trained.unk());
}

BOOST_AUTO_TEST_CASE(a_small_size_keeps_the_most_frequent_characters) {
  const std::vector<counted_word> words{{"aab", 2}, {"c", 9}};
  BOOST_TEST(train_vocabulary(words, 8).value().text() == "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nc\n##c\n");
  BOOST_TEST(!train_vocabulary(words, 6).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
