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
};

class retrieval_model {
public:
  // What `make` would place, without the memory for it.
  static std::vector<parameter_spec> parameters_of(const model_recipe&, const model_inputs&, double first_scale);
  // `first_scale`: where the trained scale of the similarities starts. The device outlives the model.
  static result<retrieval_model> make(device&, const model_recipe&, const model_inputs&, double first_scale, std::uint64_t seed);
  retrieval_model(retrieval_model&&) noexcept;
  retrieval_model& operator=(retrieval_model&&) noexcept;
  ~retrieval_model();

  // Embeddings (B, P), of length one when the recipe compares by cosine. Views are valid until the next call of the same function.
  // `training` applies dropout keyed by (seed, step, global pair).
  struct pass {
    bool training = false;
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
    std::uint64_t first_pair = 0;
  };
  result<const_view> embed_queries(const packed_text&, const pass&);
  result<const_view> embed_products(const product_batch&, const pass&);
  // (B, 2): weight of title and image of the last embed_products.
  const_view gates() const noexcept;

  // Gradients of the last training pass, added to the parameters'.
  status backward_queries(const_view d_embedding);
  status backward_products(const_view d_embedding);

  // scale = min(exp(log_scale), limit): trained like 1/tau.
  double scale(double limit) const noexcept;
  void add_scale_gradient(double d_scale, double limit) noexcept;

  parameters& weights() noexcept;
  const parameters& weights() const noexcept;
  const model_recipe& shape() const noexcept;
  const model_inputs& inputs() const noexcept;
  std::int64_t width() const noexcept;  // P

private:
  struct impl;
  explicit retrieval_model(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy
