#include <algorithm>
#include <limits>

#include "base/clock.hpp"
#include "data/image.hpp"
#include "data/prepare_stages.hpp"
#include "data/prepared_files.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using namespace prepared;

status check_range(std::string_view name, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return {errc::invalid_argument,
          std::string(name) + ": want " + std::to_string(least) + " to " + std::to_string(most) + ", got " + std::to_string(value)};
}

std::uint64_t not_negative(int value) { return value < 0 ? 0 : static_cast<std::uint64_t>(value); }

status check_options(const prepare_options& options) {
  ARGOSY_TRY(check_range("query_length", not_negative(options.query_length), 2, longest_sequence));
  ARGOSY_TRY(check_range("title_length", not_negative(options.title_length), 2, longest_sequence));
  ARGOSY_TRY(check_range("image_width", not_negative(options.image_width), 4, longest_side));
  ARGOSY_TRY(check_range("image_height", not_negative(options.image_height), 4, longest_side));
  if (options.backbone && options.images.empty())
    return {errc::invalid_argument, "backbone: want images for " + options.backbone->about().name + " to look at, got none"};
  if (options.vocab.empty()) ARGOSY_TRY(check_range("vocab_size", options.vocab_size, 16, std::uint64_t{1} << 24));
  for (const auto& [name, path] : {std::pair{"catalogue", options.catalogue}, std::pair{"out", options.out}})
    if (path.empty()) return {errc::invalid_argument, std::string(name) + ": want a path, got none"};
  return {};
}

// Tokens of rows of words, each word's pieces found once.
class token_cache {
public:
  token_cache(const vocabulary& vocab, const word_table& words) : cls_(vocab.cls()) {
    for (const auto& word : words.words()) {
      const auto tokens = vocab.encode({&word, 1}, std::numeric_limits<std::size_t>::max());
      piece_.insert(piece_.end(), tokens.begin() + 1, tokens.end());
      offset_.push_back(piece_.size());
    }
  }

  // Valid until the next call; no words: empty.
  std::span<const std::int32_t> encode(std::span<const std::uint32_t> words, std::size_t longest) {
    row_.clear();
    if (!words.empty()) row_.push_back(cls_);
    for (const std::uint32_t word : words) {
      const std::size_t more = std::min(offset_[word + 1] - offset_[word], longest - row_.size());
      const auto from = piece_.begin() + static_cast<std::ptrdiff_t>(offset_[word]);
      row_.insert(row_.end(), from, from + static_cast<std::ptrdiff_t>(more));
    }
    return row_;
  }

private:
  std::int32_t cls_;
  std::vector<std::int32_t> piece_;
  std::vector<std::size_t> offset_{0};
  std::vector<std::int32_t> row_;
};

// Sections `name` and `name_offset`; `row(i)` is a span of T.
template <class T, class Row>
status write_rows(container_writer& to, const std::string& name, std::size_t n, Row row) {
  std::vector<std::uint64_t> offset{0};
  ARGOSY_TRY(to.begin(name, element_of<T>));
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<const T> held = row(i);
    ARGOSY_TRY(to.append(held));
    offset.push_back(offset.back() + held.size());
  }
  return to.add(name + "_offset", std::span<const std::uint64_t>(offset));
}

std::span<const std::uint8_t> bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

std::vector<counted_word> count_words(const catalogue& records, const log_pairs& pairs) {
  std::vector<counted_word> counted;
  for (const auto& word : records.words.words()) counted.push_back({word, 0});
  for (const std::uint64_t record : records.product)
    for (const std::uint32_t word : records.title_words[record]) ++counted[word].count;
  for (std::size_t query = 0; query < pairs.query_words.size(); ++query)
    for (const std::uint32_t word : pairs.query_words[query]) ++counted[word].count;
  return counted;
}

class preparation {
public:
  preparation(const prepare_context& context, folder_writer& folder) : context_(context), folder_(folder) {}

  status run() {
    ARGOSY_ASSIGN(auto products, container_writer::create(folder_.path() / products_file, products_kind));
    ARGOSY_ASSIGN(records_, read_catalogue(context_));
    ARGOSY_ASSIGN(const auto cut, cut_images(context_, records_, products));
    if (records_.product.empty())
      return {errc::invalid_argument,
              context_.options.catalogue.string() + ": want at least one product with a title or an image, found none in " +
                  std::to_string(context_.report.products_read) + " records; refused: " + context_.refusals.summary()};
    ARGOSY_ASSIGN(pairs_, read_pairs(context_, records_));
    ARGOSY_ASSIGN(const vocabulary vocab, make_vocabulary());
    token_cache tokens(vocab, records_.words);
    ARGOSY_TRY(context_.check_stop());
    context_.tell("writing", 0, 1);
    ARGOSY_TRY(write_products(products, cut, tokens));
    ARGOSY_TRY(write_queries(tokens));
    ARGOSY_TRY(write_pairs());
    ARGOSY_TRY(write_facts());
    ARGOSY_TRY(records_.fields.write(folder_.path() / fields_file, records_.product));
    ARGOSY_TRY(replace_file(folder_.path() / vocabulary_file, vocab.text()));
    context_.tell("writing", 1, 1);
    return context_.check_stop();
  }

private:
  result<vocabulary> make_vocabulary() const {
    if (!context_.options.vocab.empty()) return vocabulary::load(context_.options.vocab);
    ARGOSY_TRY(context_.check_stop());
    context_.tell("vocabulary", 0, 1);
    return train_vocabulary(count_words(records_, pairs_), context_.options.vocab_size);
  }

  status write_products(container_writer& to, const cut_result& cut, token_cache& tokens) {
    const std::size_t n = records_.product.size();
    const auto texts = [this](const string_pool& pool) { return [&](std::size_t i) { return bytes_of(pool[records_.product[i]]); }; };
    const auto title_tokens = [&](std::size_t i) {
      const auto row = tokens.encode(records_.title_words[records_.product[i]], not_negative(context_.options.title_length));
      context_.report.titles_kept += row.empty() ? 0 : 1;
      return row;
    };
    ARGOSY_TRY(to.add("patch_offset", std::span<const std::uint64_t>(cut.patch_offset)));
    ARGOSY_TRY(write_rows<std::uint8_t>(to, "id", n, texts(records_.id)));
    ARGOSY_TRY(write_rows<std::uint8_t>(to, "title", n, texts(records_.title)));
    ARGOSY_TRY(write_rows<std::uint8_t>(to, "image", n, texts(records_.image)));
    ARGOSY_TRY(write_rows<std::int32_t>(to, "token", n, title_tokens));
    return to.finish();
  }

  status write_queries(token_cache& tokens) const {
    const auto query_tokens = [&](std::size_t i) {
      return tokens.encode(pairs_.query_words[i], not_negative(context_.options.query_length));
    };
    ARGOSY_ASSIGN(auto to, container_writer::create(folder_.path() / queries_file, queries_kind));
    ARGOSY_TRY(write_rows<std::int32_t>(to, "token", pairs_.query_words.size(), query_tokens));
    ARGOSY_TRY(to.add("known", std::span<const std::uint32_t>(pairs_.known)));
    ARGOSY_TRY(to.add("known_offset", std::span<const std::uint64_t>(pairs_.known_offset)));
    return to.finish();
  }

  status write_pairs() const {
    ARGOSY_ASSIGN(auto to, container_writer::create(folder_.path() / pairs_file, pairs_kind));
    ARGOSY_TRY(to.add("query", std::span<const std::uint32_t>(pairs_.query)));
    ARGOSY_TRY(to.add("product", std::span<const std::uint32_t>(pairs_.product)));
    return to.finish();
  }

  status write_facts() const {
    const auto& options = context_.options;
    const patch_backbone backbone = options.backbone ? options.backbone->about() : patch_backbone{};
    const fact_numbers numbers = numbers_of({.products = records_.product.size(),
                                             .queries = pairs_.query_words.size(),
                                             .pairs = pairs_.query.size(),
                                             .query_length = not_negative(options.query_length),
                                             .title_length = not_negative(options.title_length),
                                             .image_width = not_negative(options.image_width),
                                             .image_height = not_negative(options.image_height),
                                             .features = not_negative(backbone.features),
                                             .patch_side = not_negative(backbone.side),
                                             .backbone_checksum = backbone.checksum});
    ARGOSY_ASSIGN(auto to, container_writer::create(folder_.path() / facts_file, facts_kind));
    ARGOSY_TRY(to.add("number", std::span<const std::uint64_t>(numbers)));
    ARGOSY_TRY(to.add("segmenter", bytes_of(context_.split.source())));
    ARGOSY_TRY(to.add("backbone", bytes_of(backbone.name)));
    return to.finish();
  }

  const prepare_context& context_;
  folder_writer& folder_;
  catalogue records_;
  log_pairs pairs_;
};

// The list belongs to the sealed folder; a path of its own gets a copy.
status place_refusals(const fs::path& written, const fs::path& wanted) {
  if (wanted.empty()) return {};
  ARGOSY_ASSIGN(const std::string list, read_file(written, std::numeric_limits<std::uint64_t>::max()));
  return replace_file(wanted, list);
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) bytes += entry.file_size(ignored);
  return bytes;
}

}  // namespace

result<prepare_report> prepare(const prepare_options& options, const std::function<void(const prepare_progress&)>& progress,
                               std::stop_token stop) {
  const system_clock_source clock;
  const steady_time start = clock.now();
  ARGOSY_TRY(check_options(options));
  ARGOSY_ASSIGN(const segmenter split, options.segmenter.empty() ? segmenter::open_default() : segmenter::open_like(options.segmenter));
  ARGOSY_ASSIGN(auto folder, folder_writer::create(options.out, folder_kind, folder_version));
  const fs::path refused = folder.path() / refused_file;
  ARGOSY_ASSIGN(auto refusals, refusal_log::create(refused, options.strict));
  prepare_report report;
  const prepare_context context{options, progress, std::move(stop), refusals, split, report};
  ARGOSY_TRY(preparation(context, folder).run());
  ARGOSY_TRY(refusals.close());
  report.refused = refusals.counts();
  report.bytes = bytes_in(folder.path());
  ARGOSY_TRY(folder.seal());
  ARGOSY_TRY(place_refusals(options.out / refused_file, options.refusals));
  report.seconds = seconds_between(start, clock.now());
  return report;
}

}  // namespace argosy
