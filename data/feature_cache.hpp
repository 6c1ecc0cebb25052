// Features that an earlier `prepare` computed, found by the patches that they were computed from: a frozen backbone need not see a picture
// twice. Entries are those of prepared data made by the same backbone, the same weights and sizes; of any other there are none.
// Threads   one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <unordered_map>

#include "data/prepared.hpp"

namespace argosy {

class feature_cache {
public:
  feature_cache() = default;  // empty
  static feature_cache of(prepared_data, const patch_backbone&, int image_width, int image_height);

  // (16, features) halves, valid while the cache lives. None when they are not there or do not verify.
  std::optional<std::span<const std::uint16_t>> find(const image_key&) const;

private:
  struct by_low {
    std::size_t operator()(const image_key& key) const noexcept { return key.low; }
  };
  std::optional<prepared_data> data_;
  std::unordered_map<image_key, std::uint64_t, by_low> product_;
};

// XXH3-128 of an image's patches.
image_key key_of(std::span<const std::uint8_t> patches) noexcept;

}  // namespace argosy
