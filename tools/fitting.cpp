#include "tools/fitting.hpp"

#include "base/log.hpp"

namespace argosy {

status check_fits(const prepared_data& data, const checkpoint_facts& model, std::string_view advice) {
  const auto instead = "; " + std::string(advice);
  const auto refuse = [&](const std::string& what, std::int64_t want, std::int64_t got) {
    return status(errc::shape_mismatch,
                  "the data does not fit the model: " + what + ": want " + std::to_string(want) + ", got " + std::to_string(got) + instead);
  };
  if (data.image_width() != model.inputs.image_width) return refuse("image width", model.inputs.image_width, data.image_width());
  if (data.image_height() != model.inputs.image_height) return refuse("image height", model.inputs.image_height, data.image_height());
  if (data.backbone() != model.inputs.backbone)
    return {errc::shape_mismatch, "the data does not fit the model: patches: want " + text_of(model.inputs.backbone) + ", got " +
                                      text_of(data.backbone()) + instead};
  if (data.title_length() > model.inputs.title_length) return refuse("title length", model.inputs.title_length, data.title_length());
  if (data.segmenter_source() != model.segmenter)
    log::warning("the words of the data were split by " + std::string(data.segmenter_source()) + ", those of the model by " +
                 model.segmenter + ": Chinese titles will be found less well" + instead);
  if (data.vocab().text() == model.vocabulary) return {};
  return {errc::shape_mismatch, "the data does not fit the model: its vocabulary is another" + instead};
}

}  // namespace argosy
