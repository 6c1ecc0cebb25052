// The part of cut_images that a backbone adds: patches become features, or are found to have become them before.
// Writes sections `feature` and `feature_key`. Private to prepare. Threads   one; the backbone has its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/feature_cache.hpp"
#include "data/prepare_stages.hpp"

namespace argosy {

class feature_stage {
public:
  // REQUIRES options.backbone. Fails when options.reuse is no prepared data; without it, what stands at options.out is used if it can be.
  static result<feature_stage> open(const prepare_context&);

  status begin(container_writer& to);
  // The patches of some images, each (16, patch), in their order.
  status append(std::span<const std::vector<std::uint8_t>* const> images, container_writer& to);
  status end(container_writer& to) const;

private:
  using halves = std::vector<std::uint16_t>;

  feature_stage(const prepare_context& context, feature_cache cache) : context_(&context), cache_(std::move(cache)) {}
  halves found_or_empty(const std::vector<std::uint8_t>& patches);
  status compute(std::span<const std::vector<std::uint8_t>* const> images, std::span<halves* const> rows);
  status round(std::span<const float> features, halves& to) const;
  void tell(std::uint64_t more);

  const prepare_context* context_;
  feature_cache cache_;
  std::vector<std::uint64_t> keys_;  // low and high of each image
  std::vector<std::uint8_t> patches_;
  std::vector<float> features_;
  std::uint64_t done_ = 0;
};

}  // namespace argosy
