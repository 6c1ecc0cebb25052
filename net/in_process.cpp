// Ranks as threads of one process. An operation is a meeting in two halves: every rank publishes an offer (what it brings, and which sizes
// it believes in) and waits for the others; then all judge the same offers, so they agree on the verdict, and read each other's memory; the
// second half keeps a rank from leaving, and from changing its memory, while another still reads it.
// An abort is heeded in the first half only: whoever began to read ends it, which never waits for anything.
#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "net/collective.hpp"

namespace argosy {
namespace {

enum class operation : std::uint8_t { none, gather_rows, gather_bytes, gather_counts, all_reduce, reduce_scatter, broadcast };

struct offer {
  operation what = operation::none;
  const_view rows{};                         // read by the others
  view target{};                             // written by the others: all_reduce only
  std::span<const std::byte> bytes{};        // gather_bytes
  std::span<const std::int64_t> sizes_of{};  // what this rank believes every rank brings
  std::int64_t number = 0;                   // the count, or the root
  status problem{};                          // its own arguments contradict each other
};

class meeting final : public abort_handle {
public:
  explicit meeting(int size) : offers_(static_cast<std::size_t>(size)) {}

  void abort(status reason) override {
    const std::lock_guard lock(mutex_);
    if (aborted_) return;
    aborted_ = reason.code() == errc::aborted ? std::move(reason) : status(errc::aborted, reason.text());
    changed_.notify_all();
  }

  // Waits for the offers of all ranks; they stay valid until leave().
  status meet(int rank, offer mine) {
    std::unique_lock lock(mutex_);
    if (aborted_) return *aborted_;
    offers_[static_cast<std::size_t>(rank)] = std::move(mine);
    const auto met = arrive();
    changed_.wait(lock, [&] { return generation_ != met || aborted_; });
    return generation_ != met ? status{} : *aborted_;
  }

  void leave() {
    std::unique_lock lock(mutex_);
    const auto met = arrive();
    changed_.wait(lock, [&] { return generation_ != met; });
  }

  std::span<const offer> offers() const noexcept { return offers_; }

private:
  std::uint64_t arrive() {
    const auto met = generation_;
    if (++arrived_ == offers_.size()) {
      arrived_ = 0;
      ++generation_;
      changed_.notify_all();
    }
    return met;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<offer> offers_;
  std::size_t arrived_ = 0;
  std::uint64_t generation_ = 0;
  std::optional<status> aborted_;
};

std::string rank_text(std::size_t rank) { return "rank " + std::to_string(rank); }

// The verdict on a meeting: the same on every rank, because it looks at nothing else.
status judge(std::span<const offer> offers) {
  const offer& first = offers[0];
  for (std::size_t r = 0; r < offers.size(); ++r) {
    const offer& other = offers[r];
    if (!other.problem.ok()) return other.problem.within(rank_text(r));
    if (other.what != first.what) return {errc::shape_mismatch, rank_text(r) + " called another operation than rank 0"};
    if (other.rows.cols != first.rows.cols || other.rows.type != first.rows.type)
      return {errc::shape_mismatch,
              rank_text(r) + ": want the width and type of rank 0, " + shape_text(first.rows) + ", got " + shape_text(other.rows)};
    if (!std::ranges::equal(other.sizes_of, first.sizes_of))
      return {errc::shape_mismatch, rank_text(r) + " and rank 0 disagree about what each rank brings"};
    const bool same_rows = first.what == operation::all_reduce || first.what == operation::broadcast;
    if (same_rows && other.rows.rows != first.rows.rows)
      return {errc::shape_mismatch, rank_text(r) + ": want " + shape_text(first.rows) + " as rank 0, got " + shape_text(other.rows)};
    if (first.what == operation::broadcast && other.number != first.number)
      return {errc::shape_mismatch, rank_text(r) + ": want root " + std::to_string(first.number) + ", got " + std::to_string(other.number)};
  }
  return {};
}

void copy_rows(const_view from, view to) {
  for (std::int64_t r = 0; r < from.rows; ++r)
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

status check_size(std::string_view what, std::int64_t want, std::int64_t got) {
  if (want == got) return {};
  return {errc::shape_mismatch, std::string(what) + ": want " + std::to_string(want) + ", got " + std::to_string(got)};
}

status check_same_rows(const_view mine, const_view all) {
  if (mine.cols == all.cols && mine.type == all.type) return {};
  return {errc::shape_mismatch, "own rows are " + shape_text(mine) + ", the rows of all are " + shape_text(all)};
}

class in_process_rank final : public collective {
public:
  in_process_rank(std::shared_ptr<meeting> group, int rank, int size) : group_(std::move(group)), rank_(rank), size_(size) {}
  // Nobody waits for a rank that is gone.
  ~in_process_rank() override { group_->abort({errc::aborted, rank_text(static_cast<std::size_t>(rank_)) + " left its group"}); }

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }
  std::shared_ptr<abort_handle> aborter() const override { return group_; }

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    status problem = check_sizes(rows_of, mine.rows, all.rows);
    if (problem.ok()) problem = check_same_rows(mine, all);
    return together({.what = operation::gather_rows, .rows = mine, .sizes_of = rows_of, .problem = problem}, [&](auto offers) {
      std::int64_t row = 0;
      for (const offer& other : offers) {
        copy_rows(other.rows, all.row_range(row, other.rows.rows));
        row += other.rows.rows;
      }
    });
  }

  status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) override {
    const status problem = check_sizes(bytes_of, std::ssize(mine), std::ssize(all));
    return together({.what = operation::gather_bytes, .bytes = mine, .sizes_of = bytes_of, .problem = problem}, [&](auto offers) {
      auto to = all.begin();
      for (const offer& other : offers) to = std::ranges::copy(other.bytes, to).out;
    });
  }

  result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) override {
    std::vector<std::int64_t> counts;
    counts.reserve(static_cast<std::size_t>(size_));
    ARGOSY_TRY(together({.what = operation::gather_counts, .number = mine}, [&](auto offers) {
      for (const offer& other : offers) counts.push_back(other.number);
    }));
    return counts;
  }

  // Each rank sums one part of the elements for all: parts do not overlap, so nothing is copied aside.
  status all_reduce(view x) override {
    return together({.what = operation::all_reduce, .rows = x, .target = x}, [&](auto offers) {
      const auto count = x.rows * x.cols;
      const auto first = count * rank_ / size_, end = count * (rank_ + 1) / size_;
      x.type == dtype::f32 ? sum_part<float>(offers, first, end) : sum_part<double>(offers, first, end);
    });
  }

  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    status problem = check_sizes(rows_of, mine.rows, all.rows);
    if (problem.ok()) problem = check_same_rows(mine, all);
    return together({.what = operation::reduce_scatter, .rows = all, .sizes_of = rows_of, .problem = problem}, [&](auto offers) {
      const auto first = std::accumulate(rows_of.begin(), rows_of.begin() + rank_, std::int64_t{0});
      mine.type == dtype::f32 ? sum_rows<float>(offers, first, mine) : sum_rows<double>(offers, first, mine);
    });
  }

  status broadcast(view x, int root) override {
    status problem;
    if (root < 0 || root >= size_)
      problem = {errc::out_of_range, "root: want 0 .. " + std::to_string(size_ - 1) + ", got " + std::to_string(root)};
    return together({.what = operation::broadcast, .rows = x, .number = root, .problem = problem}, [&](auto offers) {
      if (root != rank_) copy_rows(offers[static_cast<std::size_t>(root)].rows, x);
    });
  }

private:
  status check_sizes(std::span<const std::int64_t> sizes_of, std::int64_t mine, std::int64_t all) const {
    ARGOSY_TRY(check_size("sizes of ranks", size_, std::ssize(sizes_of)));
    ARGOSY_TRY(check_size("own size", sizes_of[static_cast<std::size_t>(rank_)], mine));
    return check_size("size of all", std::reduce(sizes_of.begin(), sizes_of.end()), all);
  }

  // `work` reads the offers of all ranks when they agree; it must not throw or wait.
  template <class Work>
  status together(offer mine, Work work) {
    ARGOSY_TRY(group_->meet(rank_, std::move(mine)));
    status verdict = judge(group_->offers());
    if (verdict.ok()) work(group_->offers());
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
