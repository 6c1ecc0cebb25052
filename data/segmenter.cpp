#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <cstdlib>
#include <mutex>

#include "base/log.hpp"
#include "data/text.hpp"
#include "data/utf8.hpp"
#include "data/word_list.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view icu_source = "ICU";
constexpr const char* debian_word_list = "/usr/lib/python3/dist-packages/jieba/dict.txt";

enum class script : unsigned char { none, han, other };

constexpr bool is_ascii_letter_or_digit(char32_t point) noexcept {
  return (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z');
}

// What a character belongs to, after one of `before`: a mark goes with the character that carries it.
script script_of(char32_t point, script before) noexcept {
  if (point < 0x80) return is_ascii_letter_or_digit(point) ? script::other : script::none;
  const std::uint32_t category = U_GET_GC_MASK(static_cast<UChar32>(point));
  if ((category & U_GC_M_MASK) != 0) return before == script::none ? script::other : before;
  if ((category & (U_GC_L_MASK | U_GC_N_MASK)) == 0) return script::none;
  return is_han(point) ? script::han : script::other;
}

}  // namespace

struct segmenter::impl {
  fs::path list_path;  // empty: ICU
  std::string source{icu_source};
  std::unique_ptr<icu::BreakIterator> breaks;  // to be cloned: an iterator belongs to one thread

  // The list takes longer to load than all else that a query needs, and most shops never write Han.
  mutable std::once_flag once;
  mutable word_list list;
  mutable status list_failure;

  status load_list() const {
    std::call_once(once, [this] {
      auto loaded = word_list::load(list_path);
      if (loaded.ok())
        list = std::move(loaded).value();
      else
        list_failure = loaded.failure().within("word list");
    });
    return list_failure;
  }

  status segment_by_icu(std::string_view run, std::vector<std::string>& words) const {
    const auto text = icu::UnicodeString::fromUTF8(icu::StringPiece(run.data(), static_cast<std::int32_t>(run.size())));
    const std::unique_ptr<icu::BreakIterator> iterator(breaks->clone());
    if (iterator == nullptr) return {errc::internal, "ICU cannot clone its word breaks"};
    iterator->setText(text);
    for (std::int32_t from = iterator->first(), to = iterator->next(); to != icu::BreakIterator::DONE; from = to, to = iterator->next())
      text.tempSubStringBetween(from, to).toUTF8String(words.emplace_back());
    return {};
  }

  status segment_han(std::string_view run, std::vector<std::string>& words) const {
    if (list_path.empty()) return segment_by_icu(run, words);
    ARGOSY_TRY(load_list());
    list.segment(run, words);
    return {};
  }

  status take_run(std::string_view run, script of, std::vector<std::string>& words) const {
    if (of == script::han) return segment_han(run, words);
    if (of == script::other) words.emplace_back(run);
    return {};
  }
};

segmenter::segmenter(std::shared_ptr<const impl> made) : impl_(std::move(made)) {}

// Its content is read and counted when the first run of Han comes.
result<segmenter> segmenter::with_list(const fs::path& word_list) {
  ARGOSY_ASSIGN(const std::string content, read_file(word_list, word_list::largest_file));
  auto made = std::make_shared<impl>();
  made->list_path = word_list;
  made->source = "word list " + word_list.filename().string() + " xxh3 " + hex_text(xxh3(std::as_bytes(std::span(content))));
  return segmenter(std::move(made));
}

result<segmenter> segmenter::open_default() {
  if (const char* named = std::getenv("ARGOSY_WORD_LIST"); named != nullptr) {
    auto made = with_list(named);
    if (!made.ok()) return made.failure().within("ARGOSY_WORD_LIST");
    return made;
  }
  return fs::exists(debian_word_list) ? with_list(debian_word_list) : icu();
}

result<segmenter> segmenter::open_like(std::string_view source) {
  if (source == icu_source) return icu();
  ARGOSY_ASSIGN(segmenter here, open_default());
  if (here.source() != source)
    log::warning("Chinese words were split by " + std::string(source) + " when the model was trained, and are by " +
                 std::string(here.source()) + " here: answers to Chinese queries will be worse (ARGOSY_WORD_LIST names another list)");
  return here;
}

result<segmenter> segmenter::open(const fs::path& word_list) {
  ARGOSY_ASSIGN(segmenter made, with_list(word_list));
  ARGOSY_TRY(made.impl_->load_list());
  return made;
}

result<segmenter> segmenter::icu() {
  UErrorCode code = U_ZERO_ERROR;
  auto made = std::make_shared<impl>();
  made->breaks.reset(icu::BreakIterator::createWordInstance(icu::Locale::getChinese(), code));
  if (U_FAILURE(code)) return status{errc::unavailable, std::string("ICU has no word breaks: ") + u_errorName(code)};
  return segmenter(std::move(made));
}

result<std::vector<std::string>> segmenter::words(std::string_view utf8) const {
  ARGOSY_ASSIGN(const std::string text, normalise_text(utf8));
  const std::string_view view = text;
  std::vector<std::string> found;
  std::size_t start = 0;
  script current = script::none;
  for (std::size_t at = 0; at < view.size();) {
    const std::size_t here = at;
    const script next = script_of(next_code_point(view, at), current);
    if (next == current) continue;
    ARGOSY_TRY(impl_->take_run(view.substr(start, here - start), current, found));
    start = here;
    current = next;
  }
  ARGOSY_TRY(impl_->take_run(view.substr(start), current, found));
  return found;
}

std::string_view segmenter::source() const noexcept { return impl_->source; }

}  // namespace argosy
