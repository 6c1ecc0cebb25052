// The model of method.md, section 2: query, title and image encoders, modal adaptation, projection. Written once over the device
// interface: float32 on the CPU for work, float64 on the reference device for its tests.
// Letters   B sequences, N packed rows, d hidden, P projection.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "data/batch.hpp"
#include "kernels/device.hpp"
#include "model/parameters.hpp"
#include "model/recipe.hpp"

namespace argosy {

// What the data says about the model: sizes that no recipe chooses.
struct model_inputs {
  std::int64_t vocabulary = 0;
  int query_length = 32, title_length = 64;
  int image_width = 60, image_height = 80;
  std::int32_t mask_piece = -1;  // [MASK] of the vocabulary, for training on masked words; not kept in checkpoints
  patch_backbone backbone = {};
  int patch_width() const noexcept;  // numbers of one patch
};
model_inputs inputs_of(const prepared_data&);

class retrieval_model {
public:
  // What `make` would place, without the memory for it: also the parameters of the heads of the recipe's tasks (model/tasks.hpp), which the
  // worker binds.
  static std::vector<parameter_spec> parameters_of(const recipe&, const model_inputs&);
  // The device outlives the model.
  static result<retrieval_model> make(device&, const recipe&, const model_inputs&, placement = placement::training);
  retrieval_model(retrieval_model&&) noexcept;
  retrieval_model& operator=(retrieval_model&&) noexcept;
  ~retrieval_model();

  // Embeddings (B, P), of length one when the recipe compares by cosine. Views are valid until the next call of the same function.
  // `training` applies dropout keyed by (seed, step, pair).
  struct pass {
    bool training = false;
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
    std::span<const std::uint32_t> pair = {};  // (B) whose draws each sequence makes; empty: 0, 1, ...
  };
  result<const_view> embed_queries(const packed_text&, const pass&);
  struct product_parts {
    const packed_text& title;
    const packed_images& image;
    std::span<const std::int32_t> masked_patch;  // indices among the patches that are hidden
  };
  result<const_view> embed_products(const product_parts&, const pass&);
  result<const_view> embed_products(const product_batch& b, const pass& p) {
    return embed_products(product_parts{b.title, b.image, {}}, p);
  }
  // (B, 2): weight of title and image of the last embed_products.
  const_view gates() const noexcept;

  // What the heads of tasks read of the last passes: rows of the encoders; of the images also which rows are patches, and the patches
  // themselves after the linear map, unmasked. Of queries only a training pass with tasks.words has them: otherwise nobody reads more than
  // the [CLS] rows, and the last block computes no others.
  const_view query_rows() const noexcept;  // (N, d)
  const_view title_rows() const noexcept;
  const_view image_rows() const noexcept;
  std::span<const std::int32_t> patch_rows() const noexcept;  // (L)
  const_view embedded_patches() const noexcept;               // (L, d)

  // Gradients of the last training pass, added to the parameters'. `d_embedding` may be empty: the heads' alone.
  struct row_gradients {
    const_view d;                       // (n, d)
    std::span<const std::int32_t> row;  // (n) of the encoder's rows
  };
  status backward_queries(const_view d_embedding, const row_gradients& of_heads = {}, const gradients_complete& = {});
  status backward_products(const_view d_embedding, const row_gradients& of_title_head = {}, const row_gradients& of_image_head = {},
                           const gradients_complete& = {});
  // What the two tell complete, queries first, in that order; a batch may leave out layers of a tower, never the tower. Parameters that no
  // name of it begins are complete with the last.
  static std::vector<std::string> gradient_order(const recipe&);

  device& on() const noexcept;
  parameters& weights() noexcept;
  const parameters& weights() const noexcept;
  const model_recipe& shape() const noexcept;
  std::string_view query_tokens() const noexcept;  // parameters: the tables of pieces
  std::string_view title_tokens() const noexcept;
  const model_inputs& inputs() const noexcept;
  std::int64_t width() const noexcept;  // P

private:
  struct impl;
  explicit retrieval_model(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy
