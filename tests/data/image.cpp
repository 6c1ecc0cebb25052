#include "data/image.hpp"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "tests/data/image_files.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::file_bytes;
using pixels = std::vector<std::uint8_t>;

image decoded(const file_bytes& file) {
  auto got = decode_image(file);
  test::require_ok(got.failure());
  return std::move(got).value();
}

void check_pixels(const image& found, int width, int height, const pixels& wanted) {
  BOOST_TEST(found.width == width);
  BOOST_TEST(found.height == height);
  BOOST_TEST(found.rgb == wanted, boost::test_tools::per_element());
}

status refused(std::string_view bytes, const image_limits& limits = {}) {
  return decode_image(std::as_bytes(std::span(bytes)), limits).failure();
}

// How many shorter beginnings of the file, counted from the end, are taken for a picture.
std::size_t accepted_cuts(const file_bytes& file) {
  std::size_t accepted = 0;
  for (std::size_t length = 0; length < file.size(); ++length) accepted += decode_image(std::span(file).first(length)).ok() ? 1 : 0;
  return accepted;
}

// Inverts each bit in turn; whatever is taken must be a whole picture within the limits. Returns how many were refused.
std::size_t refused_flips(file_bytes file) {
  const image_limits limits{.pixels = 100'000};
  std::size_t count = 0;
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    const auto mask = std::byte{1} << static_cast<int>(bit % 8);
    file[bit / 8] ^= mask;
    const auto got = decode_image(file, limits);
    file[bit / 8] ^= mask;
    if (!got.ok())
      ++count;
    else
      BOOST_REQUIRE(got->rgb.size() == static_cast<std::size_t>(got->width) * static_cast<std::size_t>(got->height) * 3);
  }
  return count;
}

std::array<std::byte, 4> big_endian(std::uint32_t value) {
  return {std::byte(value >> 24), std::byte(value >> 16 & 0xff), std::byte(value >> 8 & 0xff), std::byte(value & 0xff)};
}

// A small PNG whose header, checksum included, says that it is this large.
file_bytes png_that_claims(std::uint32_t width, std::uint32_t height) {
  auto file = test::png(test::noise(4, 4));
  // Signature (8), length (4), "IHDR" (4), width (4), height (4), five more bytes, checksum of name and content.
  std::ranges::copy(big_endian(width), file.begin() + 16);
  std::ranges::copy(big_endian(height), file.begin() + 20);
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(file.data()) + 12, 17);
  std::ranges::copy(big_endian(static_cast<std::uint32_t>(sum)), file.begin() + 29);
  return file;
}

BOOST_AUTO_TEST_SUITE(images)

BOOST_AUTO_TEST_CASE(lossless_formats_give_the_pixels_back) {
  const auto picture = test::noise(13, 7);
  check_pixels(decoded(test::png(picture)), 13, 7, picture.rgb);
  pixels rgba;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3)
    rgba.insert(rgba.end(), {picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2], 255});
  check_pixels(decoded(test::webp(13, 7, rgba)), 13, 7, picture.rgb);
}

BOOST_AUTO_TEST_CASE(jpeg_keeps_a_smooth_picture_nearly) {
  image ramp{32, 24, {}};
  for (int y = 0; y < 24; ++y)
    for (int x = 0; x < 32; ++x) ramp.rgb.insert(ramp.rgb.end(), 3, static_cast<std::uint8_t>(4 * x + 2 * y));
  const auto file = encode_jpeg(ramp, 95);
  test::require_ok(file.failure());
  const auto back = decoded(file.value());
  BOOST_REQUIRE(back.rgb.size() == ramp.rgb.size());
  // At quality 95 the steps of the low frequencies are at most 2: half a step each for a few of them.
  for (std::size_t i = 0; i < back.rgb.size(); ++i) BOOST_TEST(std::abs(back.rgb[i] - ramp.rgb[i]) <= 4);
}

BOOST_AUTO_TEST_CASE(one_pixel) {
  const pixels red{200, 30, 40};
  check_pixels(decoded(test::png({1, 1, red})), 1, 1, red);
  check_pixels(decoded(test::webp(1, 1, pixels{200, 30, 40, 255})), 1, 1, red);
  check_pixels(decoded(test::jpeg(1, 1, {.components = 1}, pixels{128})), 1, 1, {128, 128, 128});
}

BOOST_AUTO_TEST_CASE(grey_becomes_rgb) {
  const pixels twice_three{10, 10, 10, 250, 250, 250};
  check_pixels(decoded(test::png(2, 1, {8, PNG_COLOR_TYPE_GRAY}, pixels{10, 250})), 2, 1, twice_three);
  check_pixels(decoded(test::png(2, 1, {1, PNG_COLOR_TYPE_GRAY}, pixels{0x40})), 2, 1, {0, 0, 0, 255, 255, 255});
  check_pixels(decoded(test::jpeg(8, 8, {.components = 1}, pixels(64, 77))), 8, 8, pixels(192, 77));
}

BOOST_AUTO_TEST_CASE(sixteen_bits_keep_their_tone) {
  check_pixels(decoded(test::png(2, 1, {16, PNG_COLOR_TYPE_GRAY}, pixels{0x80, 0x80, 0x20, 0x20})), 2, 1, {128, 128, 128, 32, 32, 32});
  check_pixels(decoded(test::png(1, 1, {16, PNG_COLOR_TYPE_RGB}, pixels{200, 200, 100, 100, 50, 50})), 1, 1, {200, 100, 50});
}

BOOST_AUTO_TEST_CASE(palettes_become_rgb) {
  const test::png_kind four{2, PNG_COLOR_TYPE_PALETTE, {1, 2, 3, 40, 50, 60, 7, 8, 9, 250, 240, 230}, {255, 255, 0}};
  // 1, 3 and the transparent 2.
  check_pixels(decoded(test::png(3, 1, four, pixels{0b01'11'10'00})), 3, 1, {40, 50, 60, 250, 240, 230, 255, 255, 255});
}

BOOST_AUTO_TEST_CASE(transparency_is_laid_over_white_alike) {
  const pixels rgba{0, 0, 0, 128, 10, 20, 30, 255, 10, 20, 30, 0, 100, 0, 200, 51};
  // c * a + 255 * (255 - a), divided by 255 and rounded.
  const pixels over_white{127, 127, 127, 10, 20, 30, 255, 255, 255, 224, 204, 244};
  check_pixels(decoded(test::png(4, 1, {8, PNG_COLOR_TYPE_RGB_ALPHA}, rgba)), 4, 1, over_white);
  const auto from_webp = decoded(test::webp(4, 1, rgba));
  // What a wholly transparent pixel was does not matter to WebP, and does not show.
  check_pixels(from_webp, 4, 1, over_white);
}

BOOST_AUTO_TEST_CASE(inks_with_and_without_adobes_marker) {
  pixels inks;  // no cyan, full magenta, no yellow, a fifth of black
  for (int i = 0; i < 64; ++i) inks.insert(inks.end(), {0, 255, 0, 51});
  const auto plain = decoded(test::jpeg(8, 8, {.components = 4}, inks));
  check_pixels({1, 1, {plain.rgb.begin(), plain.rgb.begin() + 3}}, 1, 1, {204, 0, 204});
  for (auto& ink : inks) ink = static_cast<std::uint8_t>(255 - ink);
  const auto adobe = decoded(test::jpeg(8, 8, {.components = 4, .adobe_marker = true}, inks));
  BOOST_TEST(adobe.rgb == plain.rgb, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(cut_off_files_are_refused) {
  const auto picture = test::noise(24, 18);
  const auto file = encode_jpeg(picture, 90);
  test::require_ok(file.failure());
  BOOST_TEST(accepted_cuts(file.value()) == 0u);
  BOOST_TEST(accepted_cuts(test::lossy_webp(picture)) == 0u);
  BOOST_TEST(accepted_cuts(test::webp(12, 18, pixels(picture.rgb.begin(), picture.rgb.begin() + 12 * 18 * 4))) == 0u);
  // The last chunk, IEND, is 12 bytes that say nothing: without it every pixel is there and its checksum holds.
  BOOST_TEST(accepted_cuts(test::png(picture)) == 12u);
}

BOOST_AUTO_TEST_CASE(flipped_bits_never_give_half_a_picture) {
  const auto picture = test::noise(12, 9);
  const auto file = encode_jpeg(picture, 90);
  test::require_ok(file.failure());
  BOOST_TEST(refused_flips(file.value()) > 0u);
  BOOST_TEST(refused_flips(test::lossy_webp(picture)) > 0u);
  BOOST_TEST(refused_flips(test::webp(9, 9, pixels(picture.rgb.begin(), picture.rgb.begin() + 324))) > 0u);
  BOOST_TEST(refused_flips(test::png(picture)) > 0u);
}

BOOST_AUTO_TEST_CASE(a_bomb_is_refused_by_its_header) {
  check_refused(decode_image(png_that_claims(50'000, 50'000)).failure(), errc::out_of_range, {"PNG", "50000 x 50000"});
  auto file = test::jpeg(8, 8, {.components = 1}, pixels(64, 5));
  const auto frame = std::ranges::search(file, std::array{std::byte{0xff}, std::byte{0xc0}});
  BOOST_REQUIRE(!frame.empty());
  // Marker (2), length (2), precision (1), height (2), width (2).
  std::ranges::copy(big_endian(65'000u << 16 | 64'000u), frame.begin() + 5);
  check_refused(decode_image(file).failure(), errc::out_of_range, {"JPEG", "64000 x 65000"});
  check_refused(decode_image(test::lossy_webp(test::noise(40, 30)), {.pixels = 1199}).failure(), errc::out_of_range,
                {"WebP", "40 x 30", "1199"});
}

BOOST_AUTO_TEST_CASE(the_limits_are_exact) {
  const auto file = test::png(test::noise(40, 30));
  test::check_ok(decode_image(file, {.pixels = 1200}).failure());
  check_refused(decode_image(file, {.pixels = 1199}).failure(), errc::out_of_range, {"40 x 30", "1199"});
  test::check_ok(decode_image(file, {.bytes = file.size()}).failure());
  check_refused(decode_image(file, {.bytes = file.size() - 1}).failure(), errc::out_of_range, {"bytes"});
}

BOOST_AUTO_TEST_CASE(a_progressive_file_of_endless_scans_is_refused) {
  const pixels grey(64, 9), inks(256, 9);
  test::check_ok(decode_image(test::jpeg(8, 8, {.components = 1, .scan_for_each_coefficient = true}, grey)).failure());
  check_refused(decode_image(test::jpeg(8, 8, {.components = 4, .scan_for_each_coefficient = true}, inks)).failure(), errc::corrupt,
                {"JPEG", "100 scans"});
}

BOOST_AUTO_TEST_CASE(what_is_no_picture_is_refused) {
  check_refused(refused(""), errc::corrupt, {"empty"});
  check_refused(refused("<html>not found</html>"), errc::corrupt, {"neither JPEG, PNG nor WebP"});
  check_refused(refused("GIF89a"), errc::corrupt, {"neither"});
  check_refused(refused("\xff\xd8\xff"), errc::corrupt, {"JPEG"});
  check_refused(refused("\x89PNG\r\n\x1a\n"), errc::corrupt, {"PNG"});
  check_refused(refused("RIFF\xff\xff\xff\xffWEBPVP8 "), errc::corrupt, {"WebP"});
}

BOOST_AUTO_TEST_CASE(an_impossible_picture_is_not_encoded) {
  check_refused(encode_jpeg({0, 0, {}}, 90).failure(), errc::invalid_argument, {"0 x 0"});
  check_refused(encode_jpeg({2, 2, pixels(11)}, 90).failure(), errc::invalid_argument, {"2 x 2", "11 bytes"});
}

BOOST_AUTO_TEST_CASE(the_same_size_is_the_same_picture) {
  const auto picture = test::noise(9, 10);
  check_pixels(resize(picture, 9, 10), 9, 10, picture.rgb);
}

BOOST_AUTO_TEST_CASE(shrinking_averages_areas) {
  image steps{4, 2, {}};
  for (const int v : {0, 10, 100, 200, 20, 30, 0, 4})
    steps.rgb.insert(steps.rgb.end(), {static_cast<std::uint8_t>(v), static_cast<std::uint8_t>(v / 2), 7});
  check_pixels(resize(steps, 2, 1), 2, 1, {15, 8, 7, 76, 38, 7});  // 60/4, 30/4 and 304/4, 152/4
  const image three{3, 1, {0, 0, 0, 90, 90, 90, 30, 30, 30}};
  check_pixels(resize(three, 2, 1), 2, 1, {30, 30, 30, 50, 50, 50});  // (0 + 90/2) / 1.5 and (90/2 + 30) / 1.5
}

BOOST_AUTO_TEST_CASE(growing_interpolates) {
  const image two{2, 1, {0, 0, 0, 100, 100, 100}};
  // Centres of the four new pixels lie at -.25, .25, .75, 1.25 between the old ones.
  check_pixels(resize(two, 4, 1), 4, 1, {0, 0, 0, 25, 25, 25, 75, 75, 75, 100, 100, 100});
}

BOOST_AUTO_TEST_CASE(one_colour_stays_at_every_size) {
  const image plain{7, 5, pixels(105, 131)};
  for (const int width : {1, 2, 6, 7, 8, 60})
    for (const int height : {1, 3, 4, 5, 6, 80})
      check_pixels(resize(plain, width, height), width, height, pixels(static_cast<std::size_t>(width * height) * 3, 131));
}

// 9 x 10 pixels: patches of 2 x 2, the last column and the last two rows are dropped.
BOOST_AUTO_TEST_CASE(patches_are_row_major_and_drop_the_remainder) {
  image picture{9, 10, pixels(270)};
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 9; ++x)
      for (int c = 0; c < 3; ++c)
        picture.rgb[static_cast<std::size_t>((y * 9 + x) * 3 + c)] = static_cast<std::uint8_t>(c == 0 ? 10 * y + x : c);
  const auto patches = cut_patches(picture);
  BOOST_TEST(patch_bytes(9, 10) == 12);
  BOOST_REQUIRE(patches.size() == 192u);
  const auto patch = [&](int i) { return pixels(patches.begin() + 12 * i, patches.begin() + 12 * (i + 1)); };
  BOOST_TEST((patch(0) == pixels{0, 1, 2, 1, 1, 2, 10, 1, 2, 11, 1, 2}));
  BOOST_TEST((patch(3) == pixels{6, 1, 2, 7, 1, 2, 16, 1, 2, 17, 1, 2}));
  BOOST_TEST((patch(4) == pixels{20, 1, 2, 21, 1, 2, 30, 1, 2, 31, 1, 2}));
  BOOST_TEST((patch(15) == pixels{66, 1, 2, 67, 1, 2, 76, 1, 2, 77, 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_picture_too_small_has_empty_patches) { BOOST_TEST(cut_patches({3, 3, pixels(27)}).empty()); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
