// What masked-modelling tasks hide (method.md, section 3). Draws are keyed by (seed, step, pair, site, place), so they depend neither on
// the number of workers nor on how a batch is cut.
//   words     each piece but [CLS] with probability `rate`; of the chosen, 80 % become [MASK], 10 % a random piece, 10 % stay: BERT's,
//             Devlin et al., arXiv:1810.04805, section 3.1
//   patches   each patch with probability `rate`
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "data/batch.hpp"

namespace argosy {

struct word_mask {
  double rate = .15;
  std::int32_t mask_piece = 0, vocabulary = 0;  // [MASK], and how many pieces there are
};

struct masked_text {
  packed_text text;                 // what the encoder reads
  std::vector<std::int32_t> row;    // (m) rows of the chosen, rising
  std::vector<std::int32_t> piece;  // (m) what stood there
};

// `pair` (B): whose draws each sequence makes.
masked_text mask_words(const packed_text&, std::span<const std::uint32_t> pair, draw_key, const word_mask&);

// Indices of the chosen, rising, among the patches of the images that are there (images * 16).
std::vector<std::int32_t> mask_patches(const packed_images&, std::span<const std::uint32_t> pair, draw_key, double rate);

}  // namespace argosy
