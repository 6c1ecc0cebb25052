// What is masked: shares, what becomes of the chosen, and draws that do not depend on the layout of the batch.
#include "data/masks.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>

#include "data/image.hpp"

namespace argosy {
namespace {

constexpr std::int32_t cls = 2, mask = 4, pieces = 1000;
const draw_key key{.seed = 9, .step = 3, .site = 4};

packed_text text_of(std::size_t sequences, std::int32_t length) {
  packed_text text;
  for (std::size_t b = 0; b < sequences; ++b) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(length), cls);
    std::iota(tokens.begin() + 1, tokens.end(), static_cast<std::int32_t>(10 + b % 7));
    text.append(tokens);
  }
  return text;
}

std::vector<std::uint32_t> pairs_from(std::uint32_t first, std::size_t count) {
  std::vector<std::uint32_t> pair(count);
  std::iota(pair.begin(), pair.end(), first);
  return pair;
}

// Within 4 deviations of a binomial share.
void check_share(std::ptrdiff_t count, std::ptrdiff_t of, double want) {
  const double share = static_cast<double>(count) / static_cast<double>(of);
  BOOST_TEST(std::abs(share - want) <= 4 * std::sqrt(want * (1 - want) / static_cast<double>(of)), share << " of " << want);
}

packed_images images_of(std::size_t count) {
  packed_images images;
  images.patch_width = 1;
  for (std::size_t b = 0; b < count; ++b)
    images.append(b % 3 == 1 ? std::vector<std::uint8_t>{} : std::vector<std::uint8_t>(patches_per_image, 7));
  return images;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masks)

BOOST_AUTO_TEST_CASE(words_are_chosen_and_replaced_in_berts_shares) {
  const auto text = text_of(2000, 21);
  const auto masked = mask_words(text, pairs_from(0, 2000), key, {.rate = .15, .mask_piece = mask, .vocabulary = pieces});
  const auto chosen = std::ssize(masked.row);
  check_share(chosen, 2000 * 20, .15);
  std::ptrdiff_t hidden = 0, kept = 0;
  for (std::size_t m = 0; m < masked.row.size(); ++m) {
    const auto row = static_cast<std::size_t>(masked.row[m]);
    BOOST_REQUIRE(masked.piece[m] == text.token[row]);
    hidden += masked.text.token[row] == mask;
    kept += masked.text.token[row] == text.token[row];
  }
  check_share(hidden, chosen, .8);
  check_share(kept, chosen, .1);
  BOOST_TEST(std::ranges::is_sorted(masked.row));
  std::size_t next = 0;
  for (std::size_t row = 0; row < text.token.size(); ++row) {
    if (next < masked.row.size() && masked.row[next] == static_cast<std::int32_t>(row))
      ++next;
    else
      BOOST_REQUIRE(masked.text.token[row] == text.token[row]);
  }
}

BOOST_AUTO_TEST_CASE(cls_is_never_chosen) {
  const auto masked = mask_words(text_of(50, 3), pairs_from(0, 50), key, {.rate = 1, .mask_piece = mask, .vocabulary = pieces});
  BOOST_TEST(masked.row.size() == 100u);
  for (const auto piece : masked.piece) BOOST_TEST(piece != cls);
}

BOOST_AUTO_TEST_CASE(a_sequence_is_masked_alike_alone_and_among_others) {
  const word_mask how{.rate = .5, .mask_piece = mask, .vocabulary = pieces};
  const auto text = text_of(7, 9);
  const auto all = mask_words(text, pairs_from(40, 7), key, how);
  for (std::size_t b = 0; b < 7; ++b) {
    packed_text one;
    one.append(std::span(text.token).subspan(9 * b, 9));
    const auto alone = mask_words(one, pairs_from(40 + static_cast<std::uint32_t>(b), 1), key, how);
    BOOST_TEST(alone.text.token == std::vector<std::int32_t>(all.text.token.begin() + static_cast<std::ptrdiff_t>(9 * b),
                                                             all.text.token.begin() + static_cast<std::ptrdiff_t>(9 * b + 9)),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(patches_of_images_that_are_there_are_chosen) {
  const auto images = images_of(1500);
  const auto chosen = mask_patches(images, pairs_from(0, 1500), key, .15);
  check_share(std::ssize(chosen), 1000 * patches_per_image, .15);
  BOOST_TEST(std::ranges::is_sorted(chosen));
  BOOST_TEST(chosen.back() < 1000 * patches_per_image);
  BOOST_TEST(mask_patches(images, pairs_from(0, 1500), key, 0).empty());
  // The third image is the second that is there.
  const auto third = mask_patches(images_of(1), pairs_from(2, 1), key, .5), three = mask_patches(images_of(3), pairs_from(0, 3), key, .5);
  std::vector<std::int32_t> want;
  for (const auto patch : three)
    if (patch >= patches_per_image) want.push_back(patch - patches_per_image);
  BOOST_TEST(third == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
