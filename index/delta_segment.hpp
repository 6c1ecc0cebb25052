// Products put since a generation was published, a small part of a live generation (live_generation.hpp): in memory, with an exact index and
// terms of its own. Immutable, may be shared.
// Not for other rooms.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/generation.hpp"
#include "index/id_table.hpp"
#include "index/terms.hpp"
#include "index/vector_index.hpp"
#include "schema/product_change.hpp"

namespace argosy {

class delta_segment {
public:
  // One or more puts of different ids, with vectors of one width. `published` has the fields that terms know; none: without terms.
  static result<std::shared_ptr<const delta_segment>> make(std::vector<product_change> puts, const terms* published, const text_rules&);

  std::size_t size() const noexcept { return products_.size(); }
  const vector_index& index() const noexcept { return *index_; }
  const terms* words() const noexcept { return terms_ ? &*terms_ : nullptr; }
  product_facts facts(std::uint32_t row) const { return {products_[row].id, products_[row].title, products_[row].image}; }
  std::optional<std::uint32_t> row_of(std::string_view id, std::uint64_t hash) const;  // id_table::hash_of(id)
  product_change put(std::uint32_t row) const;                                         // as it was made from

private:
  delta_segment() = default;
  status make_terms(const terms& published, const text_rules&);
  std::vector<product_change> products_;  // their vectors are in vectors_
  std::vector<float> vectors_;
  id_table by_id_;
  std::unique_ptr<vector_index> index_;
  std::optional<terms> terms_;
};

}  // namespace argosy
