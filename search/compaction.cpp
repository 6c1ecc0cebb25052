#include "search/compaction.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "data/field_rows.hpp"
#include "index/pair_table.hpp"
#include "index/store.hpp"
#include "schema/measure.hpp"
#include "search/image_weights.hpp"
#include "search/terms_of.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t rows_at_once = 4096;
constexpr std::uint32_t no_row = 0xFFFFFFFF;
constexpr float no_weight = std::numeric_limits<float>::quiet_NaN();

class compaction {
public:
  compaction(const live_generation& from, const compaction_options& options) : from_(from), options_(options) {
    for (std::uint32_t row = 0; row < from.rows(); ++row)
      if (from.is_there(row)) rows_.push_back(row);
  }

  status write(generation_writer& to) {
    ARGOSY_TRY(take_vectors());
    ARGOSY_TRY(take_fields(to.path()));
    std::vector<product_facts> facts;
    for (const std::uint32_t row : rows_) facts.push_back(from_.facts(row));
    const auto count = static_cast<std::int64_t>(rows_.size()), width = static_cast<std::int64_t>(published().index().columns());
    ARGOSY_TRY(to.write(view_of(std::as_const(vectors_).data(), count, width), facts, choice()));
    ARGOSY_TRY(write_words(to.path()));
    ARGOSY_TRY(write_weights(to.path()));
    ARGOSY_TRY(write_pairs(to.path()));
    ARGOSY_TRY(mark_compacted(to.path(), to.number(), published().number()));
    return interrupted();
  }

private:
  const generation& published() const { return from_.published(); }
  status interrupted() const { return options_.stop.stop_requested() ? status{errc::aborted, "compaction was interrupted"} : status{}; }

  // Where the publisher would have chosen the same kind, it is chosen anew for as many products as there are.
  index_choice choice() const {
    const bool was_flat = published().index().leaves() == 0;
    const bool as_chosen = was_flat == (published().products() < exact_below);
    index_choice made{.kind = index_kind::automatic, .hc = {.threads = options_.threads}, .show = options_.show, .stop = options_.stop};
    if (!was_flat) made.hc.vectors = stored_in(published().index());
    if (!as_chosen) made.kind = was_flat ? index_kind::flat : index_kind::hc;
    return made;
  }

  // Rows rise, those of the generation before those that were put.
  status take_vectors() {
    const std::size_t width = published().index().columns(), of_published = published().products();
    vectors_.reserve(width * rows_.size());
    std::size_t next = 0;
    for (std::size_t first = 0; first < of_published; first += rows_at_once) {
      ARGOSY_TRY(interrupted());
      const std::size_t count = std::min(rows_at_once, of_published - first);
      ARGOSY_ASSIGN(const auto restored, published().index().restore(first, count));
      for (; next < rows_.size() && rows_[next] < first + count; ++next) {
        const auto row = restored.begin() + static_cast<std::ptrdiff_t>((rows_[next] - first) * width);
        vectors_.insert(vectors_.end(), row, row + static_cast<std::ptrdiff_t>(width));
      }
    }
    for (; next < rows_.size(); ++next) {
      const auto put = from_.put_at(rows_[next]).vector;
      vectors_.insert(vectors_.end(), put.begin(), put.end());
    }
    return {};
  }

  status take_fields(const fs::path& folder) {
    ARGOSY_ASSIGN(const auto of_published, catalogue_fields::open(published().path() / fields_name, published().products()));
    field_rows made;
    for (const std::uint32_t row : rows_) {
      ARGOSY_TRY(interrupted());
      made.add(row < published().products() ? of_published.values_of(row) : values_put(row));
    }
    if (made.left_out() > 0)
      log::warning(folder.string() + ": " + std::to_string(made.left_out()) + " values of fields beyond the first " +
                   std::to_string(most_fields) + " are left out");
    return made.write(folder / fields_name);
  }

  // A field of numbers stays one, whatever the file said that put them: what is in it was checked.
  std::vector<field_value> values_put(std::uint32_t row) const {
    auto values = from_.put_at(row).fields;
    const terms* known = published().catalogue_terms();
    for (std::uint32_t f = 0; known != nullptr && f < known->fields(); ++f) {
      if (known->kind_of(f) != field_kind::number) continue;
      for (field_value& value : values) value.number |= value.field == known->field_name(f);
    }
    return values;
  }

  status write_words(const fs::path& folder) const {
    if (published().catalogue_terms() == nullptr) return {};
    ARGOSY_ASSIGN(auto options, read_terms_options(published().path()));
    options.strict_aliases = false;
    ARGOSY_ASSIGN(const auto fields, catalogue_fields::open(folder / fields_name, rows_.size()));
    ARGOSY_ASSIGN(const text_rules rules, rules_of(published()));
    const auto title = [this](std::size_t row) { return from_.facts(rows_[row]).title; };
    return write_terms_of({rows_.size(), title, &fields}, options, rules, folder, options_.stop);
  }

  // What is put has none: its embedding came with it.
  status write_weights(const fs::path& folder) const {
    ARGOSY_ASSIGN(const auto of_published, image_weights::open(published()));
    if (!of_published.kept()) return {};
    std::vector<float> weights;
    for (const std::uint32_t row : rows_)
      weights.push_back(row < published().products() ? of_published.of(row).value_or(no_weight) : no_weight);
    return write_image_weights(folder, weights);
  }

  // For each of the generation's rows the new one; no_row where it was removed.
  std::vector<std::uint32_t> new_rows() const {
    std::vector<std::uint32_t> made(published().products(), no_row);
    for (std::uint32_t old = 0; old < made.size(); ++old) {
      const auto now = from_.row_now(old);
      if (now) made[old] = static_cast<std::uint32_t>(std::lower_bound(rows_.begin(), rows_.end(), *now) - rows_.begin());
    }
    return made;
  }

  status write_pairs(const fs::path& folder) const {
    ARGOSY_TRY(pair_table::open(published()).failure());  // so that every row is one of its products
    const auto renumbered = new_rows();
    ARGOSY_ASSIGN(const folder_file products, measure_file(folder / products_file_name));
    for (const auto& file : published().folder().files) {
      if (!is_pair_file(file.name)) continue;
      ARGOSY_ASSIGN(const auto from, pair_file::open(published().path() / file.name));
      const pair_subject subject{rows_.size(), products.xxh3, from.subject().k};
      ARGOSY_ASSIGN(auto to, pair_file_writer::create(folder / file.name, from.shard(), subject));
      const auto renumber = [&](pair_key key, std::vector<hit>& hits) -> status {
        ARGOSY_TRY(interrupted());
        for (hit& one : hits) one.row = renumbered[one.row];
        std::erase_if(hits, [](const hit& one) { return one.row == no_row; });
        std::vector<std::byte> answer;
        ARGOSY_TRY(encode_answer(hits, subject.products, answer));
        return to.add(key, answer);
      };
      ARGOSY_TRY(from.for_each(renumber));
      ARGOSY_TRY(to.finish());
    }
    return {};
  }

  const live_generation& from_;
  const compaction_options& options_;
  std::vector<std::uint32_t> rows_;  // that are there, rising
  std::vector<float> vectors_;
};

}  // namespace

compacted_generation::compacted_generation(fs::path store, live_mark from, generation_writer made)
    : store_(std::move(store)),
      from_(std::move(from)),
      made_(std::move(made)),
      report_{made_.number(), from_.moment.products(), from_.moment.put(), from_.moment.gone()} {}

compacted_generation::~compacted_generation() {
  if (!went_on_) made_.discard();
}

// One of another generation is go_on()'s to refuse.
status compacted_generation::catch_up(const live_mark& until) {
  if (until.moment.published().number() != from_.moment.published().number()) return {};
  ARGOSY_ASSIGN(caught_up_, argosy::catch_up(store_, rules_of, made_.number(), from_, until));
  return {};
}

status compacted_generation::go_on(live_store& store) {
  went_on_ = true;
  return store.go_on_from(from_, made_, std::move(caught_up_));
}

result<std::shared_ptr<compacted_generation>> make_compacted(const fs::path& store, live_mark from, const compaction_options& options) {
  const live_generation& moment = from.moment;
  if (!moment.changed()) return status(errc::invalid_argument, store.string() + ": nothing has changed since it was published");
  if (moment.products() == 0)
    return status(errc::invalid_argument, store.string() + ": every product was removed: there is nothing to compact");
  ARGOSY_ASSIGN(auto writer, generation_writer::create_from(store, moment.published()));
  ARGOSY_TRY(compaction(moment, options).write(writer));
  ARGOSY_TRY(writer.seal());
  return std::shared_ptr<compacted_generation>(new compacted_generation(store, std::move(from), std::move(writer)));
}

result<compaction_report> compact(live_store& store, const compaction_options& options) {
  ARGOSY_ASSIGN(const auto made, make_compacted(store.path(), store.begin(), options));
  ARGOSY_TRY(made->go_on(store));
  return made->report();
}

}  // namespace argosy
