#include <algorithm>
#include <unordered_map>

#include "base/check.hpp"
#include "data/text.hpp"
#include "data/utf8.hpp"
#include "data/word_list.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t largest_vocabulary = std::uint64_t{64} << 20;
constexpr std::size_t most_pieces = std::size_t{1} << 24;
constexpr std::size_t longest_word = 100;  // characters: BERT's limit
constexpr std::string_view continuation = "##";

// Pieces by their text without `##`; views into the list of pieces.
struct piece_map {
  std::unordered_map<std::string_view, std::int32_t> id;
  std::size_t longest = 0;

  // The first of equal pieces counts.
  void add(std::string_view text, std::int32_t number) {
    id.emplace(text, number);
    longest = std::max(longest, text.size());
  }

  // The longest piece that `text` begins with, as its id and its bytes; {-1, 0} for none.
  std::pair<std::int32_t, std::size_t> longest_prefix(std::string_view text) const {
    for (std::size_t bytes = std::min(text.size(), longest); bytes > 0; --bytes) {
      if (bytes < text.size() && continues_code_point(text[bytes])) continue;
      if (const auto found = id.find(text.substr(0, bytes)); found != id.end()) return {found->second, bytes};
    }
    return {-1, 0};
  }
};

std::vector<std::string> split_lines(std::string_view content) {
  std::vector<std::string> lines;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return lines;
}

}  // namespace

struct vocabulary::impl {
  std::vector<std::string> pieces;
  piece_map start, inside;
  std::int32_t cls = -1, unk = -1;

  void index() {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string_view text = pieces[i];
      if (text.empty()) continue;
      const auto number = static_cast<std::int32_t>(i);
      if (text.starts_with(continuation) && text.size() > continuation.size())
        inside.add(text.substr(continuation.size()), number);
      else
        start.add(text, number);
    }
  }

  std::int32_t special(std::string_view name) const {
    const auto found = start.id.find(name);
    return found == start.id.end() ? -1 : found->second;
  }

  // Leaves `tokens` without the word's pieces, but with [UNK], when the pieces do not cover it.
  void encode_word(std::string_view word, std::vector<std::int32_t>& tokens) const {
    const std::size_t before = tokens.size();
    const bool too_long = count_code_points(word) > longest_word;
    for (std::size_t at = 0; at < word.size() && !too_long;) {
      std::size_t behind = at;
      const bool apart = at == 0 || is_han(next_code_point(word, behind));
      const auto [id, bytes] = (apart ? start : inside).longest_prefix(word.substr(at));
      if (bytes == 0) {
        tokens.resize(before);
        break;
      }
      tokens.push_back(id);
      at += bytes;
    }
    if (tokens.size() == before && !word.empty()) tokens.push_back(unk);
  }
};

vocabulary::vocabulary(std::shared_ptr<const impl> made) : impl_(std::move(made)) {}

result<vocabulary> vocabulary::load(const std::filesystem::path& vocab_txt) {
  ARGOSY_ASSIGN(const std::string content, read_file(vocab_txt, largest_vocabulary));
  return from_text(content, vocab_txt.string());
}

result<vocabulary> vocabulary::from_text(std::string_view content, std::string_view name) {
  const std::string file(name);
  if (const auto bad = first_invalid_utf8(content); bad != std::string_view::npos)
    return status{errc::invalid_argument, file + ": invalid UTF-8 at byte " + std::to_string(bad)};
  auto made = std::make_shared<impl>();
  made->pieces = split_lines(content);
  if (made->pieces.size() > most_pieces)
    return status{errc::out_of_range,
                  file + ": want at most " + std::to_string(most_pieces) + " pieces, got " + std::to_string(made->pieces.size())};
  made->index();
  made->cls = made->special("[CLS]");
  made->unk = made->special("[UNK]");
  for (const auto& [id, piece] : {std::pair{made->cls, "[CLS]"}, std::pair{made->unk, "[UNK]"}})
    if (id < 0)
      return status{errc::invalid_argument,
                    file + ": want a piece " + piece + ", found none in " + std::to_string(made->pieces.size()) + " lines"};
  return vocabulary(std::move(made));
}

std::size_t vocabulary::size() const noexcept { return impl_->pieces.size(); }

std::string_view vocabulary::piece(std::int32_t id) const {
  ARGOSY_CHECK(id >= 0 && static_cast<std::size_t>(id) < size());
  return impl_->pieces[static_cast<std::size_t>(id)];
}

std::int32_t vocabulary::cls() const noexcept { return impl_->cls; }
std::int32_t vocabulary::unk() const noexcept { return impl_->unk; }

std::optional<std::int32_t> vocabulary::mask() const noexcept {
  const std::int32_t id = impl_->special("[MASK]");
  return id < 0 ? std::nullopt : std::optional(id);
}

std::string vocabulary::text() const {
  std::string lines;
  for (const auto& piece : impl_->pieces) lines.append(piece).append("\n");
  return lines;
}

std::vector<std::int32_t> vocabulary::encode(std::span<const std::string> words, std::size_t longest) const {
  std::vector<std::int32_t> tokens{impl_->cls};
  for (const auto& word : words) {
    if (tokens.size() >= longest) break;
    impl_->encode_word(word, tokens);
  }
  tokens.resize(std::min(tokens.size(), longest));
  return tokens;
}

}  // namespace argosy
