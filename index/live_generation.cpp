#include "index/live_generation.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>
#include <utility>

#include "base/check.hpp"
#include "index/checked_rows.hpp"
#include "index/delta_segment.hpp"
#include "index/top_hits.hpp"

namespace argosy {
namespace {

// Rows of a list that begins at `first` of all rows.
void append(std::vector<hit>& to, const std::vector<hit>& found, std::size_t first) {
  for (const hit& one : found) to.push_back({static_cast<std::uint32_t>(first + one.row), one.score});
}

void sort_and_cut(std::vector<hit>& hits, std::size_t k) {
  std::sort(hits.begin(), hits.end(), better);
  hits.resize(std::min(hits.size(), k));
}

}  // namespace

live_generation::live_generation(generation published) : published_(std::move(published)) {}

status live_generation::check(const product_change& change) const {
  if (change.id.empty()) return {errc::invalid_argument, "a change of a product: want an id, found none"};
  if (change.removed) return {};
  const auto refused = [&](const std::string& why) { return status(errc::invalid_argument, "product " + change.id + ": " + why); };
  const std::size_t width = published_.index().columns();
  if (change.vector.size() != width)
    return refused("want a vector of " + std::to_string(width) + " columns, got " + std::to_string(change.vector.size()));
  if (const status right = check_vectors(view_of(change.vector.data(), 1, static_cast<std::int64_t>(width))); !right.ok())
    return right.within("product " + change.id);
  const terms* known = published_.catalogue_terms();
  for (std::uint32_t f = 0; known != nullptr && f < known->fields(); ++f) {
    if (known->kind_of(f) != field_kind::number) continue;
    for (const field_value& value : change.fields) {
      if (value.field == known->field_name(f) && !reads_as_number(value.text))
        return refused("field " + value.field + ": want a number, as the generation has there, got \"" + value.text + "\"");
    }
  }
  return {};
}

result<live_generation> live_generation::after(std::vector<product_change> changes, const text_rules& rules) const {
  std::map<std::string_view, std::size_t> last;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    ARGOSY_TRY(check(changes[i]));
    last[changes[i].id] = i;
  }
  live_generation next = *this;
  std::vector<std::size_t> puts;
  std::vector<std::string_view> ids;
  for (const auto& [id, at] : last) {
    ids.push_back(id);
    if (!changes[at].removed) puts.push_back(at);
  }
  next.hide(ids);
  std::sort(puts.begin(), puts.end());
  std::vector<product_change> segment;
  for (std::size_t i = 0; i < puts.size(); ++i) {
    segment.push_back(std::move(changes[puts[i]]));
    if (segment.size() == most_segment_rows || i + 1 == puts.size()) ARGOSY_TRY(next.add(std::exchange(segment, {}), rules));
  }
  std::erase_if(next.parts_, [](const part& one) { return one.there.size() == 0; });
  return next;
}

bool live_generation::hide_put(std::string_view id) {
  const std::uint64_t hash = id_table::hash_of(id);
  for (part& one : parts_) {
    const auto row = one.segment->row_of(id, hash);
    if (!row || !one.there.contains(*row)) continue;
    one.there.erase(*row);
    return true;
  }
  return false;
}

void live_generation::hide(std::span<const std::string_view> ids) {
  std::vector<std::uint32_t> rows;
  for (const std::string_view id : ids) {
    if (hide_put(id)) continue;
    if (const auto row = published_.row_of(id); row && is_there(*row)) rows.push_back(*row);
  }
  if (rows.empty()) return;
  auto there = std::make_shared<row_set>(there_ ? *there_ : row_set::all(published_.products()));
  for (const std::uint32_t row : rows) there->erase(row);
  there_ = std::move(there);
}

status live_generation::add(std::vector<product_change> puts, const text_rules& rules) {
  ARGOSY_ASSIGN(auto segment, delta_segment::make(std::move(puts), published_.catalogue_terms(), rules));
  const std::size_t rows = segment->size();
  parts_.push_back({std::move(segment), row_set::all(rows)});
  while (const std::size_t together = last_of_a_size()) ARGOSY_TRY(join_last(together, rules));
  return {};
}

// How many at the end are to be joined: joined_parts or more of like size, or fewer that come to half of the largest segment.
std::size_t live_generation::last_of_a_size() const {
  const auto size_class = [](std::size_t rows) { return std::bit_width(rows) / std::bit_width(joined_parts - 1); };
  std::size_t together = 0, rows = 0;
  for (auto one = parts_.rbegin(); one != parts_.rend(); ++one) {
    const std::size_t more = one->there.size();
    if (size_class(more) > size_class(parts_.back().there.size()) || rows + more > most_segment_rows) break;
    rows += more;
    ++together;
  }
  const bool large = together > 1 && rows >= most_segment_rows / 2;
  return together >= joined_parts || large ? together : 0;
}

// Without what is not there any more.
status live_generation::join_last(std::size_t together, const text_rules& rules) {
  std::vector<product_change> puts;
  const auto first = parts_.end() - static_cast<std::ptrdiff_t>(together);
  for (auto one = first; one != parts_.end(); ++one)
    one->there.for_each([&](std::uint32_t row) { puts.push_back(one->segment->put(row)); });
  parts_.erase(first, parts_.end());
  if (puts.empty()) return {};
  ARGOSY_ASSIGN(auto segment, delta_segment::make(std::move(puts), published_.catalogue_terms(), rules));
  const std::size_t rows = segment->size();
  parts_.push_back({std::move(segment), row_set::all(rows)});
  return {};
}

std::size_t live_generation::rows() const noexcept {
  std::size_t all = published_.products();
  for (const part& one : parts_) all += one.segment->size();
  return all;
}

std::size_t live_generation::put() const noexcept {
  std::size_t all = 0;
  for (const part& one : parts_) all += one.there.size();
  return all;
}

std::size_t live_generation::gone() const noexcept { return there_ ? there_->rows() - there_->size() : 0; }
std::size_t live_generation::products() const noexcept { return published_.products() - gone() + put(); }

live_generation::place live_generation::find(std::uint32_t row) const {
  ARGOSY_CHECK(row < rows());
  if (row < published_.products()) return {nullptr, row};
  std::size_t first = published_.products();
  auto one = parts_.begin();
  for (; row - first >= one->segment->size(); ++one) first += one->segment->size();
  return {&*one, static_cast<std::uint32_t>(row - first)};
}

bool live_generation::is_there(std::uint32_t row) const {
  const place at = find(row);
  return at.in != nullptr ? at.in->there.contains(at.row) : !there_ || there_->contains(row);
}

product_facts live_generation::facts(std::uint32_t row) const {
  const place at = find(row);
  return at.in != nullptr ? at.in->segment->facts(at.row) : published_.facts(row);
}

product_change live_generation::put_at(std::uint32_t row) const {
  const place at = find(row);
  ARGOSY_CHECK(at.in != nullptr);
  return at.in->segment->put(at.row);
}

std::optional<std::uint32_t> live_generation::row_of(std::string_view id) const {
  const std::uint64_t hash = id_table::hash_of(id);
  std::size_t first = published_.products();
  for (const part& one : parts_) {
    const auto row = one.segment->row_of(id, hash);
    if (row && one.there.contains(*row)) return static_cast<std::uint32_t>(first + *row);
    first += one.segment->size();
  }
  const auto row = published_.row_of(id);
  return row && is_there(*row) ? row : std::nullopt;
}

std::optional<std::uint32_t> live_generation::row_now(std::uint32_t published_row) const {
  if (!there_ || there_->contains(published_row)) return published_row;
  return row_of(published_.facts(published_row).id);
}

result<std::vector<std::vector<hit>>> live_generation::search(const_view queries, const search_options& options) const {
  if (!changed()) return published_.index().search(queries, options);
  const std::size_t published = published_.products();
  const auto allowed = options.allowed != nullptr ? std::optional(options.allowed->slice(0, published)) : std::nullopt;
  search_options how = options;
  how.allowed = allowed ? &*allowed : there_.get();
  ARGOSY_ASSIGN(auto found, published_.index().search(queries, how));
  std::size_t first = published;
  for (const part& one : parts_) {
    const row_set of_part = options.allowed != nullptr ? options.allowed->slice(first, one.segment->size()) : one.there;
    how.allowed = &of_part;
    ARGOSY_ASSIGN(const auto more, one.segment->index().search(queries, how));
    for (std::size_t q = 0; q < found.size(); ++q) append(found[q], more[q], first);
    first += one.segment->size();
  }
  for (auto& hits : found) sort_and_cut(hits, options.k);
  return found;
}

// What `of` keeps of each part's terms, and is there.
template <class Keep>
result<row_set> live_generation::keep_by(Keep&& of) const {
  ARGOSY_CHECK(published_.catalogue_terms() != nullptr);
  ARGOSY_ASSIGN(row_set kept, of(*published_.catalogue_terms()));
  if (there_) kept.intersect(*there_);
  if (parts_.empty()) return kept;
  row_set put(0);
  for (const part& one : parts_) {
    ARGOSY_ASSIGN(row_set of_part, of(*one.segment->words()));
    of_part.intersect(one.there);
    put = put.followed_by(of_part);
  }
  return kept.followed_by(put);
}

result<row_set> live_generation::keep(const filter_node& filter) const {
  return keep_by([&](const terms& of) { return of.keep(filter); });
}

result<row_set> live_generation::keep(std::span<const name_match> names) const {
  return keep_by([&](const terms& of) { return of.keep(names, *published_.catalogue_terms()); });
}

result<std::vector<hit>> live_generation::search(std::span<const std::string> words, std::size_t k, const row_set* allowed,
                                                 const bm25_options& options) const {
  const terms* known = published_.catalogue_terms();
  ARGOSY_CHECK(known != nullptr);
  if (!changed()) return known->search(words, k, allowed, options);
  bm25_collection all;
  known->count(words, options, all);
  for (const part& one : parts_) one.segment->words()->count(words, options, all);
  const std::size_t published = published_.products();
  const auto of_published = allowed != nullptr ? std::optional(allowed->slice(0, published)) : std::nullopt;
  ARGOSY_ASSIGN(auto found, known->search(words, k, of_published ? &*of_published : there_.get(), options, &all));
  std::size_t first = published;
  for (const part& one : parts_) {
    const row_set of_part = allowed != nullptr ? allowed->slice(first, one.segment->size()) : one.there;
    ARGOSY_ASSIGN(const auto more, one.segment->words()->search(words, k, &of_part, options, &all));
    append(found, more, first);
    first += one.segment->size();
  }
  sort_and_cut(found, k);
  return found;
}

}  // namespace argosy
