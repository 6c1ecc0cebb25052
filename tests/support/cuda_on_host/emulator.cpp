// Runs the threads of a CUDA block as fibers of this thread, each until its next barrier.
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <cuda_runtime.h>

namespace argosy::test::emulator {
namespace {

constexpr unsigned most_threads = 1024, warp = 32;
constexpr std::size_t slot_bytes = 64, most_shared = 227 * 1024, shared_without_asking = 48 * 1024;

enum class waiting : unsigned char { no, for_block, for_warp, done };

struct thread_state {
  boost::context::fiber fiber;
  boost::context::fiber* back = nullptr;  // where its next barrier goes
  waiting state = waiting::done;
  unsigned exchanges = 0;
  std::size_t bytes = 0;
};

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "CUDA on the host: %s, block %u %u %u\n", what, blockIdx.x, blockIdx.y, blockIdx.z);
  std::abort();
}

// The threads live through all blocks; a fiber runs one block's body after the other.
class pool {
public:
  void run_block(unsigned threads, const std::function<void()>& body) {
    body_ = &body;
    threads_ = threads;
    for (unsigned t = 0; t < threads; ++t) start(t);
    while (step()) {
    }
  }

  void wait(waiting what) {
    thread_state& me = all_[now_];
    me.state = what;
    *me.back = std::move(*me.back).resume();
  }

  const std::byte* exchange(const void* mine, std::size_t bytes) {
    if (bytes > slot_bytes) refuse("an exchange of too many bytes");
    thread_state& me = all_[now_];
    me.bytes = bytes;
    std::byte* const slots = slots_.data() + (now_ / warp * 2 + me.exchanges++ % 2) * warp * slot_bytes;
    std::memcpy(slots + now_ % warp * bytes, mine, bytes);
    wait(waiting::for_warp);
    return slots;
  }

  unsigned now() const noexcept { return now_; }

private:
  void start(unsigned t) {
    thread_state& s = all_[t];
    s.state = waiting::no;
    s.exchanges = 0;
    if (s.fiber) return;
    s.fiber = boost::context::fiber(std::allocator_arg, boost::context::fixedsize_stack(64 * 1024),
                                    [this, t](boost::context::fiber&& from) -> boost::context::fiber {
                                      boost::context::fiber back = std::move(from);
                                      all_[t].back = &back;
                                      for (;;) {
                                        (*body_)();
                                        all_[t].state = waiting::done;
                                        back = std::move(back).resume();
                                      }
                                    });
  }

  void resume(unsigned t) {
    now_ = t;
    threadIdx = {t % blockDim.x, t / blockDim.x % blockDim.y, t / (blockDim.x * blockDim.y)};
    all_[t].fiber = std::move(all_[t].fiber).resume();
  }

  // Every thread that can, runs to its next barrier; then the barriers that all have reached open. False when all are done.
  bool step() {
    for (unsigned t = 0; t < threads_; ++t)
      if (all_[t].state == waiting::no) resume(t);
    bool opened = false, any = false;
    for (unsigned first = 0; first < threads_; first += warp) opened |= open_warp(first);
    unsigned at_block = 0, done = 0;
    for (unsigned t = 0; t < threads_; ++t) {
      at_block += all_[t].state == waiting::for_block;
      done += all_[t].state == waiting::done;
      any |= all_[t].state != waiting::done;
    }
    if (at_block > 0 && at_block + done == threads_) {
      for (unsigned t = 0; t < threads_; ++t)
        if (all_[t].state == waiting::for_block) all_[t].state = waiting::no;
      opened = true;
    }
    if (any && !opened) refuse("a barrier that not all of its threads reach");
    return any;
  }

  bool open_warp(unsigned first) {
    const unsigned last = std::min(first + warp, threads_);
    unsigned there = 0;
    for (unsigned t = first; t < last; ++t) there += all_[t].state == waiting::for_warp;
    if (there == 0) return false;
    if (there != last - first) {
      for (unsigned t = first; t < last; ++t)
        if (all_[t].state == waiting::done) refuse("a shuffle after some threads of the warp have ended");
      return false;
    }
    for (unsigned t = first; t < last; ++t) {
      if (all_[t].bytes != all_[first].bytes) refuse("threads of one warp in different shuffles");
      all_[t].state = waiting::no;
    }
    return true;
  }

  std::vector<thread_state> all_{most_threads};
  std::vector<std::byte> slots_ = std::vector<std::byte>(most_threads / warp * 2 * warp * slot_bytes);
  const std::function<void()>* body_ = nullptr;
  unsigned threads_ = 0, now_ = 0;
};

// Kernels of several devices take turns.
std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

pool& the_pool() {
  static pool threads;
  return threads;
}

std::vector<std::byte>& shared_memory() {
  static std::vector<std::byte> memory;
  return memory;
}

std::map<const void*, std::size_t>& allowed_shared() {
  static std::map<const void*, std::size_t> by_kernel;
  return by_kernel;
}

}  // namespace

void run(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& thread) {
  const std::lock_guard lock(one_at_a_time());
  gridDim = grid;
  blockDim = block;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        shared_memory().assign(shared_bytes, std::byte{0xff});
        the_pool().run_block(block.x * block.y * block.z, thread);
      }
}

void wait_for_block() { the_pool().wait(waiting::for_block); }
const std::byte* exchange(const void* mine, std::size_t bytes) { return the_pool().exchange(mine, bytes); }
unsigned lane() noexcept { return the_pool().now() % warp; }
std::byte* dynamic_shared() noexcept { return shared_memory().data(); }

}  // namespace argosy::test::emulator

using namespace argosy::test::emulator;

const char* cudaGetErrorString(cudaError_t e) noexcept {
  return e == cudaSuccess ? "no error" : e == cudaErrorMemoryAllocation ? "out of memory" : "invalid argument";
}

namespace {
thread_local int current_device = 0;
}

cudaError_t cudaSetDevice(int device) noexcept {
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) noexcept {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) noexcept {
  if (bytes > (std::size_t{1} << 40) || posix_memalign(memory, 256, bytes) != 0) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xff, bytes);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) noexcept { return cudaMalloc(memory, bytes); }

cudaError_t cudaFree(void* memory) noexcept {
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) noexcept { return cudaFree(memory); }

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) noexcept {
  std::memset(to, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height, cudaStream_t) noexcept {
  if (width > pitch) return cudaErrorInvalidValue;
  for (std::size_t r = 0; r < height; ++r) std::memset(static_cast<std::byte*>(to) + r * pitch, value, width);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) noexcept {
  std::memmove(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                              std::size_t height, cudaMemcpyKind, cudaStream_t) noexcept {
  if (width > to_pitch || width > from_pitch) return cudaErrorInvalidValue;
  for (std::size_t r = 0; r < height; ++r)
    std::memcpy(static_cast<std::byte*>(to) + r * to_pitch, static_cast<const std::byte*>(from) + r * from_pitch, width);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* made, unsigned) noexcept {
  *made = nullptr;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t) noexcept { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) noexcept { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* made, unsigned) noexcept {
  *made = nullptr;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t) noexcept { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) noexcept { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) noexcept { return cudaSuccess; }

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) noexcept {
  if (value < 0 || static_cast<std::size_t>(value) > most_shared) return cudaErrorInvalidValue;
  const std::lock_guard lock(one_at_a_time());
  allowed_shared()[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

cudaError_t check_launch(const cudaLaunchConfig_t& how, const void* kernel) noexcept {
  const auto threads = static_cast<std::uint64_t>(how.blockDim.x) * how.blockDim.y * how.blockDim.z;
  const std::lock_guard lock(one_at_a_time());
  const auto found = allowed_shared().find(kernel);
  const std::size_t allowed = found == allowed_shared().end() ? shared_without_asking : std::max(shared_without_asking, found->second);
  const bool fits = threads >= 1 && threads <= most_threads && how.dynamicSmemBytes <= allowed && how.gridDim.x >= 1 &&
                    how.gridDim.x <= 0x7fffffffu && how.gridDim.y >= 1 && how.gridDim.y <= 65535 && how.gridDim.z >= 1 &&
                    how.gridDim.z <= 65535;
  return fits ? cudaSuccess : cudaErrorInvalidValue;
}
