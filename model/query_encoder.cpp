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

result<std::vector<std::int32_t>> query_encoder::tokens(std::string_view query) const {
  ARGOSY_ASSIGN(std::vector<std::string> words, segmenter_.words(query));
  if (words.empty()) return status(errc::invalid_argument, "the query holds no word: \"" + one_line(query) + "\"");
  sort_words(words);
  return vocabulary_.encode(words, longest_);
}

}  // namespace argosy
