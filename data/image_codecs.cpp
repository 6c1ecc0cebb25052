// Decoding by libjpeg-turbo, libpng and libwebp. The two C libraries that report errors by longjmp are kept to one function each, in which
// nothing with a destructor is made after setjmp.
#include <png.h>
#include <webp/decode.h>

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// After <cstdio>, whose names it uses without including it.
#include <jpeglib.h>

#include "data/image.hpp"

namespace argosy {
namespace {

std::size_t rgb_bytes(int width, int height) { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3; }
const unsigned char* octets(std::span<const std::byte> bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

status broken(const std::string& format, const std::string& why) { return {errc::corrupt, format + ": " + why}; }

status refuse_size(const std::string& format, std::uint64_t width, std::uint64_t height, const image_limits& limits) {
  if (width > 0 && height > 0 && width <= limits.pixels && height <= limits.pixels / width) return {};
  return {errc::out_of_range,
          format + ": " + std::to_string(width) + " x " + std::to_string(height) + " pixels, want 1 to " + std::to_string(limits.pixels)};
}

struct jpeg_failure {
  jpeg_error_mgr manager;
  std::jmp_buf leave;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave_jpeg(j_common_ptr info) {
  auto* failure = reinterpret_cast<jpeg_failure*>(info->err);
  info->err->format_message(info, failure->text);
  std::longjmp(failure->leave, 1);
}

// A warning is damage (a file that ends early, bad codes): a damaged photograph is refused, not guessed.
void refuse_warning(j_common_ptr info, int level) {
  if (level < 0) leave_jpeg(info);
}

jpeg_error_mgr* report_to(jpeg_failure& failure) {
  auto* manager = jpeg_std_error(&failure.manager);
  manager->error_exit = leave_jpeg;
  manager->emit_message = refuse_warning;
  return manager;
}

// Written by the libraries' callers below and therefore outside the frames that longjmp leaves.
struct decoded {
  image picture;
  status refused;
};

// libjpeg hands inks out as the file holds them: Adobe's files, which say so by their marker, hold them inverted.
void convert_cmyk_row(const std::vector<unsigned char>& cmyk, bool inverted, std::uint8_t* rgb, int width) {
  const auto unprinted = [inverted](unsigned char ink) { return inverted ? ink : 255 - ink; };
  for (int x = 0; x < width; ++x) {
    const auto* ink = &cmyk[static_cast<std::size_t>(x) * 4];
    for (int c = 0; c < 3; ++c) rgb[x * 3 + c] = static_cast<std::uint8_t>(unprinted(ink[c]) * unprinted(ink[3]) / 255);
  }
}

// Apart, so that no string lives in the frame that longjmp leaves.
[[gnu::noinline]] bool size_allowed(const jpeg_decompress_struct& info, const image_limits& limits, decoded& out) {
  out.refused = refuse_size("JPEG", info.image_width, info.image_height, limits);
  return out.refused.ok();
}

// Each scan of a progressive file passes over the whole picture, however few bytes it has: a small file could keep us for hours.
// Encoders write about ten (the limit is ours).
constexpr int most_scans = 100;

void refuse_many_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= most_scans) return;
  auto* failure = reinterpret_cast<jpeg_failure*>(info->err);
  std::snprintf(failure->text, sizeof failure->text, "want at most %d scans", most_scans);
  std::longjmp(failure->leave, 1);
}

bool jpeg_pixels(std::span<const std::byte> bytes, const image_limits& limits, jpeg_failure& failure, decoded& out,
                 std::vector<unsigned char>& row) {
  jpeg_decompress_struct info{};
  jpeg_progress_mgr watch{};
  watch.progress_monitor = refuse_many_scans;
  info.err = report_to(failure);
  if (setjmp(failure.leave) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  info.progress = &watch;
  jpeg_mem_src(&info, octets(bytes), bytes.size());
  jpeg_read_header(&info, TRUE);
  if (size_allowed(info, limits, out)) {
    const bool cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info);
    out.picture.width = static_cast<int>(info.output_width);
    out.picture.height = static_cast<int>(info.output_height);
    out.picture.rgb.resize(rgb_bytes(out.picture.width, out.picture.height));
    row.resize(static_cast<std::size_t>(info.output_width) * 4);
    while (info.output_scanline < info.output_height) {
      auto* to = &out.picture.rgb[static_cast<std::size_t>(info.output_scanline) * info.output_width * 3];
      JSAMPROW line = cmyk ? row.data() : to;
      jpeg_read_scanlines(&info, &line, 1);
      if (cmyk) convert_cmyk_row(row, info.saw_Adobe_marker != FALSE, to, out.picture.width);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return true;
}

result<image> decode_jpeg(std::span<const std::byte> bytes, const image_limits& limits) {
  jpeg_failure failure{};
  decoded out;
  std::vector<unsigned char> row;
  if (!jpeg_pixels(bytes, limits, failure, out, row)) return broken("JPEG", failure.text);
  if (!out.refused.ok()) return out.refused;
  return std::move(out.picture);
}

// Blended as the bytes are, which is what browsers do, for PNG and WebP alike.
void lay_over_white(const std::vector<std::uint8_t>& rgba, std::vector<std::uint8_t>& rgb) {
  for (std::size_t pixel = 0; pixel < rgb.size() / 3; ++pixel) {
    const unsigned alpha = rgba[pixel * 4 + 3];
    for (std::size_t c = 0; c < 3; ++c)
      rgb[pixel * 3 + c] = static_cast<std::uint8_t>((rgba[pixel * 4 + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

// libpng's simplified interface converts palettes, grey and 16 bits, which it would take for linear light if it were not told. It would
// also blend in linear light: hence our own lay_over_white.
result<image> decode_png(std::span<const std::byte> bytes, const image_limits& limits) {
  png_image info{};
  info.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&info, bytes.data(), bytes.size()) == 0) return broken("PNG", info.message);
  const auto size = refuse_size("PNG", info.width, info.height, limits);
  if (!size.ok()) {
    png_image_free(&info);
    return size;
  }
  info.format = PNG_FORMAT_RGBA;
  info.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  image out{static_cast<int>(info.width), static_cast<int>(info.height), {}};
  out.rgb.resize(rgb_bytes(out.width, out.height));
  std::vector<std::uint8_t> rgba(out.rgb.size() / 3 * 4);
  const auto done = png_image_finish_read(&info, nullptr, rgba.data(), 0, nullptr);
  const std::string message = info.message;
  const bool damaged = done == 0 || PNG_IMAGE_FAILED(info);
  png_image_free(&info);
  if (damaged) return broken("PNG", message);
  lay_over_white(rgba, out.rgb);
  return out;
}

result<image> decode_webp(std::span<const std::byte> bytes, const image_limits& limits) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(octets(bytes), bytes.size(), &features) != VP8_STATUS_OK) return broken("WebP", "its header is damaged");
  if (features.has_animation != 0) return broken("WebP", "an animation, want a still picture");
  ARGOSY_TRY(refuse_size("WebP", static_cast<std::uint64_t>(features.width), static_cast<std::uint64_t>(features.height), limits));
  image out{features.width, features.height, std::vector<std::uint8_t>(rgb_bytes(features.width, features.height))};
  std::vector<std::uint8_t> rgba(out.rgb.size() / 3 * 4);
  if (WebPDecodeRGBAInto(octets(bytes), bytes.size(), rgba.data(), rgba.size(), features.width * 4) == nullptr)
    return broken("WebP", "its pixels are damaged");
  lay_over_white(rgba, out.rgb);
  return out;
}

bool begins(std::span<const std::byte> bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

bool compress(const image& from, int quality, jpeg_failure& failure, unsigned char*& buffer, unsigned long& size) {
  jpeg_compress_struct info{};
  info.err = report_to(failure);
  if (setjmp(failure.leave) != 0) {
    jpeg_destroy_compress(&info);
    return false;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(from.width);
  info.image_height = static_cast<JDIMENSION>(from.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.dct_method = JDCT_ISLOW;  // in whole numbers: with the same libjpeg the same bytes on every machine
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* line = const_cast<JSAMPROW>(&from.rgb[static_cast<std::size_t>(info.next_scanline) * info.image_width * 3]);
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  return true;
}

}  // namespace

result<image> decode_image(std::span<const std::byte> bytes, const image_limits& limits) {
  if (bytes.size() > limits.bytes)
    return status{errc::out_of_range, "image: " + std::to_string(bytes.size()) + " bytes, want at most " + std::to_string(limits.bytes)};
  if (begins(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, limits);
  if (begins(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, limits);
  if (begins(bytes, "RIFF") && begins(bytes, "WEBP", 8)) return decode_webp(bytes, limits);
  return broken("image", bytes.empty() ? "empty" : "neither JPEG, PNG nor WebP");
}

result<std::vector<std::byte>> encode_jpeg(const image& from, int quality) {
  if (from.width < 1 || from.height < 1 || from.width > 65500 || from.height > 65500 ||
      from.rgb.size() != rgb_bytes(from.width, from.height))
    return status{errc::invalid_argument, "image: " + std::to_string(from.width) + " x " + std::to_string(from.height) + " with " +
                                              std::to_string(from.rgb.size()) + " bytes"};
  jpeg_failure failure{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const bool done = compress(from, quality, failure, buffer, size);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> out(begin, begin + (done ? size : 0));
  std::free(buffer);
  if (!done) return status{errc::internal, std::string("JPEG: ") + failure.text};
  return out;
}

}  // namespace argosy
