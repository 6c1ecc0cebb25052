// Ranks as threads of one process. An operation is a meeting in two halves: every rank publishes what it brings, and which sizes it believes
// in, and waits for the others; then all judge the same proposals (net/agreement.hpp) and read each other's memory; the second half keeps a rank from leaving, and from changing its memory, while another still reads it.
// An abort is heeded in the first half only: whoever began to read ends it, which never waits for anything.
#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "net/agreement.hpp"
#include "net/collective.hpp"

namespace argosy {
namespace {

// What the others may touch of a rank.
struct offer {
  const_view rows{};                   // read
  view target{};                       // written: all_reduce only
  std::span<const std::byte> bytes{};  // read
};

class meeting final : public abort_handle {
public:
  explicit meeting(int size) : proposals_(static_cast<std::size_t>(size)), offers_(proposals_.size()) {}

  void abort(status reason) override {
    const std::lock_guard lock(mutex_);
    if (!cut_.ok()) return;
    cut_ = reason.code() == errc::aborted ? std::move(reason) : status(errc::aborted, reason.text());
    end(cut_);
  }

  // Nobody waits for a rank that is gone; what all have begun, they end.
  void left(int rank) {
    const std::lock_guard lock(mutex_);
    end({errc::aborted, rank_text(rank) + " left its group"});
  }

  status whole() const {
    const std::lock_guard lock(mutex_);
    return cut_;
  }

  // Waits for the proposals and offers of all ranks; they stay valid until leave().
  status meet(int rank, proposal wish, const offer& mine) {
    std::unique_lock lock(mutex_);
    if (aborted_) return *aborted_;
    proposals_[static_cast<std::size_t>(rank)] = std::move(wish);
    offers_[static_cast<std::size_t>(rank)] = mine;
    const auto met = arrive();
    changed_.wait(lock, [&] { return generation_ != met || aborted_; });
    return generation_ != met ? status{} : *aborted_;
  }

  void leave() {
    std::unique_lock lock(mutex_);
    const auto met = arrive();
    changed_.wait(lock, [&] { return generation_ != met; });
  }

  std::span<const proposal> proposals() const noexcept { return proposals_; }
  std::span<const offer> offers() const noexcept { return offers_; }

private:
  void end(const status& why) {
    if (!aborted_) aborted_ = why;
    changed_.notify_all();
  }

  std::uint64_t arrive() {
    const auto met = generation_;
    if (++arrived_ == offers_.size()) {
      arrived_ = 0;
      ++generation_;
      changed_.notify_all();
    }
    return met;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<proposal> proposals_;
  std::vector<offer> offers_;
  std::size_t arrived_ = 0;
  std::uint64_t generation_ = 0;
  std::optional<status> aborted_;
  status cut_;  // aborted, and not only left
};

void copy_rows(const_view from, view to) {
  for (std::int64_t r = 0; r < from.rows && from.cols > 0; ++r)
    std::memmove(to.row_range(r, 1).data, from.row_range(r, 1).data, static_cast<std::size_t>(from.cols) * size_of(from.type));
}

// Calls f(row, first column, end column) for the elements [first, end) of a matrix in row-major order.
template <class F>
void for_each_run(std::int64_t cols, std::int64_t first, std::int64_t end, F f) {
  while (first < end) {
    const auto row = first / cols, column = first % cols, length = std::min(cols - column, end - first);
    f(row, column, column + length);
    first += length;
  }
}

// Sums elements [first, end) over all ranks, in their order, and gives the sum to all.
template <class T>
void sum_part(std::span<const offer> offers, std::int64_t first, std::int64_t end) {
  for_each_run(offers[0].target.cols, first, end, [&](std::int64_t row, std::int64_t from, std::int64_t to) {
    T* sum = offers[0].target.row<T>(row);
    for (const offer& other : offers.subspan(1)) {
      const T* x = other.target.row<T>(row);
      for (auto c = from; c < to; ++c) sum[c] += x[c];
    }
    for (const offer& other : offers.subspan(1)) std::copy(sum + from, sum + to, other.target.row<T>(row) + from);
  });
}

template <class T>
void sum_rows(std::span<const offer> offers, std::int64_t first_row, view mine) {
  for (std::int64_t r = 0; r < mine.rows; ++r) {
    T* sum = mine.row<T>(r);
    const T* start = offers[0].rows.row<T>(first_row + r);
    std::copy(start, start + mine.cols, sum);
    for (const offer& other : offers.subspan(1)) {
      const T* x = other.rows.row<T>(first_row + r);
      for (std::int64_t c = 0; c < mine.cols; ++c) sum[c] += x[c];
    }
  }
}

class in_process_rank final : public collective {
public:
  in_process_rank(std::shared_ptr<meeting> group, int rank, int size) : group_(std::move(group)), rank_(rank), size_(size) {}
  ~in_process_rank() override { group_->left(rank_); }

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }
  std::shared_ptr<abort_handle> aborter() const override { return group_; }
  status whole() const override { return group_->whole(); }

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    return together(propose_gather(here(), mine, rows_of, all), {.rows = mine}, [&] {
      std::int64_t row = 0;
      for (const offer& other : group_->offers()) {
        copy_rows(other.rows, all.row_range(row, other.rows.rows));
        row += other.rows.rows;
      }
    });
  }

  status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) override {
    return together(propose_gather_bytes(here(), std::ssize(mine), bytes_of, std::ssize(all)), {.bytes = mine},
                    [&] { copy_bytes_of_all(all); });
  }

  status gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, int root, std::span<std::byte> all) override {
    return together(propose_gather_at_root(here(), std::ssize(mine), bytes_of, root, std::ssize(all)), {.bytes = mine}, [&] {
      if (rank_ == root) copy_bytes_of_all(all);
    });
  }

  result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) override {
    std::vector<std::int64_t> counts;
    counts.reserve(static_cast<std::size_t>(size_));
    ARGOSY_TRY(together(propose_counts(mine), {}, [&] {
      for (const proposal& other : group_->proposals()) counts.push_back(other.number);
    }));
    return counts;
  }

  // Each rank sums one part of the elements for all: parts do not overlap, so nothing is copied aside.
  status all_reduce(view x) override {
    return together(propose_all_reduce(x), {.rows = x, .target = x}, [&] {
      const auto count = x.rows * x.cols;
      const auto first = count * rank_ / size_, end = count * (rank_ + 1) / size_;
      const auto offers = group_->offers();
      x.type == dtype::f32 ? sum_part<float>(offers, first, end) : sum_part<double>(offers, first, end);
    });
  }

  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    return together(propose_reduce_scatter(here(), all, rows_of, mine), {.rows = all}, [&] {
      const auto first = std::accumulate(rows_of.begin(), rows_of.begin() + rank_, std::int64_t{0});
      const auto offers = group_->offers();
      mine.type == dtype::f32 ? sum_rows<float>(offers, first, mine) : sum_rows<double>(offers, first, mine);
    });
  }

  status broadcast(view x, int root) override {
    return together(propose_broadcast(here(), x, root), {.rows = x}, [&] {
      if (root != rank_) copy_rows(group_->offers()[static_cast<std::size_t>(root)].rows, x);
    });
  }

private:
  place_in_group here() const noexcept { return {rank_, size_}; }

  void copy_bytes_of_all(std::span<std::byte> all) {
    auto to = all.begin();
    for (const offer& other : group_->offers()) to = std::ranges::copy(other.bytes, to).out;
  }

  // `work` reads the offers of all ranks when they agree; it must not throw or wait.
  template <class Work>
  status together(proposal wish, const offer& mine, Work work) {
    ARGOSY_TRY(group_->meet(rank_, std::move(wish), mine));
    status verdict = judge(group_->proposals());
    if (verdict.ok()) work();
    group_->leave();
    return verdict;
  }

  std::shared_ptr<meeting> group_;
  int rank_, size_;
};

}  // namespace

std::vector<std::unique_ptr<collective>> make_in_process_group(int size) {
  const auto group = std::make_shared<meeting>(size);
  std::vector<std::unique_ptr<collective>> ranks;
  for (int rank = 0; rank < size; ++rank) ranks.push_back(std::make_unique<in_process_rank>(group, rank, size));
  return ranks;
}

}  // namespace argosy
