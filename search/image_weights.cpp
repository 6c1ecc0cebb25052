#include "search/image_weights.hpp"

#include <cmath>

#include "base/check.hpp"
#include "schema/container.hpp"

namespace argosy {
namespace {

constexpr file_kind weights_kind = {"image-weights", 1};

bool is_weight(float value) noexcept { return std::isnan(value) || (value >= 0 && value <= 1); }

}  // namespace

status write_image_weights(const std::filesystem::path& folder, std::span<const float> weights) {
  ARGOSY_ASSIGN(auto file, container_writer::create(folder / weights_name, weights_kind));
  ARGOSY_TRY(file.add("image", weights));
  return file.finish();
}

result<image_weights> image_weights::open(const generation& of) {
  const auto path = of.path() / weights_name;
  std::error_code failed;
  if (!std::filesystem::exists(path, failed) && !failed) return image_weights();
  ARGOSY_ASSIGN(const auto file, container_reader::open(path, weights_kind));
  ARGOSY_ASSIGN(const auto stored, file.section<float>("image"));
  const auto refused = [&](const std::string& why) { return status(errc::corrupt, path.string() + ": section image: " + why); };
  if (stored.size() != of.products())
    return refused("want a weight of each of " + std::to_string(of.products()) + " products, found " + std::to_string(stored.size()));
  for (const float value : stored)
    if (!is_weight(value)) return refused("want weights from 0 to 1, found " + std::to_string(value));
  image_weights opened;
  opened.weights_.assign(stored.begin(), stored.end());
  return opened;
}

std::optional<float> image_weights::of(std::uint32_t published_row) const {
  if (!kept()) return std::nullopt;
  ARGOSY_CHECK(published_row < weights_.size());
  const float weight = weights_[published_row];
  return std::isnan(weight) ? std::nullopt : std::optional(weight);
}

}  // namespace argosy
