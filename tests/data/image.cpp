#include "data/image.hpp"

#include <png.h>
#include <webp/encode.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>

#include "tests/support/status.hpp"

namespace {

using namespace argosy;
using test::check_refused;

std::vector<std::byte> bytes_of(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(data);
  return {begin, begin + size};
}

image gradient(int width, int height) {
  image out{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int c : {x * 255 / width, y * 255 / height, 128}) out.rgb.push_back(static_cast<std::uint8_t>(c));
  return out;
}

std::vector<std::byte> png_of(png_uint_32 format, int width, int height, const std::vector<std::uint8_t>& pixels,
                              const std::vector<std::uint8_t>& palette = {}) {
  png_image info{};
  info.version = PNG_IMAGE_VERSION;
  info.width = static_cast<png_uint_32>(width);
  info.height = static_cast<png_uint_32>(height);
  info.format = format;
  info.colormap_entries = static_cast<png_uint_32>(palette.size() / 3);
  png_alloc_size_t size = 0;
  BOOST_REQUIRE(png_image_write_to_memory(&info, nullptr, &size, 0, pixels.data(), 0, palette.data()) != 0);
  std::vector<std::byte> out(size);
  BOOST_REQUIRE(png_image_write_to_memory(&info, out.data(), &size, 0, pixels.data(), 0, palette.data()) != 0);
  out.resize(size);
  return out;
}

image decoded(const std::vector<std::byte>& bytes) {
  auto out = decode_image(bytes);
  test::require_ok(out.failure());
  return std::move(out).value();
}

std::vector<std::byte> webp_of(const image& from) {
  std::uint8_t* data = nullptr;
  const auto size = WebPEncodeLosslessRGB(from.rgb.data(), from.width, from.height, from.width * 3, &data);
  auto out = bytes_of(data, size);
  WebPFree(data);
  return out;
}

// No length and no flipped bit may crash; what is cut must be refused, unless only the `trailer` after the last pixel is gone.
void survives(const std::vector<std::byte>& good, std::size_t trailer = 0) {
  for (std::size_t keep = 0; keep < good.size() - trailer; keep += 1 + keep / 16)
    BOOST_TEST(!decode_image(std::span(good).first(keep)).ok(), "cut to " << keep);
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto flipped = good;
    flipped[at] ^= std::byte{0x55};
    const auto decoded = decode_image(flipped);
    if (decoded.ok()) BOOST_TEST(decoded->rgb.size() == static_cast<std::size_t>(decoded->width * decoded->height * 3));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(images)

BOOST_AUTO_TEST_CASE(three_formats_are_told_by_their_bytes) {
  const auto picture = gradient(13, 9);
  BOOST_TEST(decoded(png_of(PNG_FORMAT_RGB, 13, 9, picture.rgb)).rgb == picture.rgb, boost::test_tools::per_element());
  BOOST_TEST(decoded(webp_of(picture)).rgb == picture.rgb, boost::test_tools::per_element());
  const auto jpeg = decoded(encode_jpeg(picture, 100).value());
  BOOST_TEST(jpeg.width == 13);
  BOOST_TEST(jpeg.height == 9);
}

BOOST_AUTO_TEST_CASE(an_even_picture_survives_jpeg) {
  const image grey{16, 16, std::vector<std::uint8_t>(16 * 16 * 3, 100)};
  const auto back = decoded(encode_jpeg(grey, 95).value());
  for (const auto value : back.rgb) BOOST_TEST(std::abs(int{value} - 100) <= 1);
}

BOOST_AUTO_TEST_CASE(grey_palette_and_transparency_become_rgb) {
  const auto grey = decoded(png_of(PNG_FORMAT_GRAY, 2, 1, {10, 200}));
  BOOST_TEST(grey.rgb == (std::vector<std::uint8_t>{10, 10, 10, 200, 200, 200}), boost::test_tools::per_element());
  const auto palette = decoded(png_of(PNG_FORMAT_RGB_COLORMAP, 2, 1, {1, 0}, {1, 2, 3, 40, 50, 60}));
  BOOST_TEST(palette.rgb == (std::vector<std::uint8_t>{40, 50, 60, 1, 2, 3}), boost::test_tools::per_element());
  const auto clear = decoded(png_of(PNG_FORMAT_RGBA, 2, 1, {9, 9, 9, 0, 9, 9, 9, 255}));
  BOOST_TEST(clear.rgb == (std::vector<std::uint8_t>{255, 255, 255, 9, 9, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(damage_is_refused_and_never_crashes) {
  const auto picture = gradient(11, 7);
  survives(encode_jpeg(picture, 90).value());
  survives(png_of(PNG_FORMAT_RGB, 11, 7, picture.rgb), 12);
  survives(webp_of(picture));
}

BOOST_AUTO_TEST_CASE(what_is_no_image_is_refused) {
  check_refused(decode_image({}).failure(), errc::corrupt, {"empty"});
  const std::string text = "<html>not found</html>";
  check_refused(decode_image(bytes_of(text.data(), text.size())).failure(), errc::corrupt, {"neither JPEG, PNG nor WebP"});
}

BOOST_AUTO_TEST_CASE(a_bomb_is_refused_by_its_header) {
  auto bomb = png_of(PNG_FORMAT_GRAY, 1000, 1000, std::vector<std::uint8_t>(1'000'000));
  BOOST_TEST(bomb.size() < 10'000U);
  check_refused(decode_image(bomb, {.pixels = 999'999}).failure(), errc::out_of_range, {"1000 x 1000 pixels", "999999"});
  const auto jpeg = encode_jpeg(gradient(64, 64), 80).value();
  check_refused(decode_image(jpeg, {.pixels = 4095}).failure(), errc::out_of_range, {"64 x 64"});
  check_refused(decode_image(webp_of(gradient(64, 64)), {.pixels = 4095}).failure(), errc::out_of_range, {"64 x 64"});
  check_refused(decode_image(jpeg, {.bytes = 10}).failure(), errc::out_of_range, {"at most 10"});
}

BOOST_AUTO_TEST_CASE(resizing) {
  const auto picture = gradient(12, 8);
  BOOST_TEST(resize(picture, 12, 8).rgb == picture.rgb, boost::test_tools::per_element());
  const image four{2, 2, {0, 10, 20, 4, 10, 20, 8, 10, 20, 12, 10, 20}};
  BOOST_TEST(resize(four, 1, 1).rgb == (std::vector<std::uint8_t>{6, 10, 20}), boost::test_tools::per_element());
  // Three pixels into two: each output is one and a half inputs wide.
  const image three{3, 1, {0, 0, 0, 30, 30, 30, 90, 90, 90}};
  BOOST_TEST(resize(three, 2, 1).rgb == (std::vector<std::uint8_t>{10, 10, 10, 70, 70, 70}), boost::test_tools::per_element());
  const image one{1, 1, {7, 8, 9}};
  const auto grown = resize(one, 3, 2);
  for (std::size_t i = 0; i < grown.rgb.size(); ++i) BOOST_TEST(int{grown.rgb[i]} == static_cast<int>(7 + i % 3));
}

BOOST_AUTO_TEST_CASE(patches_are_row_major_and_drop_the_remainder) {
  // 10 x 9 pixels: patches of 2 x 2, the last two columns and the last row dropped. A pixel holds its column, its row and 1.
  image picture{10, 9, {}};
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 10; ++x)
      for (const int v : {x, y, 1}) picture.rgb.push_back(static_cast<std::uint8_t>(v));
  const auto patches = cut_patches(picture);
  BOOST_REQUIRE(patches.size() == static_cast<std::size_t>(patches_per_image * patch_bytes(10, 9)));
  for (int patch = 0; patch < 16; ++patch) {
    for (int pixel = 0; pixel < 4; ++pixel) {
      const auto at = static_cast<std::size_t>((patch * 4 + pixel) * 3);
      BOOST_TEST(int{patches[at]} == patch % 4 * 2 + pixel % 2);
      BOOST_TEST(int{patches[at + 1]} == patch / 4 * 2 + pixel / 2);
      BOOST_TEST(int{patches[at + 2]} == 1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
