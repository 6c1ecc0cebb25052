// A generation and what has changed since it was published: products put (added, or replaced as a whole) and removed. Searches merge both.
//   rows     those of the generation, and after them those that were put; one that was replaced or removed is never found again
//   parts    puts lie in small segments with an exact index and terms of their own (delta_segment.hpp). joined_parts of like size become one,
//            up to most_segment_rows, so that a put costs a logarithm of copies: the logarithmic method of Bentley and Saxe, Decomposable
//            searching problems, 1980.
//   fields   are those that the generation was published with: values of others are kept, and are searched for once the store is compacted
//   names    in queries (terms::names_in) are the generation's
// A live_generation is one moment: immutable, cheap to copy, and undisturbed by what happens after. live_store.hpp keeps the moments coming.
// Threads   may be shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/generation.hpp"
#include "index/row_set.hpp"
#include "index/terms.hpp"
#include "index/vector_index.hpp"
#include "schema/product_change.hpp"

namespace argosy {

class delta_segment;

inline constexpr std::size_t most_segment_rows = 4096;  // ours: to make one of them takes a tenth of a second
// Ours: texts are split into words again when segments become one, which is most of what a put costs; a search asks each of them.
inline constexpr std::size_t joined_parts = 8;

class live_generation {
public:
  explicit live_generation(generation published);
  const generation& published() const noexcept { return published_; }

  // invalid_argument for what after() would not take: no id, a vector of another width or with a value that no index takes, a text in a field
  // of numbers.
  status check(const product_change&) const;
  // This, and then the changes, of which the last one of an id counts. Removing what is not there changes nothing.
  result<live_generation> after(std::vector<product_change>, const text_rules&) const;

  std::size_t rows() const noexcept;      // a row is below it
  std::size_t products() const noexcept;  // that are there
  std::size_t put() const noexcept;       // of these, since the generation was published
  std::size_t gone() const noexcept;      // of the generation's, replaced or removed
  std::size_t segments() const noexcept { return parts_.size(); }
  bool changed() const noexcept { return !parts_.empty() || there_ != nullptr; }

  // REQUIRES a row below rows(), here and below.
  bool is_there(std::uint32_t row) const;
  product_facts facts(std::uint32_t row) const;
  std::optional<std::uint32_t> row_of(std::string_view id) const;
  // Where a product of the generation is: its row, or that of what replaced it; none when it was removed.
  std::optional<std::uint32_t> row_now(std::uint32_t published_row) const;
  // REQUIRES a row that was put.
  product_change put_at(std::uint32_t row) const;

  // As vector_index::search, over all products that are there. `allowed`: of rows(), from keep() of this moment.
  result<std::vector<std::vector<hit>>> search(const_view queries, const search_options&) const;
  // As those of terms. REQUIRES published().catalogue_terms().
  result<row_set> keep(const filter_node&) const;
  result<row_set> keep(std::span<const name_match>) const;
  result<std::vector<hit>> search(std::span<const std::string> words, std::size_t k, const row_set* allowed, const bm25_options&) const;

private:
  struct part {
    std::shared_ptr<const delta_segment> segment;
    row_set there;
  };
  struct place {
    const part* in;  // none: the generation
    std::uint32_t row;
  };
  place find(std::uint32_t row) const;
  void hide(std::span<const std::string_view> ids);
  bool hide_put(std::string_view id);
  status add(std::vector<product_change> puts, const text_rules&);
  std::size_t last_of_a_size() const;
  status join_last(std::size_t together, const text_rules&);
  template <class Keep>
  result<row_set> keep_by(Keep&& of) const;

  generation published_;
  std::shared_ptr<const row_set> there_;  // of the generation's rows; null: all
  std::vector<part> parts_;
};

}  // namespace argosy
