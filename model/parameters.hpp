// All trained numbers of a model in two arenas of one device (with weight decay, without), beside each its gradient, and AdamW's moments of
// both (model/moments.hpp). One arena means one pass of the optimiser, one sum over ranks, and neighbours that form one matrix: the q, k and v weights of a
// block, which are of one size, are added one after the other and used as one (3d, d) product. Names are those of the golden files and of
// checkpoints: `query.0.q.weight`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/device.hpp"
#include "model/moments.hpp"

namespace argosy {

enum class initial : std::uint8_t { zero, one, normal, constant };

struct parameter_spec {
  std::string name;
  std::int64_t rows = 1, cols = 0;
  initial start = initial::zero;
  double scale = 0;    // standard deviation, or the constant
  bool decay = false;  // weights yes; biases, LayerNorm and scalars no
};

struct parameter {
  parameter_spec spec;
  view value, gradient;
  int arena = 0;
  arena_range at;
};

// reading: values alone, zero until somebody sets them. Gradients and moments are empty, a quarter of the memory is taken, and nothing is
// drawn, which takes longer than reading the values of a large model from a file. sharded: without moments, until somebody says whose.
enum class placement : std::uint8_t { training, sharded, reading };

class parameters {
public:
  // Places all at once. Initial values are Philox draws keyed by (seed, ordinal), made by the host, the same on every device and worker.
  static result<parameters> make(device&, std::vector<parameter_spec>, std::uint64_t seed, placement = placement::training);

  std::size_t size() const noexcept { return placed_.size(); }
  const parameter& operator[](std::size_t i) const noexcept { return placed_[i]; }
  // REQUIRES the name to exist.
  const parameter& at(std::string_view name) const;
  // Arenas as vectors of whole blocks (model/sharding.hpp): index 0 decayed, 1 not.
  struct arena {
    tensor value, gradient;
    bool decay = false;
  };
  arena& arena_of(int i) noexcept { return arenas_[i]; }
  const arena& arena_of(int i) const noexcept { return arenas_[i]; }
  void zero_gradients(device&);
  adamw_moments& moments() noexcept { return moments_; }
  const adamw_moments& moments() const noexcept { return moments_; }
  result<adamw_moments> make_moments(device&, const sharding&) const;  // zero
  void hold(adamw_moments made) noexcept { moments_ = std::move(made); }

private:
  std::vector<parameter> placed_;
  arena arenas_[adamw_moments::arenas];
  adamw_moments moments_;
};

// Told by a backward pass as it goes on: the gradients of all parameters whose names begin so are complete.
using gradients_complete = std::function<void(std::string_view name)>;
inline void tell(const gradients_complete& whom, std::string_view name) {
  if (whom) whom(name);
}

// A parameter and the `count - 1` of the same shape placed after it as one matrix: weights one below the other, biases side by side.
view stacked(const view& first, int count) noexcept;
view adjoined(const view& first, int count) noexcept;

}  // namespace argosy
