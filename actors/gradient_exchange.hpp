// The sum of all ranks' gradients, begun while backward still computes others. The weights' arena is cut into buckets, in the order in which
// backward completes them; a thread of the exchange sums each over the ranks as soon as it is complete, biases and the rest at the end. Every
// rank sums the same buckets in the same order, whatever its batch held, and over threads, memory and Gloo a sum of parts has the bits of the sum of the whole.
// GPUs     a bucket is complete once the device has come to the mark that was set when its last gradient was queued; it is summed on the device
//          beside (kernels/device.hpp), so the next kernels of backward and the sum run at once.
// Source   Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training" (arXiv 2006.15704), section 3.2.3.
// Threads  of one thread, the worker's; from begin() to finish() or abandon() the collective is the exchange's.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "model/parameters.hpp"
#include "net/collective.hpp"

namespace argosy {

class gradient_exchange {
public:
  // All outlive it. `order`: retrieval_model::gradient_order. Without bucket_bytes, and where the host does not read the device's memory and there
  // is no device or group beside, all is summed in finish().
  gradient_exchange(device&, parameters&, std::vector<std::string> order, collective&, const clock_source&, std::int64_t bucket_bytes);
  ~gradient_exchange();
  gradient_exchange(const gradient_exchange&) = delete;
  gradient_exchange& operator=(const gradient_exchange&) = delete;

  // What the device says of memory for its own.
  status begin();
  // What the order says up to there, and that, is complete. REQUIRES a name of the order.
  void complete(std::string_view name);
  // Sums what is left and waits for all of it. aborted, and what the collective says.
  status finish();
  // Backward failed: cuts the group, so that nobody waits for the sums that are not to come.
  void abandon(const status& why);

  std::size_t buckets() const noexcept { return buckets_.size(); }
  // Of the last step: how long finish() waited for the device to end backward, and then for other ranks to come as far; and how long sums had
  // gone on while backward did.
  double computed_s() const noexcept { return computed_s_; }
  double waited_s() const noexcept { return waited_s_; }
  double overlapped_s() const noexcept { return overlapped_s_; }

private:
  struct range {
    std::int64_t first = 0, count = 0;  // numbers of the arena
  };
  struct bucket {
    std::vector<range> ranges;  // rising, with gaps between them
    std::int64_t count = 0;     // of all
    std::size_t after = 0;      // complete once so many names of the order are
  };
  status open_beside();
  void cut_into_buckets(std::int64_t bucket_bytes);
  void add_to_last(const range&);
  status make_room();
  status copy(const_view from, view to);
  status sum(const bucket&);
  void sum_what_comes(const std::stop_token&);
  void let_go(std::size_t buckets);
  void set_mark(std::size_t buckets);
  status meet();
  double before_finish(steady_time from, steady_time to) const;
  status wait_for_all();

  device* on_;
  parameters* weights_;
  std::vector<std::string> order_;
  collective* group_;
  const clock_source* clock_;
  status opened_;
  device* beside_ = nullptr;                  // where the host does not read the device's memory, and there are buckets
  std::unique_ptr<collective> group_beside_;  // of it
  std::vector<bucket> buckets_;               // unchanged once there
  tensor together_;  // the ranges of a bucket that has several; made by the first begin(), as large as the largest of them needs

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t let_go_ = 0, summed_ = 0;                  // buckets of this step
  std::vector<std::shared_ptr<work_mark>> complete_at_;  // by bucket, of those let go, where there is a device beside
  status failure_;
  std::optional<steady_time> finishing_;  // since when finish() waits for others
  double computed_s_ = 0, waited_s_ = 0, overlapped_s_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace argosy
