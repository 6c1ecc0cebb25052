#include <algorithm>
#include <ostream>
#include <string>
#include <unordered_set>
#include <utility>

#include "data/line_reader.hpp"
#include "data/utf8.hpp"
#include "index/live_store.hpp"
#include "model/checkpoint.hpp"
#include "model/embedding.hpp"
#include "search/searcher.hpp"
#include "search/terms_of.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t changes_at_once = most_segment_rows;

class change_command {
public:
  change_command(const change_options& options, const console& io, live_store& store)
      : options_(options), io_(io), store_(store), before_(store.now()) {}

  status run() {
    const status read = gather();
    io_.progress.close();
    if (read.code() == errc::aborted) return interrupted("nothing has changed");
    ARGOSY_TRY(read);
    ARGOSY_TRY(apply());
    report();
    return {};
  }

private:
  status gather() {
    if (!options_.remove.empty()) ARGOSY_TRY(take_removals());
    if (!options_.put.catalogue.empty()) ARGOSY_TRY(take_puts());
    if (!options_.strict || refused_ == 0) return {};
    return {errc::invalid_argument, counted(refused_, "product") + " refused: nothing has changed"};
  }

  status take_removals() {
    ARGOSY_ASSIGN(auto lines, line_reader::open(options_.remove));
    line_reader::line line;
    while (true) {
      ARGOSY_ASSIGN(const bool more, lines.next(&line));
      if (!more) return {};
      if (line.too_long)
        return {errc::invalid_argument,
                options_.remove.string() + ":" + std::to_string(line.number) + ": want an id, found a line too long"};
      if (first_invalid_utf8(line.text) != std::string_view::npos)
        return {errc::invalid_argument,
                options_.remove.string() + ":" + std::to_string(line.number) + ": want an id, found bytes that are no UTF-8"};
      if (line.text.empty() || !removals_.emplace(line.text).second || !before_.row_of(line.text)) continue;
      changes_.push_back({.id = std::string(line.text), .removed = true, .title = {}, .image = {}});
    }
  }

  // Embedded by the generation's own model.
  status take_puts() {
    const fs::path folder = before_.published().path();
    for (const std::string_view file : model_files()) ARGOSY_TRY(verify_file(before_.published().folder(), file));
    const auto device = make_cpu_device(options_.put.threads);
    ARGOSY_ASSIGN(loaded_model loaded, load_model(*device, folder));
    ARGOSY_ASSIGN(const auto made, passing_catalogue::prepare(options_.put, loaded.facts, folder, options_.store, io_));
    const prepared_data& data = made.data();
    refused_ += made.refused();
    if (made.refused() > 0) ARGOSY_TRY(made.keep_refusals(options_.store, io_));
    if (options_.strict && refused_ > 0) return {};
    const auto show = [&](std::uint64_t done, std::uint64_t total) {
      io_.progress.show({.stage = "embed", .unit = "products", .done = done, .total = total});
    };
    ARGOSY_ASSIGN(const auto vectors, embed_products(loaded.model, data, data.products(), show, io_.stop));
    io_.progress.close();
    ARGOSY_ASSIGN(const catalogue_fields fields, data.fields());
    const auto width = static_cast<std::size_t>(loaded.model.width());
    for (std::uint64_t p = 0; p < data.products(); ++p) {
      product_change change = put_of(data, fields, p);
      change.vector.assign(vectors.begin() + static_cast<std::ptrdiff_t>(p * width),
                           vectors.begin() + static_cast<std::ptrdiff_t>((p + 1) * width));
      take(std::move(change));
    }
    return {};
  }

  static product_change put_of(const prepared_data& data, const catalogue_fields& fields, std::uint64_t product) {
    product_change change{.id = std::string(data.product_id(product)),
                          .removed = false,
                          .title = std::string(data.title(product)),
                          .image = std::string(data.image_name(product))};
    change.fields = fields.values_of(product);
    return change;
  }

  void take(product_change change) {
    const status right = before_.check(change);
    if (!right.ok()) {
      ++refused_;
      io_.err << "argosy: refused: " << right.text() << '\n';
      return;
    }
    replaced_ += before_.row_of(change.id) ? 1 : 0;
    removals_.erase(change.id);
    ++put_;
    changes_.push_back(std::move(change));
  }

  status apply() {
    for (std::size_t first = 0; first < changes_.size(); first += changes_at_once) {
      if (io_.stop.stop_requested()) return interrupted(grouped(first) + " of " + grouped(changes_.size()) + " changes were made");
      const std::size_t end = std::min(changes_.size(), first + changes_at_once);
      const auto at = [&](std::size_t i) { return std::make_move_iterator(changes_.begin() + static_cast<std::ptrdiff_t>(i)); };
      ARGOSY_TRY(store_.apply({at(first), at(end)}).within(grouped(first) + " of " + grouped(changes_.size()) + " changes were made"));
      io_.progress.show({.stage = "changes", .unit = "products", .done = end, .total = changes_.size()});
    }
    io_.progress.close();
    return {};
  }

  void report() const {
    const live_generation now = store_.now();
    const auto removed = static_cast<std::uint64_t>(
        std::count_if(removals_.begin(), removals_.end(), [&](const std::string& id) { return before_.row_of(id).has_value(); }));
    io_.out << options_.store.string() << ": generation " << now.published().number() << ", " << counted(put_, "product")
            << " put, of which " << grouped(replaced_) << " replaced others; " << grouped(removed) << " removed, "
            << grouped(removals_.size() - removed) << " to remove were not there; " << grouped(refused_) << " refused. "
            << counted(now.products(), "product") << " now, " << grouped(now.put())
            << " put since it was published: `argosy compact` makes them part of the index\n";
  }

  const change_options& options_;
  const console& io_;
  live_store& store_;
  const live_generation before_;
  std::vector<product_change> changes_;       // removals first: what is put in the same call stays
  std::unordered_set<std::string> removals_;  // that nothing is put for
  std::uint64_t put_ = 0, replaced_ = 0, refused_ = 0;
};

}  // namespace

status run_change(const change_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto store, live_store::open(options.store, rules_of));
  return change_command(options, io, *store).run();
}

}  // namespace argosy
