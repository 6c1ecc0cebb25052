// What a store keeps of its products beyond id, title and the name of the photograph: the fields of the catalogue, from fields.argosy of the
// generation and from the changes since, and what the photograph weighs in the embedding (image_weights.hpp).
// Threads   immutable; may be shared.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "data/catalogue_fields.hpp"
#include "index/live_generation.hpp"
#include "search/facets.hpp"
#include "search/image_weights.hpp"
#include "search/product_search.hpp"

namespace argosy {

inline constexpr std::size_t facet_depth = 100;               // products of an answer that facets count, or k where that is more (ours)
inline constexpr std::uint64_t most_values_of_a_facet = 200;  // different ones in the generation, of a field that does not restrict (ours)

class product_fields {
public:
  // Reads and checks both files whole. A generation published before fields were kept has none.
  static result<product_fields> open(const generation&);
  bool kept() const noexcept { return kept_; }

  // The values of a product in the order of its record. REQUIRES a moment of the generation that this was opened of, and a row of it.
  std::vector<field_value> of(const live_generation&, std::uint32_t row) const;
  // Not known of what was put since.
  std::optional<float> image_weight(const live_generation&, std::uint32_t row) const;
  // Fields that a filter finds by value and that restrict queries or have few values.
  std::span<const facet_field> facet_fields() const noexcept { return facet_fields_; }
  std::vector<facet> facets_of(const live_generation&, std::span<const found_product>) const;

private:
  catalogue_fields published_;
  image_weights weights_;
  std::vector<facet_field> facet_fields_;
  bool kept_ = false;
};

// Opens the fields of a generation when they are first asked for, and keeps those of the last two: answers of the one before may still leave.
// Threads   any; who asks first, opens, and the others wait for it.
class fields_of_generations {
public:
  result<std::shared_ptr<const product_fields>> of(const generation&);
  // Lets go of all others.
  void keep_only(const generation&);

private:
  std::mutex lock_;  // for what follows
  std::deque<std::pair<std::filesystem::path, std::shared_ptr<const product_fields>>> opened_;
};

}  // namespace argosy
