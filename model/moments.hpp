// AdamW's two moments of a model's parameters: all of them, or the shards that a rank holds (model/sharding.hpp), 2 of W. It updates the
// weights of these, and reads the others' from whoever owns them (actors/shard_exchange.hpp).
// Source    Rajbhandari et al., "ZeRO" (arXiv 1910.02054), section 5.1, of the optimiser's state alone; the second copy is ours.
// Threads   the device's.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"
#include "model/sharding.hpp"

namespace argosy {

class adamw_moments {
public:
  static constexpr int arenas = 2;
  using arena_sizes = std::array<std::int64_t, arenas>;
  struct part {
    int arena = 0, shard = 0;
    arena_range at;
    tensor first, second;  // (1, at.count)
  };
  struct views {
    view first, second;
  };

  adamw_moments() = default;                                                             // holds nothing
  static result<adamw_moments> make(device&, const arena_sizes&, const sharding& held);  // zero

  const sharding& held() const noexcept { return held_; }
  std::span<part> parts() noexcept { return parts_; }
  std::span<const part> parts() const noexcept { return parts_; }
  // REQUIRES a shard that is held to have all of the range.
  views at(int arena, const arena_range&) noexcept;

private:
  sharding held_{.of = 0};
  std::vector<part> parts_;
};

// The moments of whole arenas in the host's memory.
struct host_moments {
  std::array<std::vector<float>, adamw_moments::arenas> first, second;
};

}  // namespace argosy
