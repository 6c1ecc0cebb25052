#include <ostream>

#include "data/line_reader.hpp"
#include "model/embedding.hpp"
#include "model/query_encoder.hpp"
#include "schema/folder.hpp"
#include "tools/commands.hpp"
#include "tools/fitting.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/npy.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

result<std::vector<std::vector<std::int32_t>>> read_queries_of(const fs::path& path, const query_encoder& encoder) {
  ARGOSY_ASSIGN(line_reader lines, line_reader::open(path));
  std::vector<std::vector<std::int32_t>> tokens;
  for (line_reader::line line;;) {
    ARGOSY_ASSIGN(const bool more, lines.next(&line));
    if (!more) return tokens;
    auto query = encoder.tokens(line.text);
    if (!query.ok()) return query.failure().within(path.string() + " line " + std::to_string(line.number));
    tokens.push_back(std::move(query).value());
  }
}

result<std::vector<float>> embed(const embed_options& options, const fs::path& folder, loaded_model& loaded, const console& io) {
  if (!options.queries.empty()) {
    ARGOSY_ASSIGN(const query_encoder encoder, query_encoder::open(loaded.facts, folder));
    ARGOSY_ASSIGN(const auto tokens, read_queries_of(options.queries, encoder));
    return embed_queries(loaded.model, tokens, io.stop);
  }
  ARGOSY_ASSIGN(const prepared_data data, prepared_data::open(options.data));
  ARGOSY_TRY(check_fits(data, loaded.facts, "prepare it with the vocabulary, lengths and sizes of the model's data"));
  const auto show = [&](std::uint64_t done, std::uint64_t total) {
    io.progress.show({.stage = "embed", .unit = "products", .done = done, .total = total});
  };
  auto vectors = embed_products(loaded.model, data, data.products(), show, io.stop);
  io.progress.close();
  return vectors;
}

}  // namespace

status run_embed(const embed_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto folder, find_model(options.from));
  const auto device = make_cpu_device(options.threads);
  ARGOSY_ASSIGN(loaded_model loaded, load_model(*device, folder));
  const auto vectors = embed(options, folder, loaded, io);
  if (!vectors.ok()) return vectors.failure().code() == errc::aborted ? interrupted("nothing is written") : vectors.failure();
  const auto columns = loaded.model.width();
  ARGOSY_TRY(replace_file(options.out, npy_of(*vectors, columns)));
  io.out << options.out.string() << ": " << grouped(vectors->size() / static_cast<std::size_t>(columns)) << " rows of " << columns
         << " columns\n";
  return {};
}

}  // namespace argosy
