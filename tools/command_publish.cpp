#include <algorithm>
#include <charconv>
#include <limits>
#include <ostream>

#include "index/generation.hpp"
#include "index/query_sample.hpp"
#include "index/store.hpp"
#include "model/checkpoint.hpp"
#include "model/embedding.hpp"
#include "schema/folder.hpp"
#include "search/image_weights.hpp"
#include "search/searcher.hpp"
#include "search/terms_of.hpp"
#include "tools/commands.hpp"
#include "tools/fitting.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/left_changes.hpp"
#include "tools/passing_catalogue.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kept_queries = 1000;
constexpr const char* store_unchanged = "the store is as it was";

std::vector<product_facts> facts_of(const prepared_data& data) {
  std::vector<product_facts> facts;
  facts.reserve(data.products());
  for (std::uint64_t p = 0; p < data.products(); ++p) facts.push_back({data.product_id(p), data.title(p), data.image_name(p)});
  return facts;
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) bytes += entry.is_regular_file() ? entry.file_size(ignored) : 0;
  return bytes;
}

status write_catalogue_terms(const publish_options& options, const prepared_data& data, const fs::path& folder) {
  terms_options how{options.restricted, {}};
  if (!options.aliases.empty()) {
    ARGOSY_ASSIGN(how.aliases, read_aliases(options.aliases));
  }
  ARGOSY_TRY(data.copy_fields(folder / fields_name));
  ARGOSY_ASSIGN(const catalogue_fields fields, data.fields());
  ARGOSY_ASSIGN(const text_rules rules, rules_like(data.segmenter_source()));
  const auto title = [&](std::size_t row) { return data.title(row); };
  ARGOSY_TRY(write_terms_of({data.products(), title, &fields}, how, rules, folder));
  return write_terms_options(how, folder);
}

index_choice choice_of(const publish_options& options, const console& io) {
  const auto show = [&io](const hc_progress& at) {
    io.progress.show({.stage = at.stage, .unit = "products", .done = at.done, .total = at.total});
  };
  return {
      .kind = options.index, .hc = {.vectors = options.vectors, .threads = threads_or_all(options.threads)}, .show = show, .stop = io.stop};
}

// Evenly drawn from the log's, in the order of the data.
status keep_queries(loaded_model& loaded, const prepared_data& data, const fs::path& folder, const console& io) {
  const std::uint64_t count = std::min<std::uint64_t>(kept_queries, data.queries());
  std::vector<std::vector<std::int32_t>> tokens;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto of_query = data.query_tokens(i * data.queries() / count);
    tokens.emplace_back(of_query.begin(), of_query.end());
  }
  ARGOSY_ASSIGN(const std::vector<float> vectors, embed_queries(loaded.model, tokens, io.stop));
  return write_query_sample(folder, view_of(vectors.data(), static_cast<std::int64_t>(count), loaded.model.width()));
}

status write_generation(const publish_options& options, const fs::path& checkpoint, loaded_model& loaded, const prepared_data& data,
                        const console& io) {
  const steady_time start = io.clock.now();
  const auto show = [&](std::uint64_t done, std::uint64_t total) {
    io.progress.show({.stage = "embed", .unit = "products", .done = done, .total = total});
  };
  std::vector<float> of_images;
  ARGOSY_ASSIGN(const std::vector<float> vectors, embed_products(loaded.model, data, data.products(), show, io.stop, &of_images));
  io.progress.close();
  ARGOSY_ASSIGN(generation_writer writer, generation_writer::create(options.store));
  ARGOSY_TRY(copy_model(checkpoint, writer.path()));
  const auto rows = view_of(vectors.data(), static_cast<std::int64_t>(data.products()), loaded.model.width());
  ARGOSY_TRY(writer.write(rows, facts_of(data), choice_of(options, io)));
  io.progress.close();
  if (data.queries() > 0) ARGOSY_TRY(keep_queries(loaded, data, writer.path(), io));
  ARGOSY_TRY(write_catalogue_terms(options, data, writer.path()));
  ARGOSY_TRY(write_image_weights(writer.path(), of_images));
  const std::uint64_t bytes = bytes_in(writer.path());
  if (io.stop.stop_requested()) return interrupted(store_unchanged);
  const auto before = list_generations(options.store);
  ARGOSY_TRY(writer.publish());
  io.out << options.store.string() << ": generation " << writer.number() << ", " << grouped(data.products()) << " products, "
         << bytes_text(bytes) << ", " << duration_text(seconds_between(start, io.clock.now())) << '\n';
  if (before.ok()) warn_of_left_changes(*before, writer.number());
  return {};
}

result<catalogue_shard> shard_named(const std::string& text) {
  catalogue_shard shard;
  if (text.empty()) return shard;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, shard.number);
  const bool slash = number.ec == std::errc{} && number.ptr != end && *number.ptr == '/';
  const auto of = slash ? std::from_chars(number.ptr + 1, end, shard.of) : number;
  if (slash && of.ec == std::errc{} && of.ptr == end && shard.number < shard.of) return shard;
  return status(errc::invalid_argument, "--shard: want I/N, I from 0 to N - 1, got `" + text + "`");
}

status publish(const publish_options& options, const console& io) {
  ARGOSY_ASSIGN(const fs::path checkpoint, find_checkpoint(options.run));
  const auto device = make_cpu_device(options.threads);
  ARGOSY_ASSIGN(loaded_model loaded, load_model(*device, checkpoint));
  if (!options.data.empty()) {
    ARGOSY_ASSIGN(const prepared_data data, prepared_data::open(options.data));
    ARGOSY_TRY(check_fits(data, loaded.facts, "publish from --catalogue instead"));
    return write_generation(options, checkpoint, loaded, data, io);
  }
  ARGOSY_ASSIGN(const catalogue_shard shard, shard_named(options.shard));
  const catalogue_place place{options.catalogue, options.images, options.backbone_weights, options.reuse, options.threads, shard};
  ARGOSY_ASSIGN(const auto made, passing_catalogue::prepare(place, loaded.facts, checkpoint, options.store, io));
  ARGOSY_TRY(write_generation(options, checkpoint, loaded, made.data(), io));
  return made.refused() == 0 ? status{} : made.keep_refusals(options.store, io);
}

}  // namespace

status run_publish(const publish_options& options, const console& io) {
  const status end = publish(options, io);
  return end.code() == errc::aborted ? interrupted(store_unchanged) : end;
}

}  // namespace argosy
