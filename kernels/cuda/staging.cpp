#include "kernels/cuda/staging.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/cuda/called.hpp"

namespace argosy::cuda {
namespace {

constexpr std::size_t first_bytes = std::size_t{4} << 20, alignment = 256;
constexpr std::size_t worth_comparing = std::size_t{1} << 20;

}  // namespace

staging::~staging() {
  release(parts_);
  release(outgrown_);
}

void staging::release(parts& all) noexcept {
  for (part& p : all) {
    if (p.host != nullptr) cudaFreeHost(p.host);
    if (p.device != nullptr) cudaFree(p.device);
    if (p.left != nullptr) cudaEventDestroy(p.left);
    p = {};
  }
}

status staging::grow(std::size_t bytes) {
  ARGOSY_TRY(called("waiting for the device", cudaStreamSynchronize(stream_)));
  release(outgrown_);
  std::swap(parts_, outgrown_);
  part_bytes_ = 0;
  for (part& p : parts_) {
    void *host = nullptr, *device = nullptr;
    ARGOSY_TRY(called("memory of the host for copies", cudaMallocHost(&host, bytes)));
    p.host = static_cast<std::byte*>(host);
    ARGOSY_TRY(called("memory for copies", cudaMalloc(&device, bytes)));
    p.device = static_cast<std::byte*>(device);
    ARGOSY_TRY(called("an event", cudaEventCreateWithFlags(&p.left, cudaEventDisableTiming)));
  }
  part_bytes_ = bytes;
  now_ = 0;
  return {};
}

status staging::turn() {
  ARGOSY_TRY(called("an event", cudaEventRecord(parts_[now_].left, stream_)));
  parts_[now_].was_left = true;
  now_ = (now_ + 1) % parts_.size();
  const part& after = parts_[(now_ + 1) % parts_.size()];
  if (after.was_left) ARGOSY_TRY(called("waiting for the device", cudaEventSynchronize(after.left)));
  parts_[now_].used = 0;
  parts_[now_].entries.clear();
  return {};
}

const std::byte* staging::found(const part& p, std::span<const std::byte> of) const noexcept {
  if (of.size() > worth_comparing) return nullptr;
  for (const entry& e : p.entries)
    if (e.bytes == of.size() && std::memcmp(p.host + e.at, of.data(), e.bytes) == 0) return p.device + e.at;
  return nullptr;
}

result<const std::byte*> staging::place(std::span<const std::byte> of) {
  if (of.empty()) return static_cast<const std::byte*>(nullptr);
  const std::size_t whole = (of.size() + alignment - 1) / alignment * alignment;
  if (whole > part_bytes_) ARGOSY_TRY(grow(std::max(first_bytes, 2 * whole)));
  if (const std::byte* there = found(parts_[now_], of)) return there;
  if (parts_[now_].used + whole > part_bytes_) ARGOSY_TRY(turn());
  part& p = parts_[now_];
  std::memcpy(p.host + p.used, of.data(), of.size());
  ARGOSY_TRY(
      called("a copy to the device", cudaMemcpyAsync(p.device + p.used, p.host + p.used, of.size(), cudaMemcpyHostToDevice, stream_)));
  p.entries.push_back({p.used, of.size()});
  p.used += whole;
  return p.device + p.entries.back().at;
}

}  // namespace argosy::cuda
