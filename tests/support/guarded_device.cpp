#include "tests/support/guarded_device.hpp"

#include <sys/mman.h>

#include <string>

#include "base/check.hpp"
#include "tests/support/forwarding_device.hpp"

namespace argosy::test {
namespace {

constexpr std::size_t all_bytes = std::size_t{1} << 30, alignment = 64;  // of addresses: pages are taken when they are written

std::byte* map_pages(int protection) {
  void* const at = ::mmap(nullptr, all_bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ARGOSY_CHECK(at != MAP_FAILED);
  return static_cast<std::byte*>(at);
}

// Two ranges of addresses: `closed` is handed out, the numbers lie as far from the beginning of `open`.
class guarded_memory {
public:
  guarded_memory() : closed_(map_pages(PROT_NONE)), open_(map_pages(PROT_READ | PROT_WRITE)) {}
  guarded_memory(const guarded_memory&) = delete;
  guarded_memory& operator=(const guarded_memory&) = delete;
  ~guarded_memory() {
    ::munmap(closed_, all_bytes);
    ::munmap(open_, all_bytes);
  }

  std::byte* take(std::size_t bytes) {
    if (bytes > all_bytes - used_ - alignment) return nullptr;
    std::byte* const taken = closed_ + used_;
    used_ += (bytes + alignment) / alignment * alignment;
    return taken;
  }
  std::byte* opened(const void* at) const {
    const auto* const handed_out = static_cast<const std::byte*>(at);
    ARGOSY_CHECK(handed_out >= closed_ && handed_out < closed_ + used_);
    return open_ + (handed_out - closed_);
  }

private:
  std::byte *closed_, *open_;
  std::size_t used_ = 0;
};

class guarded_views final : public view_changer {
public:
  const_view read(const_view v) override { return {memory_->opened(v.data), v.type, v.rows, v.cols, v.stride}; }
  view written(view v) override { return {memory_->opened(v.data), v.type, v.rows, v.cols, v.stride}; }
  status called() override { return {}; }
  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override {
    std::byte* const taken = memory_->take(bytes);
    if (taken == nullptr) return status{errc::unavailable, "guarded memory: no " + std::to_string(bytes) + " bytes left"};
    return std::shared_ptr<std::byte>(memory_, taken);
  }

private:
  std::shared_ptr<guarded_memory> memory_ = std::make_shared<guarded_memory>();
};

}  // namespace

std::unique_ptr<device> make_guarded_device(int threads) {
  return make_forwarding_device(make_cpu_device(threads), std::make_unique<guarded_views>());
}

}  // namespace argosy::test
