// Products as a model was trained on them: the sorted words of the title in its pieces, the photograph in its patches, or in what its
// backbone makes of them. One by one; many at once are prepared (data/prepared.hpp).
// Threads   one.
// Errors    a title with invalid UTF-8; a photograph that cannot be decoded, or is there without the backbone that the model wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/patch_features.hpp"
#include "data/text.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

struct encoded_product {
  std::vector<std::int32_t> title;      // [CLS] first; empty: no word
  std::vector<std::uint8_t> patches;    // of a model on pixels; empty: no photograph
  std::vector<std::uint16_t> features;  // of one on features, IEEE half precision
  bool has_photograph() const noexcept { return !patches.empty() || !features.empty(); }
};

class product_encoder {
public:
  // `folder` is where the facts are from, for messages. `backbone`: none, or the one that the model was trained behind (invalid_argument).
  static result<product_encoder> open(const checkpoint_facts&, const std::filesystem::path& folder,
                                      std::shared_ptr<patch_features> backbone);
  result<std::vector<std::int32_t>> title(std::string_view) const;
  // JPEG, PNG or WebP, into `to`.
  status add_photograph(std::span<const std::byte> encoded, encoded_product& to) const;

private:
  product_encoder(vocabulary, segmenter, model_inputs, std::shared_ptr<patch_features>);
  vocabulary vocabulary_;
  segmenter segmenter_;
  model_inputs inputs_;
  std::shared_ptr<patch_features> backbone_;
};

// (N, P), row-major. REQUIRES products of the model's own encoder.
result<std::vector<float>> embed_products(retrieval_model&, std::span<const encoded_product>);

}  // namespace argosy
