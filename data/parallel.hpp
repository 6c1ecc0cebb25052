// Independent pieces of work by all processors.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/status.hpp"

namespace argosy {

inline constexpr unsigned most_threads = 16;  // each may hold a decoded image of image_limits::pixels

// What `make` returns, or the failure to find memory for it.
template <class Make>
auto or_out_of_memory(const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::bad_alloc&) {
    return status{errc::unavailable, "out of memory"};
  }
}

// work(i), which does not throw, for each i below `count`, in no order, by several threads at once; returns when all have ended. After a
// stop the rest is left out.
template <class Work>
void for_each_parallel(std::size_t count, const std::stop_token& stop, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < count && !stop.stop_requested(); i = next++) work(i);
  };
  std::vector<std::jthread> threads(std::clamp(std::thread::hardware_concurrency(), 1u, most_threads) - 1);
  for (auto& thread : threads) thread = std::jthread(take);
  take();
}

}  // namespace argosy
