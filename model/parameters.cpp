#include "model/parameters.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "kernels/transfer.hpp"

namespace argosy {
namespace {

std::vector<float> normal_numbers(const parameter_spec& of, std::uint64_t seed, std::uint32_t ordinal) {
  const draw_key key{seed, ordinal, static_cast<std::uint32_t>(draw_site::parameter)};
  std::vector<float> drawn;
  drawn.reserve(static_cast<std::size_t>(of.rows * of.cols));
  for (std::int64_t r = 0; r < of.rows; ++r)
    for (std::int64_t c = 0; c < of.cols; ++c)
      drawn.push_back(static_cast<float>(of.scale * random_normal(key, static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c))));
  return drawn;
}

status start(device& on, const parameter& p, std::uint64_t seed, std::uint32_t ordinal) {
  const auto filled = [&](double value) { return std::vector<double>(static_cast<std::size_t>(p.spec.rows * p.spec.cols), value); };
  switch (p.spec.start) {
    case initial::zero: return {};
    case initial::one: return upload(on, filled(1), p.value);
    case initial::constant: return upload(on, filled(p.spec.scale), p.value);
    case initial::normal: return upload(on, normal_numbers(p.spec, seed, ordinal), p.value);
  }
  return {};
}

view part(tensor& whole, std::int64_t at, const parameter_spec& spec) {
  const auto v = whole.all().column_range(at, spec.cols);
  return {v.data, v.type, spec.rows, spec.cols, spec.cols};
}

int which_arena(const parameter_spec& spec) noexcept { return spec.decay ? 0 : 1; }

// First column of each in its arena. Those of odd sizes come last, so that all others begin where a device reads many numbers at once.
std::vector<std::int64_t> places_of(const std::vector<parameter_spec>& specs) {
  std::vector<std::int64_t> places(specs.size());
  std::int64_t next[2] = {0, 0};
  for (const bool odd : {false, true})
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const std::int64_t numbers = specs[i].rows * specs[i].cols;
      if ((numbers % arena_block != 0) != odd) continue;
      std::int64_t& at = next[which_arena(specs[i])];
      places[i] = at;
      at += numbers;
    }
  return places;
}

}  // namespace

result<parameters> parameters::make(device& on, std::vector<parameter_spec> specs, std::uint64_t seed, placement place) {
  parameters made;
  std::int64_t size[2] = {0, 0};
  for (const auto& spec : specs) size[which_arena(spec)] += spec.rows * spec.cols;
  for (auto& numbers : size) numbers = whole_blocks(numbers);
  for (const int i : {0, 1}) {
    auto& half = made.arenas_[i];
    half.decay = i == 0;
    ARGOSY_ASSIGN(half.value, tensor::make(on, 1, size[i]));
    if (place == placement::reading) continue;
    ARGOSY_ASSIGN(half.gradient, tensor::make(on, 1, size[i]));
  }
  if (place == placement::training) {
    ARGOSY_ASSIGN(made.moments_, made.make_moments(on, {}));
  }
  const auto places = places_of(specs);
  for (auto& spec : specs) {
    auto& half = made.arenas_[which_arena(spec)];
    const std::size_t ordinal = made.placed_.size();
    const auto in = [&](tensor& whole) { return part(whole, places[ordinal], spec); };
    parameter p{{}, in(half.value), in(half.gradient), which_arena(spec), {places[ordinal], spec.rows * spec.cols}};
    p.spec = std::move(spec);
    if (place != placement::reading) ARGOSY_TRY(start(on, p, seed, static_cast<std::uint32_t>(ordinal)));
    made.placed_.push_back(std::move(p));
  }
  return made;
}

const parameter& parameters::at(std::string_view name) const {
  const auto found = std::ranges::find_if(placed_, [&](const parameter& p) { return p.spec.name == name; });
  ARGOSY_CHECK(found != placed_.end());
  return *found;
}

result<adamw_moments> parameters::make_moments(device& on, const sharding& held) const {
  return adamw_moments::make(on, {arenas_[0].value.cols(), arenas_[1].value.cols()}, held);
}

void parameters::zero_gradients(device& on) {
  for (auto& half : arenas_) on.zero(half.gradient);
}

view stacked(const view& first, int count) noexcept { return {first.data, first.type, first.rows * count, first.cols, first.cols}; }
view adjoined(const view& first, int count) noexcept { return {first.data, first.type, 1, first.cols * count, first.cols * count}; }

}  // namespace argosy
