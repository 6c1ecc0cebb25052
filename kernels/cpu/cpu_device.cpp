#include "kernels/cpu/cpu_device.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#include "kernels/cpu/parallel.hpp"
#include "kernels/cpu/product.hpp"

namespace argosy {
namespace {

constexpr std::size_t alignment = 64;

std::shared_ptr<std::byte> aligned_memory(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - alignment) return nullptr;
  const std::size_t whole = std::max(alignment, (bytes + alignment - 1) / alignment * alignment);
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, whole));
  if (memory == nullptr) return nullptr;
  return {memory, [](std::byte* held) { std::free(held); }};
}

status out_of_memory(std::size_t bytes) {
  return {errc::unavailable, "out of memory: cannot allocate " + std::to_string(bytes) + " bytes"};
}

}  // namespace

std::unique_ptr<device> make_cpu_device(int threads, compute how) {
  const int all = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::make_unique<cpu_device>(threads > 0 ? threads : all, how);
}

std::string_view name_of(compute how) noexcept {
  switch (how) {
    case compute::bfloat16: return "bfloat16";
    case compute::fp8: return "fp8";
    case compute::float32: break;
  }
  return "float32";
}
std::string_view name_of(attention_by whose) noexcept { return whose == attention_by::cudnn ? "cudnn" : "argosy"; }

bool cpu_multiplies_bfloat16() noexcept { return cpu::multiplies_bfloat16(); }

result<std::shared_ptr<std::byte>> cpu_device::allocate(std::size_t bytes) {
  auto memory = aligned_memory(bytes);
  if (memory == nullptr) return out_of_memory(bytes);
  std::memset(memory.get(), 0, bytes);
  return memory;
}

void cpu_device::zero(view x) {
  cpu::for_each_piece(threads_, x.rows, x.cols, x.contiguous(), [&](std::int64_t row, std::int64_t first, std::int64_t count) {
    std::fill_n(x.row<float>(row) + first, count, 0.f);
  });
}

status cpu_device::upload(const void* from, view to) {
  const auto* const rows = static_cast<const float*>(from);
  cpu::for_rows(threads_, to.rows, to.cols, [&](std::int64_t row) { std::copy_n(rows + row * to.cols, to.cols, to.row<float>(row)); });
  return {};
}

status cpu_device::download(const_view from, void* to) {
  auto* const rows = static_cast<float*>(to);
  cpu::for_rows(threads_, from.rows, from.cols,
                [&](std::int64_t row) { std::copy_n(from.row<float>(row), from.cols, rows + row * from.cols); });
  return {};
}

result<float*> cpu_device::scratch(std::int64_t floats) {
  if (floats > scratch_floats_) {
    const std::size_t bytes = static_cast<std::size_t>(floats) * sizeof(float);
    scratch_.reset();
    scratch_floats_ = 0;
    scratch_ = aligned_memory(bytes);
    if (scratch_ == nullptr) return out_of_memory(bytes);
    scratch_floats_ = floats;
  }
  return reinterpret_cast<float*>(scratch_.get());
}

}  // namespace argosy
