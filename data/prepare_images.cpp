#include <algorithm>

#include "data/image.hpp"
#include "data/parallel.hpp"
#include "data/prepare_features.hpp"
#include "data/prepare_stages.hpp"
#include "data/refusal_reasons.hpp"

namespace argosy {
namespace {

constexpr std::size_t images_at_once = 512;

using patches = std::vector<std::uint8_t>;

class image_cutter {
public:
  image_cutter(const prepare_context& context, const catalogue& records, std::optional<image_source> images)
      : context_(context), records_(records), images_(std::move(images)) {}

  // Of records [first, first + count), by all processors; the order of the results is that of the records.
  std::vector<result<patches>> cut(std::size_t first, std::size_t count) const {
    std::vector<result<patches>> made(count, patches{});
    for_each_parallel(count, context_.stop,
                      [&](std::size_t i) { made[i] = or_out_of_memory([&] { return cut_one(records_.image[first + i]); }); });
    return made;
  }

private:
  // No patches, but no failure: there is no image to read.
  result<patches> cut_one(std::string_view name) const {
    if (!images_ || name.empty()) return patches{};
    ARGOSY_ASSIGN(const auto encoded, images_->read(name));
    ARGOSY_ASSIGN(auto picture, decode_image(encoded));
    const int width = context_.options.image_width, height = context_.options.image_height;
    if (picture.width != width || picture.height != height) picture = resize(picture, width, height);
    return cut_patches(picture);
  }

  const prepare_context& context_;
  const catalogue& records_;
  std::optional<image_source> images_;
};

result<std::optional<image_source>> open_images(const prepare_options& options) {
  if (options.images.empty()) return std::optional<image_source>{};
  ARGOSY_ASSIGN(auto opened, image_source::open(options.images));
  return std::optional(std::move(opened));
}

status refuse_image(const prepare_context& context, std::uint64_t line, const status& why) {
  const auto of = why.code() == errc::not_found ? reason::image_missing : reason::image_unreadable;
  return context.refusals.refuse(context.options.catalogue, {line, std::string(of), why.message()});
}

status append_patches(std::span<const patches* const> images, container_writer& to) {
  for (const patches* image : images) ARGOSY_TRY(to.append(std::span<const std::uint8_t>(*image)));
  return {};
}

}  // namespace

result<cut_result> cut_images(const prepare_context& context, catalogue& records, container_writer& to) {
  ARGOSY_ASSIGN(auto images, open_images(context.options));
  const image_cutter cutter(context, records, std::move(images));
  cut_result made;
  std::optional<feature_stage> features;
  if (context.options.backbone) {
    ARGOSY_ASSIGN(features, feature_stage::open(context));
  }
  ARGOSY_TRY(features ? features->begin(to) : to.begin("patch", element::u8));
  for (std::size_t first = 0; first < records.size(); first += images_at_once) {
    const std::size_t count = std::min(images_at_once, records.size() - first);
    const auto cut = cutter.cut(first, count);
    ARGOSY_TRY(context.check_stop());
    std::vector<const patches*> kept;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t record = first + i;
      if (!cut[i].ok()) ARGOSY_TRY(refuse_image(context, records.line[record], cut[i].failure()));
      const bool has_image = cut[i].ok() && !cut[i]->empty();
      if (!has_image && records.title_words[record].empty()) {
        ARGOSY_TRY(context.refusals.refuse(context.options.catalogue,
                                           {records.line[record], std::string(reason::nothing_to_match), std::string(records.id[record])}));
        continue;
      }
      if (has_image) kept.push_back(&*cut[i]);
      records.product.push_back(record);
      made.patch_offset.push_back(made.patch_offset.back() + (has_image ? 1 : 0));
    }
    ARGOSY_TRY(features ? features->append(kept, to) : append_patches(kept, to));
    if (!features) context.tell("images", std::min(records.size(), (first + count) / 4096 * 4096), records.size());
  }
  if (features) ARGOSY_TRY(features->end(to));
  context.report.images_read = made.patch_offset.back();
  context.report.products_kept = records.product.size();
  return made;
}

}  // namespace argosy
