#include "kernels/cuda/rounding.hpp"

#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {
namespace {

template <int N>
struct round_pack {
  matrix<const float> from;
  bf16* to;  // rows one after the other
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float x[N];
    load<N>(from.row(row) + col, x);
    store<N>(to + row * from.cols + col, x);
  }
};

}  // namespace

void allocations::took(std::byte* memory, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  blocks_[memory] = {bytes, {}};
}

void allocations::gave_back(std::byte* memory) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = blocks_.find(memory);
  if (found == blocks_.end()) return;
  if (found->second.rounded.memory != nullptr) cudaFree(found->second.rounded.memory);
  blocks_.erase(found);
}

std::pair<std::byte* const, allocations::block>* allocations::holding(const void* at) noexcept {
  const std::lock_guard lock(mutex_);
  auto* const place = const_cast<std::byte*>(static_cast<const std::byte*>(at));
  auto found = blocks_.upper_bound(place);
  if (found == blocks_.begin()) return nullptr;
  --found;
  return place < found->first + found->second.bytes ? &*found : nullptr;
}

rounding::~rounding() {
  for (const buffer& b : buffers_)
    if (b.memory != nullptr) cudaFree(b.memory);
}

status rounding::round(const_view from, bf16* to) {
  const int width = from.cols % 8 == 0 ? pack_width<bf16>(from) : 1;
  const auto run = [&](auto n) { return for_each_pack<n>(stream_, "rounding", from.rows, from.cols, round_pack<n>{as<float>(from), to}); };
  return width == 8 ? run(std::integral_constant<int, 8>{}) : run(std::integral_constant<int, 1>{});
}

result<const_view> rounding::weight(const_view v, int place) {
  auto* const held = all_->holding(v.data);
  if (held == nullptr) return rows(v, place);
  auto& [begin, block] = *held;
  const auto numbers = static_cast<std::int64_t>(block.bytes / sizeof(float));
  if (block.rounded.memory == nullptr) {
    void* memory = nullptr;
    ARGOSY_TRY(called("memory for bfloat16 copies", cudaMalloc(&memory, static_cast<std::size_t>(numbers) * sizeof(bf16))));
    block.rounded.memory = static_cast<std::byte*>(memory);
  }
  if (!block.rounded.fresh) {
    ARGOSY_TRY(round({begin, dtype::f32, 1, numbers, numbers}, reinterpret_cast<bf16*>(block.rounded.memory)));
    block.rounded.fresh = true;
  }
  return const_view{copy_of(v), dtype::bf16, v.rows, v.cols, v.stride};
}

result<const_view> rounding::rows(const_view v, int place) {
  if (v.type == dtype::bf16 || v.data == nullptr) return v;
  buffer& b = buffers_[place];
  const std::int64_t wanted = v.rows * v.cols;
  if (wanted > b.numbers) {
    if (b.memory != nullptr) cudaFree(b.memory);
    b = {};
    ARGOSY_TRY(called("memory for bfloat16 copies", cudaMalloc(&b.memory, static_cast<std::size_t>(wanted) * sizeof(bf16))));
    b.numbers = wanted;
  }
  ARGOSY_TRY(round(v, static_cast<bf16*>(b.memory)));
  return const_view{b.memory, dtype::bf16, v.rows, v.cols, v.cols};
}

bf16* rounding::copy_of(const_view parameter) noexcept {
  auto* const held = all_->holding(parameter.data);
  if (held == nullptr || held->second.rounded.memory == nullptr) return nullptr;
  const auto numbers = (static_cast<const std::byte*>(parameter.data) - held->first) / static_cast<std::ptrdiff_t>(sizeof(float));
  return reinterpret_cast<bf16*>(held->second.rounded.memory) + numbers;
}

void rounding::uploaded(const_view to) noexcept {
  if (auto* const held = all_->holding(to.data)) held->second.rounded.fresh = false;
}

}  // namespace argosy::cuda
