// Queries as a model was trained on them: the words split as those of its data, sorted, cut into its pieces and to its length.
// Threads   immutable; may be shared.   Errors   invalid_argument for a query without words or with invalid UTF-8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/text.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

struct encoded_query {
  std::vector<std::int32_t> tokens;  // [CLS] and the pieces of the sorted words
  query_id id;                       // of all the words, however many pieces the model takes
};

class query_encoder {
public:
  // `folder` is where the facts are from, for messages.
  static result<query_encoder> open(const checkpoint_facts&, const std::filesystem::path& folder);
  // As they stand in the query.
  result<std::vector<std::string>> words(std::string_view query) const;
  // [CLS] and the pieces of the query's sorted words.
  result<std::vector<std::int32_t>> tokens(std::string_view query) const;
  result<encoded_query> encode(std::string_view query) const;

private:
  query_encoder(vocabulary, segmenter, std::size_t longest);
  result<std::vector<std::string>> sorted_words(std::string_view query) const;
  vocabulary vocabulary_;
  segmenter segmenter_;
  std::size_t longest_;
};

}  // namespace argosy
