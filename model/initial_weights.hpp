// Weights of one BERT encoder, from which the encoders of a new model start: what `argosy import` writes and `argosy train --initial` reads.
// A sealed folder of kind "initial-weights": encoder.safetensors (F32, names within a tower: model/bert_names.hpp) and vocab.txt.
// Where they go (ours): query and title take all, positions as many as their lengths; image takes the LayerNorm before its first layer and
// the layers. All else of the model starts as it does without them.
// Errors   what a file or folder lacks is named with the tensor, what was wanted and what was found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"

namespace argosy {

struct initial_weights {
  struct matrix {
    std::string name;  // `token`, `0.q.weight`
    std::int64_t rows = 0, cols = 0;
    std::vector<float> value;
  };
  int heads = 0;
  std::string vocabulary;  // vocab.txt
  std::vector<matrix> tensors;

  const matrix* find(std::string_view name) const noexcept;
};

// What the tensors say of themselves. A layer count of 0 or a width of 0: there is none.
struct encoder_sizes {
  std::int64_t vocabulary = 0, positions = 0, hidden = 0, feed_forward = 0;
  int layers = 0;
};
encoder_sizes sizes_of(const initial_weights&);
// Every tensor of the encoder is there but position, type and embedding_ln, which may be absent, and has the shape that its sizes want.
// `called`: the name of a tensor in messages.
using tensor_naming = std::function<std::string(std::string_view)>;
status check_complete(const initial_weights&, const tensor_naming& called);

// The tensor that the model's parameter of that name starts from: `0.q.weight` for `title.0.q.weight`; empty: none does.
std::string_view source_of(std::string_view parameter) noexcept;

// Of all their numbers, by which the processes of a job know that they start from the same.
std::uint64_t fingerprint_of(const initial_weights&) noexcept;

status write_initial_weights(const std::filesystem::path& folder, const initial_weights&);
result<initial_weights> read_initial_weights(const std::filesystem::path& folder);

// invalid_argument names the keys of the recipe, or how the data was prepared, that would have to be another.
status check_fits(const initial_weights&, const model_recipe&, const model_inputs&, std::string_view vocabulary);
// REQUIRES check_fits. What has no counterpart stays.
status start_from(const initial_weights&, retrieval_model&);

}  // namespace argosy
