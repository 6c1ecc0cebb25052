#include "model/query_encoder.hpp"

#include "data/utf8.hpp"

namespace argosy {

query_encoder::query_encoder(vocabulary pieces, segmenter words, std::size_t longest)
    : vocabulary_(std::move(pieces)), segmenter_(std::move(words)), longest_(longest) {}

result<query_encoder> query_encoder::open(const checkpoint_facts& facts, const std::filesystem::path& folder) {
  ARGOSY_ASSIGN(vocabulary pieces, vocabulary::from_text(facts.vocabulary, (folder / "vocab.txt").string()));
  ARGOSY_ASSIGN(segmenter words, segmenter::open_like(facts.segmenter));
  return query_encoder(std::move(pieces), std::move(words), static_cast<std::size_t>(facts.inputs.query_length));
}

result<std::vector<std::string>> query_encoder::words(std::string_view query) const {
  ARGOSY_ASSIGN(std::vector<std::string> words, segmenter_.words(query));
  if (words.empty()) return status(errc::invalid_argument, "the query holds no word: \"" + one_line(query) + "\"");
  return words;
}

result<std::vector<std::string>> query_encoder::sorted_words(std::string_view query) const {
  ARGOSY_ASSIGN(std::vector<std::string> words, this->words(query));
  sort_words(words);
  return words;
}

result<std::vector<std::int32_t>> query_encoder::tokens(std::string_view query) const {
  ARGOSY_ASSIGN(const auto words, sorted_words(query));
  return vocabulary_.encode(words, longest_);
}

result<encoded_query> query_encoder::encode(std::string_view query) const {
  ARGOSY_ASSIGN(auto words, sorted_words(query));
  std::vector<std::int32_t> pieces = vocabulary_.encode(words, longest_);
  ARGOSY_ASSIGN(const query_id id, query_id_of(std::move(words)));
  return encoded_query{std::move(pieces), id};
}

}  // namespace argosy
