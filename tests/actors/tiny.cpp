#include "tests/actors/tiny.hpp"

#include <array>
#include <cmath>

#include "base/random.hpp"
#include "data/image.hpp"

namespace argosy::test {
namespace {

enum class products { repeated, distinct };

class drawer {
public:
  drawer(std::uint64_t step, std::uint64_t row)
      : key_{.seed = 99, .step = static_cast<std::uint32_t>(step)}, row_(static_cast<std::uint32_t>(row)) {}
  std::uint32_t below(std::uint32_t limit) { return random_bits(key_, row_, next_++) % limit; }

private:
  draw_key key_;
  std::uint32_t row_, next_ = 0;
};

std::vector<std::int32_t> tokens(drawer& draw, std::uint32_t longest) {
  std::vector<std::int32_t> drawn{2};
  for (auto left = draw.below(longest - 1); left > 0; --left) drawn.push_back(static_cast<std::int32_t>(3 + draw.below(17)));
  return drawn;
}

std::vector<std::uint8_t> patches(drawer& draw) {
  std::vector<std::uint8_t> drawn(static_cast<std::size_t>(patches_per_image * patch_bytes(8, 8)));
  for (auto& byte : drawn) byte = static_cast<std::uint8_t>(draw.below(256));
  return drawn;
}

void append_row(batch& b, std::uint64_t step, std::uint64_t row, products kind) {
  drawer draw(step, row);
  b.query.append(tokens(draw, 6));
  b.own.push_back(static_cast<std::int32_t>(b.own.size()));
  const auto shown = draw.below(4);  // 0: no image, 1: no title, else both
  const auto title = tokens(draw, 8);
  const auto image = patches(draw);
  b.product.title.append(shown == 1 ? std::span<const std::int32_t>{} : std::span(title));
  b.product.image.append(shown == 0 ? std::span<const std::uint8_t>{} : std::span(image));
  const bool distinct = kind == products::distinct;
  b.product.product.push_back(distinct ? static_cast<std::int64_t>(step * tiny_batch_size + row) : draw.below(9));
  b.product.log_p.push_back(std::log(.05f + .02f * static_cast<float>(draw.below(9))));
  for (auto known = distinct ? 0 : draw.below(3); known > 0; --known) b.known_product.push_back(draw.below(9));
  b.known_offset.push_back(static_cast<std::int32_t>(b.known_product.size()));
}

batch made(std::uint64_t step, const batch_share& share, products kind) {
  batch b;
  b.step = step;
  b.first_pair = step * share.global_batch + share.first();
  b.product.image.patch_width = patch_bytes(8, 8);
  for (std::uint64_t i = 0; i < share.size(); ++i) append_row(b, step, share.first() + i, kind);
  return b;
}

}  // namespace

recipe tiny_recipe(int workers) {
  recipe r;
  r.model = {.hidden = 8,
             .heads = 2,
             .feed_forward = 16,
             .query_layers = 1,
             .title_layers = 1,
             .image_layers = 1,
             .projection = 6,
             .use_title = true,
             .use_image = true,
             .dropout = .1,
             .cosine = true};
  r.train.seed = 5;
  r.train.batch = tiny_batch_size;
  r.train.steps = 8;
  r.train.workers = workers;
  r.optimiser.rate = 1e-2;
  r.negatives.bank = 10;
  r.negatives.scale = 10;
  r.checkpoint.every = 3;
  r.tasks.words = r.tasks.patches = r.tasks.classification = r.tasks.keywords = 0;
  return r;
}

model_inputs tiny_inputs() {
  return {.vocabulary = 20, .query_length = 6, .title_length = 8, .image_width = 8, .image_height = 8, .mask_piece = 19};
}

checkpoint_facts tiny_facts(const recipe& r) {
  return {.steps_done = 0,
          .of = r.train.steps,
          .data_fingerprint = 7,
          .recipe = r,
          .inputs = tiny_inputs(),
          .vocabulary = "[PAD]\n[UNK]\n[CLS]\n",
          .segmenter = "ICU",
          .workers = r.train.workers};
}

batch tiny_batch(std::uint64_t step, const batch_share& share) { return made(step, share, products::repeated); }
batch distinct_batch(std::uint64_t step, const batch_share& share) { return made(step, share, products::distinct); }

}  // namespace argosy::test
