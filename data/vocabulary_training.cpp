#include <algorithm>
#include <queue>
#include <unordered_map>

#include "data/text.hpp"
#include "data/utf8.hpp"
#include "data/word_list.hpp"

namespace argosy {
namespace {

constexpr std::string_view special_pieces[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
constexpr std::string_view continuation = "##";

// Byte-pair merges (Sennrich et al., arXiv 1508.07909, section 3.2) over WordPiece symbols: a word is its first character and
// `##` before every other that is not Han. Pair counts are kept up to date, so a merge costs no more than the words that hold it.
class merger {
public:
  explicit merger(std::vector<std::string> pieces) : piece_(std::move(pieces)), wanted_(*this) {
    for (std::size_t i = 0; i < piece_.size(); ++i) id_.emplace(piece_[i], static_cast<std::uint32_t>(i));
  }

  // Words with a character that is no piece take no part.
  void add_word(std::string_view word, std::uint64_t count) {
    std::vector<std::uint32_t> symbols;
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t from = at;
      const bool apart = is_han(next_code_point(word, at)) || from == 0;
      std::string piece(apart ? std::string_view{} : continuation);
      const auto found = id_.find(piece.append(word.substr(from, at - from)));
      if (found == id_.end()) return;
      symbols.push_back(found->second);
    }
    words_.push_back({std::move(symbols), count});
    const auto number = static_cast<std::uint32_t>(words_.size() - 1);
    count_pairs(number, [&](pair_key pair) { pairs_[pair].words.push_back(number); });
  }

  // Until there are `size` pieces or no pair is left that is seen `rarest` times.
  std::vector<std::string> run(std::size_t size, std::uint64_t rarest) && {
    for (const auto& [pair, uses] : pairs_) wanted_.push({uses.count, pair});
    while (piece_.size() < size && !wanted_.empty()) {
      const candidate best = wanted_.top();
      wanted_.pop();
      const std::uint64_t now = pairs_[best.pair].count;
      if (now < best.count) {
        if (now >= rarest) wanted_.push({now, best.pair});
      } else if (now == best.count && now >= rarest) {
        merge(best.pair);
      }
    }
    return std::move(piece_);
  }

private:
  using pair_key = std::uint64_t;
  struct pair_uses {
    std::uint64_t count = 0;
    std::vector<std::uint32_t> words;  // every word that holds the pair, and some that no longer do
  };
  struct counted_symbols {
    std::vector<std::uint32_t> symbols;
    std::uint64_t count = 0;
  };
  struct candidate {
    std::uint64_t count = 0;
    pair_key pair = 0;
  };
  // A heap of candidates, most frequent first, ties by the bytes of the two pieces.
  struct worse {
    const merger* of;
    bool operator()(const candidate& a, const candidate& b) const {
      if (a.count != b.count) return a.count < b.count;
      if (a.pair == b.pair) return false;
      const int left = of->piece_[a.pair >> 32].compare(of->piece_[b.pair >> 32]);
      if (left != 0) return left > 0;
      return of->piece_[static_cast<std::uint32_t>(a.pair)] > of->piece_[static_cast<std::uint32_t>(b.pair)];
    }
  };
  class candidate_heap : public std::priority_queue<candidate, std::vector<candidate>, worse> {
  public:
    explicit candidate_heap(const merger& of) : priority_queue(worse{&of}) {}
  };

  static pair_key key_of(std::uint32_t left, std::uint32_t right) { return std::uint64_t{left} << 32 | right; }

  template <class F>
  void count_pairs(std::uint32_t number, F each) {
    const auto& word = words_[number];
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      const pair_key pair = key_of(word.symbols[i], word.symbols[i + 1]);
      pairs_[pair].count += word.count;
      each(pair);
    }
  }

  void uncount_pairs(const counted_symbols& word) {
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) pairs_[key_of(word.symbols[i], word.symbols[i + 1])].count -= word.count;
  }

  std::uint32_t merged_piece(pair_key pair) {
    std::string text = piece_[pair >> 32];
    const std::string& right = piece_[static_cast<std::uint32_t>(pair)];
    text.append(right, right.starts_with(continuation) ? continuation.size() : 0);
    const auto [found, fresh] = id_.emplace(text, static_cast<std::uint32_t>(piece_.size()));
    if (fresh) piece_.push_back(std::move(text));
    return found->second;
  }

  static bool replace(std::vector<std::uint32_t>& symbols, pair_key pair, std::uint32_t merged) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < symbols.size(); ++to) {
      const bool here = from + 1 < symbols.size() && key_of(symbols[from], symbols[from + 1]) == pair;
      symbols[to] = here ? merged : symbols[from];
      from += here ? 2 : 1;
    }
    const bool replaced = to < symbols.size();
    symbols.resize(to);
    return replaced;
  }

  void merge(pair_key pair) {
    const std::uint32_t merged = merged_piece(pair);
    const std::vector<std::uint32_t> holders = std::move(pairs_[pair].words);
    pairs_[pair].words.clear();
    std::vector<pair_key> grown;
    for (const std::uint32_t number : holders) {
      auto& word = words_[number];
      const counted_symbols before = word;
      if (!replace(word.symbols, pair, merged)) continue;
      uncount_pairs(before);
      count_pairs(number, [&](pair_key now) {
        if (now >> 32 != merged && static_cast<std::uint32_t>(now) != merged) return;
        pairs_[now].words.push_back(number);
        grown.push_back(now);
      });
    }
    std::sort(grown.begin(), grown.end());
    grown.erase(std::unique(grown.begin(), grown.end()), grown.end());
    for (const pair_key now : grown) wanted_.push({pairs_[now].count, now});
  }

  std::vector<std::string> piece_;
  std::unordered_map<std::string, std::uint32_t> id_;
  std::vector<counted_symbols> words_;
  std::unordered_map<pair_key, pair_uses> pairs_;
  candidate_heap wanted_;
};

struct counted_character {
  std::string character;
  std::uint64_t count = 0;
};

std::vector<counted_character> count_characters(std::span<const counted_word> words) {
  std::unordered_map<std::string, std::uint64_t> seen;
  for (const auto& [word, count] : words)
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t from = at;
      next_code_point(word, at);
      seen[word.substr(from, at - from)] += count;
    }
  std::vector<counted_character> counted;
  for (auto& [character, count] : seen) counted.push_back({character, count});
  std::sort(counted.begin(), counted.end(),
            [](const auto& a, const auto& b) { return a.count != b.count ? a.count > b.count : a.character < b.character; });
  return counted;
}

std::vector<std::string> first_pieces(std::span<const counted_word> words, std::size_t size, std::uint64_t rarest) {
  std::vector<std::string> pieces(std::begin(special_pieces), std::end(special_pieces));
  for (const auto& [character, count] : count_characters(words)) {
    if (count < rarest || pieces.size() + 2 > size) break;
    pieces.push_back(character);
    std::size_t at = 0;
    if (!is_han(next_code_point(character, at))) pieces.emplace_back(continuation).append(character);
  }
  return pieces;
}

}  // namespace

result<vocabulary> train_vocabulary(std::span<const counted_word> words, std::size_t size, std::uint64_t rarest) {
  constexpr std::size_t least = std::size(special_pieces) + 2, most = std::size_t{1} << 24;
  if (size < least || size > most)
    return status{errc::invalid_argument,
                  "vocabulary: want a size of " + std::to_string(least) + " to " + std::to_string(most) + ", got " + std::to_string(size)};
  for (const auto& counted : words)
    if (first_invalid_utf8(counted.word) != std::string_view::npos)
      return status{errc::invalid_argument, "vocabulary: a word is invalid UTF-8"};
  merger merges(first_pieces(words, size, rarest));
  for (const auto& [word, count] : words) merges.add_word(word, count);
  std::string text;
  for (const auto& piece : std::move(merges).run(size, std::max<std::uint64_t>(rarest, 1))) text.append(piece).append("\n");
  return vocabulary::from_text(text, "trained vocabulary");
}

}  // namespace argosy
