#include "model/product_encoder.hpp"

#include <algorithm>
#include <utility>

#include "data/batch.hpp"
#include "data/half.hpp"
#include "data/image.hpp"
#include "kernels/transfer.hpp"

namespace argosy {
namespace {

constexpr std::size_t batch_products = 128;  // as in model/embedding.cpp

// As `prepare` stores them.
status append_halves(std::span<const float> features, std::vector<std::uint16_t>& to) {
  for (const float x : features) {
    if (!fits_half(x))
      return {errc::out_of_range, "want features of at most " + std::to_string(largest_half) + ", got " + std::to_string(x)};
    to.push_back(half_of(x));
  }
  return {};
}

}  // namespace

product_encoder::product_encoder(vocabulary pieces, segmenter words, model_inputs inputs, std::shared_ptr<patch_features> backbone)
    : vocabulary_(std::move(pieces)), segmenter_(std::move(words)), inputs_(std::move(inputs)), backbone_(std::move(backbone)) {}

result<product_encoder> product_encoder::open(const checkpoint_facts& facts, const std::filesystem::path& folder,
                                              std::shared_ptr<patch_features> backbone) {
  if (backbone && !(backbone->about() == facts.inputs.backbone))
    return status(errc::invalid_argument, folder.string() + ": want " + text_of(facts.inputs.backbone) +
                                              ", which the model was trained on, got " + text_of(backbone->about()));
  ARGOSY_ASSIGN(vocabulary pieces, vocabulary::from_text(facts.vocabulary, (folder / "vocab.txt").string()));
  ARGOSY_ASSIGN(segmenter words, segmenter::open_like(facts.segmenter));
  return product_encoder(std::move(pieces), std::move(words), facts.inputs, std::move(backbone));
}

result<std::vector<std::int32_t>> product_encoder::title(std::string_view text) const {
  ARGOSY_ASSIGN(auto words, segmenter_.words(text));
  if (words.empty()) return std::vector<std::int32_t>();
  sort_words(words);
  return vocabulary_.encode(words, static_cast<std::size_t>(inputs_.title_length));
}

status product_encoder::add_photograph(std::span<const std::byte> encoded, encoded_product& to) const {
  if (!inputs_.backbone.none() && !backbone_)
    return {errc::invalid_argument,
            "the model was trained on features of " + text_of(inputs_.backbone) + ", whose weights are not at hand"};
  ARGOSY_ASSIGN(image picture, decode_image(encoded));
  if (picture.width != inputs_.image_width || picture.height != inputs_.image_height)
    picture = resize(picture, inputs_.image_width, inputs_.image_height);
  auto patches = cut_patches(picture);
  if (!backbone_) {
    to.patches = std::move(patches);
    return {};
  }
  std::vector<float> features(static_cast<std::size_t>(patches_per_image) * static_cast<std::size_t>(inputs_.backbone.features));
  ARGOSY_TRY(backbone_->compute(patches, inputs_.image_width / 4, inputs_.image_height / 4, features));
  return append_halves(features, to.features);
}

result<std::vector<float>> embed_products(retrieval_model& model, std::span<const encoded_product> products) {
  std::vector<float> vectors;
  for (std::size_t first = 0; first < products.size(); first += batch_products) {
    packed_text titles;
    packed_images images;
    images.patch_width = model.inputs().patch_width();
    for (const encoded_product& one : products.subspan(first, std::min(batch_products, products.size() - first))) {
      titles.append(one.title);
      model.inputs().backbone.none() ? images.append(one.patches) : images.append_features(one.features);
    }
    ARGOSY_ASSIGN(const const_view rows, model.embed_products(retrieval_model::product_parts{titles, images, {}}, {}));
    ARGOSY_ASSIGN(const auto numbers, floats_of(model.on(), rows));
    vectors.insert(vectors.end(), numbers.begin(), numbers.end());
  }
  return vectors;
}

}  // namespace argosy
