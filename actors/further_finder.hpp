// The index behind further queries, where the recipe wants them.   Threads  any, once it is made.
#pragma once

#include <optional>

#include "data/batch.hpp"
#include "model/recipe.hpp"

namespace argosy {

class further_finder {
public:
  // The recipe outlives it.
  further_finder(const recipe& chosen, const prepared_data& data) : recipe_(&chosen) {
    if (chosen.tasks.keywords > 0) of_products_.emplace(data);
  }
  further_queries queries() const noexcept {
    return {of_products_ ? &*of_products_ : nullptr, recipe_->tasks.keyword_rate, recipe_->train.seed};
  }

private:
  const recipe* recipe_;
  std::optional<queries_of_products> of_products_;
};

}  // namespace argosy
