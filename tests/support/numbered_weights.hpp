// Initial weights of one's own: those of a query tower that the recipe wants, each tensor full of its own number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/text.hpp"
#include "model/initial_weights.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"

namespace argosy::test {

inline initial_weights numbered_weights(const recipe& r, const vocabulary& vocab) {
  initial_weights w{r.model.heads, vocab.text(), {}};
  for (const auto& spec : retrieval_model::parameters_of(r, {.vocabulary = static_cast<std::int64_t>(vocab.size())})) {
    if (!spec.name.starts_with("query.")) continue;
    const auto source = source_of(spec.name);
    if (source.empty()) continue;
    const std::int64_t rows = source == "position" ? 10 : spec.rows;
    const std::vector<float> value(static_cast<std::size_t>(rows * spec.cols), .01F * static_cast<float>(w.tensors.size() + 1));
    w.tensors.push_back({std::string(source), rows, spec.cols, value});
  }
  return w;
}

}  // namespace argosy::test
