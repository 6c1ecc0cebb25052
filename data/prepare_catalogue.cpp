#include <unordered_set>

#include "data/prepare_stages.hpp"
#include "data/prepared_files.hpp"
#include "data/record_reader.hpp"
#include "data/refusal_reasons.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t records_between_news = 4096;

}  // namespace

bool catalogue_shard::has(std::string_view id) const noexcept { return of <= 1 || xxh3(std::as_bytes(std::span(id))) % of == number; }

status prepare_context::check_stop() const {
  if (!stop.stop_requested()) return {};
  return {errc::aborted, "prepare was stopped; nothing was written"};
}

void prepare_context::tell(std::string_view stage, std::uint64_t done, std::uint64_t total) const {
  if (progress && (done % records_between_news == 0 || done == total)) progress({stage, done, total});
}

result<std::vector<std::string>> prepare_context::sorted_words(std::string_view text) const {
  ARGOSY_ASSIGN(auto words, split.words(text));
  sort_words(words);
  return words;
}

result<catalogue> read_catalogue(const prepare_context& context) {
  context.tell("catalogue", 0, 0);
  catalogue read;
  std::unordered_set<std::string> seen;
  const auto refused = [&](const refusal& why) {
    ++context.report.products_read;
    return context.refusals.refuse(context.options.catalogue, why);
  };
  const auto take = [&](std::uint64_t line, const product_record& record) -> status {
    ARGOSY_TRY(context.check_stop());
    if (!context.options.shard.has(record.id)) return {};
    if (!seen.insert(record.id).second) return refused({line, std::string(reason::repeated_id), record.id});
    if (read.size() == prepared::most_items) return {errc::out_of_range, context.options.catalogue.string() + ": too many products"};
    ARGOSY_ASSIGN(const auto words, context.sorted_words(record.title));
    read.id.add(record.id);
    read.title.add(record.title);
    read.image.add(record.image);
    context.report.images_named += record.image.empty() ? 0 : 1;
    read.line.push_back(line);
    read.fields.add(record.further);
    read.title_words.add(words, read.words);
    context.tell("catalogue", ++context.report.products_read, 0);
    return {};
  };
  ARGOSY_TRY(read_products_until(context.options.catalogue, take, refused));
  context.report.fields = read.fields.fields();
  context.report.values_left_out = read.fields.left_out();
  return read;
}

}  // namespace argosy
