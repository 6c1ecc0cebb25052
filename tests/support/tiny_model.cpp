#include "tests/support/tiny_model.hpp"

#include <vector>

#include "data/image.hpp"

namespace argosy::test {
namespace {

std::uint32_t draw(std::uint64_t pair, std::uint32_t element) { return philox(77, {element, static_cast<std::uint32_t>(pair), 0, 0})[0]; }

std::vector<std::int32_t> tokens(std::uint64_t pair, std::uint32_t salt, std::uint32_t longest) {
  std::vector<std::int32_t> out{0};
  const auto more = draw(pair, salt) % longest;
  for (std::uint32_t i = 0; i < more; ++i) out.push_back(static_cast<std::int32_t>(1 + draw(pair, salt + 1 + i) % 29));
  return out;
}

}  // namespace

recipe tiny_recipe() {
  recipe r;
  r.model.hidden = 16;
  r.model.heads = 2;
  r.model.feed_forward = 32;
  r.model.query_layers = 2;
  r.model.title_layers = r.model.image_layers = 1;
  r.model.projection = 12;
  r.model.dropout = 0;
  r.model.initial = .2;
  r.train.batch = 12;
  r.train.steps = 8;
  r.negatives.bank = 32;
  r.negatives.scale = 10;
  r.optimiser.rate = 1e-2;
  r.tasks.words = r.tasks.patches = r.tasks.classification = r.tasks.keywords = 0;
  return r;
}

recipe with_every_task(recipe r) {
  r.tasks.words = .7;
  r.tasks.patches = .4;
  r.tasks.patch_regression = .3;
  r.tasks.classification = .6;
  r.tasks.keywords = .5;
  r.tasks.word_rate = r.tasks.patch_rate = .3;
  return r;
}

model_inputs tiny_inputs() {
  model_inputs in;
  in.vocabulary = 30;
  in.query_length = 8;
  in.title_length = 10;
  in.image_width = in.image_height = 8;
  in.mask_piece = 29;
  return in;
}

batch tiny_batch(std::uint64_t step, std::uint64_t first, std::uint64_t pairs, bool whole) {
  const auto in = tiny_inputs();
  const int width = patch_bytes(in.image_width, in.image_height);
  batch b;
  b.step = step;
  b.first_pair = first;
  b.product.image.patch_width = width;
  for (auto pair = first; pair < first + pairs; ++pair) {
    const auto product = pair % 5 == 4 ? pair - 1 : pair;
    b.query.append(tokens(pair, 100, 7));
    b.own.push_back(static_cast<std::int32_t>(pair - first));
    b.product.title.append(!whole && product % 4 == 1 ? std::vector<std::int32_t>{} : tokens(product, 200, 9));
    std::vector<std::uint8_t> pixels(!whole && product % 4 == 2 ? 0U : static_cast<std::size_t>(patches_per_image * width));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint8_t>(draw(product, static_cast<std::uint32_t>(300 + i)));
    b.product.image.append(pixels);
    b.product.product.push_back(static_cast<std::int64_t>(product));
    b.product.log_p.push_back(-1.0F - static_cast<float>(product % 7));
    b.known_product.push_back(static_cast<std::int64_t>(product));
    if (pair % 3 == 0) b.known_product.push_back(static_cast<std::int64_t>(product + 1));
    b.known_offset.push_back(static_cast<std::int32_t>(b.known_product.size()));
  }
  return b;
}

void add_further_queries(batch& b) {
  const auto pairs = b.size();
  for (std::size_t row = 0; row < pairs; row += 3) {
    b.query.append(tokens(b.first_pair + row, 400, 7));
    b.own.push_back(static_cast<std::int32_t>(row));
    b.known_product.push_back(b.product.product[(row + 2) % pairs]);
    b.known_offset.push_back(static_cast<std::int32_t>(b.known_product.size()));
  }
}

}  // namespace argosy::test
