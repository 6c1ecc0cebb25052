// Real shopping queries and BERT's Chinese vocabulary, where they are at hand.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <random>

#include "data/text.hpp"
#include "tests/support/folders.hpp"

namespace argosy {
namespace {

using words = std::vector<std::string>;

std::vector<words> queries_in_words(const std::filesystem::path& file, const segmenter& by) {
  std::vector<words> queries;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    auto split = by.words(line);
    BOOST_REQUIRE_MESSAGE(split.ok(), split.failure().text());
    queries.push_back(std::move(split).value());
  }
  return queries;
}

double share_of_unknown(const vocabulary& vocab, const std::vector<words>& queries) {
  std::ptrdiff_t pieces = 0, unknown = 0;
  for (auto query : queries) {
    sort_words(query);
    const auto tokens = vocab.encode(query, 1000);
    pieces += std::ssize(tokens) - 1;  // without [CLS]
    unknown += std::count(tokens.begin(), tokens.end(), vocab.unk());
  }
  return static_cast<double>(unknown) / static_cast<double>(pieces);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chinese_queries)

BOOST_AUTO_TEST_CASE(hardly_a_piece_is_unknown_and_the_order_of_words_does_not_matter) {
  const auto data = test::shared_data();
  if (!data) {
    BOOST_TEST_MESSAGE("skipped: no data folder (ARGOSY_DATA, else ../shared/data)");
    return;
  }
  const auto vocab = vocabulary::load(*data / "zh/vocab.txt").value();
  std::mt19937 random(1);
  for (const auto& by : {segmenter::open_default().value(), segmenter::icu().value()}) {
    const auto queries = queries_in_words(*data / "zh/queries.txt", by);
    BOOST_TEST(queries.size() == 20000u);
    // 95 of the 135,276 letters, marks and digits are not in this vocabulary, 0.07 %, and no word but theirs is unknown.
    BOOST_TEST(share_of_unknown(vocab, queries) < .001, by.source());
    for (const auto& query : queries) {
      auto shuffled = query;
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      BOOST_REQUIRE((query_id_of(shuffled).value() == query_id_of(query).value()));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
