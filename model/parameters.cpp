#include "model/parameters.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace argosy {
namespace {

template <class T>
void draw_normal(view to, std::uint64_t seed, std::uint32_t ordinal, double scale) {
  const draw_key key{seed, ordinal, static_cast<std::uint32_t>(draw_site::parameter)};
  for (std::int64_t r = 0; r < to.rows; ++r) {
    for (std::int64_t c = 0; c < to.cols; ++c)
      to.row<T>(r)[c] =
          static_cast<T>(static_cast<float>(scale * random_normal(key, static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c))));
  }
}

template <class T>
void fill(view to, double value) {
  for (std::int64_t r = 0; r < to.rows; ++r) std::fill_n(to.row<T>(r), to.cols, static_cast<T>(value));
}

template <class T>
void start(const parameter& p, std::uint64_t seed, std::uint32_t ordinal) {
  switch (p.spec.start) {
    case initial::zero: return;
    case initial::one: return fill<T>(p.value, 1);
    case initial::constant: return fill<T>(p.value, p.spec.scale);
    case initial::normal: return draw_normal<T>(p.value, seed, ordinal, p.spec.scale);
  }
}

view part(tensor& whole, std::int64_t at, const parameter_spec& spec) {
  const auto v = whole.all().column_range(at, spec.cols);
  return {v.data, v.type, spec.rows, spec.cols, spec.cols};
}

}  // namespace

result<parameters> parameters::make(device& on, std::vector<parameter_spec> specs, std::uint64_t seed, placement place) {
  parameters made;
  std::int64_t size[2] = {0, 0};
  for (const auto& spec : specs) size[spec.decay ? 0 : 1] += spec.rows * spec.cols;
  for (const int i : {0, 1}) {
    auto& half = made.arenas_[i];
    half.decay = i == 0;
    ARGOSY_ASSIGN(half.value, tensor::make(on, 1, size[i]));
    if (place == placement::reading) continue;
    for (auto* t : {&half.gradient, &half.first, &half.second}) {
      ARGOSY_ASSIGN(*t, tensor::make(on, 1, size[i]));
    }
  }
  std::int64_t at[2] = {0, 0};
  for (auto& spec : specs) {
    const int i = spec.decay ? 0 : 1;
    auto& half = made.arenas_[i];
    parameter p{
        {}, part(half.value, at[i], spec), part(half.gradient, at[i], spec), part(half.first, at[i], spec), part(half.second, at[i], spec)};
    p.spec = std::move(spec);
    at[i] += p.spec.rows * p.spec.cols;
    const auto ordinal = static_cast<std::uint32_t>(made.placed_.size());
    if (place == placement::training) on.type() == dtype::f32 ? start<float>(p, seed, ordinal) : start<double>(p, seed, ordinal);
    made.placed_.push_back(std::move(p));
  }
  return made;
}

const parameter& parameters::at(std::string_view name) const {
  const auto found = std::ranges::find_if(placed_, [&](const parameter& p) { return p.spec.name == name; });
  ARGOSY_CHECK(found != placed_.end());
  return *found;
}

void parameters::zero_gradients(device& on) {
  for (auto& half : arenas_) on.zero(half.gradient);
}

view stacked(const view& first, int count) noexcept { return {first.data, first.type, first.rows * count, first.cols, first.cols}; }
view adjoined(const view& first, int count) noexcept { return {first.data, first.type, 1, first.cols * count, first.cols * count}; }

}  // namespace argosy
