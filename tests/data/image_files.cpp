#include "tests/data/image_files.hpp"

#include <png.h>
#include <webp/encode.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>

// After <cstdio>, whose names it uses without including it.
#include <jpeglib.h>

namespace argosy::test {
namespace {

file_bytes taken(std::uint8_t* made, std::size_t size, void (*release)(void*)) {
  BOOST_REQUIRE(made != nullptr);
  const auto* first = reinterpret_cast<const std::byte*>(made);
  file_bytes out(first, first + size);
  release(made);
  return out;
}

void append(png_structp writer, png_bytep from, std::size_t size) {
  auto* to = static_cast<file_bytes*>(png_get_io_ptr(writer));
  const auto* first = reinterpret_cast<const std::byte*>(from);
  to->insert(to->end(), first, first + size);
}

void set_palette(png_structp writer, png_infop info, const png_kind& kind) {
  std::vector<png_color> colours;
  for (std::size_t i = 0; i + 2 < kind.palette.size(); i += 3)
    colours.push_back({kind.palette[i], kind.palette[i + 1], kind.palette[i + 2]});
  png_set_PLTE(writer, info, colours.data(), static_cast<int>(colours.size()));
  if (!kind.palette_alpha.empty())
    png_set_tRNS(writer, info, kind.palette_alpha.data(), static_cast<int>(kind.palette_alpha.size()), nullptr);
}

// The scans of a progressive file with one scan for each coefficient of each component: 1 + components * 63.
std::vector<jpeg_scan_info> many_scans(int components) {
  jpeg_scan_info direct{};
  direct.comps_in_scan = components;
  for (int c = 0; c < components; ++c) direct.component_index[c] = c;
  std::vector<jpeg_scan_info> scans{direct};
  for (int c = 0; c < components; ++c)
    for (int k = 1; k < 64; ++k) scans.push_back({1, {c, 0, 0, 0}, k, k, 0, 0});
  return scans;
}

}  // namespace

image noise(int width, int height) {
  image out{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3)};
  std::uint32_t state = 7;
  for (auto& value : out.rgb) value = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  return out;
}

file_bytes png(int width, int height, const png_kind& kind, std::span<const std::uint8_t> samples) {
  file_bytes out;
  auto* writer = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  auto* info = png_create_info_struct(writer);
  png_set_write_fn(writer, &out, append, nullptr);
  png_set_IHDR(writer, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), kind.bit_depth, kind.colour_type,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!kind.palette.empty()) set_palette(writer, info, kind);
  png_write_info(writer, info);
  const auto row = samples.size() / static_cast<std::size_t>(height);
  for (int y = 0; y < height; ++y) png_write_row(writer, samples.subspan(static_cast<std::size_t>(y) * row, row).data());
  png_write_end(writer, info);
  png_destroy_write_struct(&writer, &info);
  return out;
}

file_bytes png(const image& from) { return png(from.width, from.height, {.bit_depth = 8, .colour_type = PNG_COLOR_TYPE_RGB}, from.rgb); }

file_bytes jpeg(int width, int height, const jpeg_kind& kind, std::span<const std::uint8_t> samples) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* made = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &made, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = kind.components;
  info.in_color_space = kind.components == 1 ? JCS_GRAYSCALE : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  info.write_Adobe_marker = kind.adobe_marker ? TRUE : FALSE;
  const auto scans = many_scans(kind.components);
  if (kind.scan_for_each_coefficient) {
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&info, TRUE);
  const auto row = static_cast<std::size_t>(width * kind.components);
  while (info.next_scanline < info.image_height) {
    auto* line = const_cast<JSAMPROW>(samples.subspan(info.next_scanline * row, row).data());
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  return taken(made, size, std::free);
}

file_bytes webp(int width, int height, std::span<const std::uint8_t> rgba) {
  std::uint8_t* made = nullptr;
  const auto size = WebPEncodeLosslessRGBA(rgba.data(), width, height, width * 4, &made);
  return taken(made, size, WebPFree);
}

file_bytes lossy_webp(const image& from) {
  std::uint8_t* made = nullptr;
  const auto size = WebPEncodeRGB(from.rgb.data(), from.width, from.height, from.width * 3, 90, &made);
  return taken(made, size, WebPFree);
}

}  // namespace argosy::test
