// From a string to sorted words, to WordPieces and to the query id. method.md, sections 1 and 6; arXiv 2304.04377, section 2.1.
//   words     NFKC, case folded, NFKC; split at everything that is neither letter, mark nor digit; runs of Han are segmented by maximum
//             probability over a word list (`word frequency` a line, the format of jieba's dict.txt), by ICU where there is no list.
//   sorted    by UTF-8 bytes, repeated words kept: `red dress` and `dress red` are one query.
//   pieces    BERT's WordPiece over the sorted words, [CLS] first, cut to a length; [UNK] for a word that has no pieces. BERT sets Han
//             characters apart, so a piece that begins with one is written without `##` inside a word too: its Chinese vocabulary lacks
//             `##` for a quarter of them. A vocabulary of ours may have longer pieces of Han.
//   qid       low 32 bits of XXH3-128 over the sorted words joined by U+001F; check = its high 64 bits.
// Threads   all objects are immutable after they are made and may be shared.
// Errors    invalid UTF-8 is invalid_argument and names the byte. A word list that cannot be read is io_error or not_found, one that is no
//           such list corrupt: told by `open`, and, since its words are read when the first Han comes, by `words` too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace argosy {

class segmenter {
public:
  // With the word list that the environment variable ARGOSY_WORD_LIST names, that of Debian's python3-jieba when it is there, or ICU.
  static result<segmenter> open_default();
  // The one whose source() this is, for a model trained with it; where its word list is not at hand, the default one, which warns.
  static result<segmenter> open_like(std::string_view source);
  static result<segmenter> open(const std::filesystem::path& word_list);
  static result<segmenter> icu();
  result<std::vector<std::string>> words(std::string_view utf8) const;
  // What splits the words: "ICU", or the word list by name and checksum.
  std::string_view source() const noexcept;

private:
  struct impl;
  static result<segmenter> with_list(const std::filesystem::path&);
  explicit segmenter(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

// NFKC, case folded, NFKC.
result<std::string> normalise_text(std::string_view utf8);

// Sorts in place by UTF-8 bytes.
void sort_words(std::vector<std::string>& words);

struct query_id {
  std::uint32_t qid = 0;
  std::uint64_t check = 0;
  friend bool operator==(const query_id&, const query_id&) = default;
};
// Normalises each word and sorts: the order given does not matter.
result<query_id> query_id_of(std::vector<std::string> words);

class vocabulary {
public:
  // One piece a line; [CLS], [UNK], [PAD], [MASK] and [SEP] are looked up by name, [CLS] and [UNK] are required.
  static result<vocabulary> load(const std::filesystem::path& vocab_txt);
  static result<vocabulary> from_text(std::string_view content, std::string_view name);
  std::size_t size() const noexcept;
  std::string_view piece(std::int32_t id) const;
  std::int32_t cls() const noexcept;
  std::int32_t unk() const noexcept;
  std::optional<std::int32_t> mask() const noexcept;
  // The file it would be loaded from.
  std::string text() const;
  // [CLS] and the pieces of the words in their order, at most `longest` in all.
  std::vector<std::int32_t> encode(std::span<const std::string> words, std::size_t longest) const;

private:
  struct impl;
  explicit vocabulary(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

struct counted_word {
  std::string word;
  std::uint64_t count = 0;
};
// WordPieces by byte-pair merges of characters, most frequent first, ties by bytes: the same words give the same vocabulary.
// Every character seen at least `rarest` times is a piece and (unless Han) a continuation piece, so that no such word becomes [UNK]; where
// `size` is too small for all of them, the most frequent.
result<vocabulary> train_vocabulary(std::span<const counted_word>, std::size_t size, std::uint64_t rarest = 2);

}  // namespace argosy
