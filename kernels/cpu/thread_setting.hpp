// oneDNN takes the number of threads from OpenMP's setting for the calling thread: set while this lives.
#pragma once

#include <omp.h>

namespace argosy::cpu {

class thread_setting {
public:
  explicit thread_setting(int threads) noexcept : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~thread_setting() { omp_set_num_threads(before_); }
  thread_setting(const thread_setting&) = delete;
  thread_setting& operator=(const thread_setting&) = delete;

private:
  int before_;
};

}  // namespace argosy::cpu
