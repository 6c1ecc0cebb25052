// All operations of a group on drawn shapes, and what they leave behind.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "net/collective.hpp"

namespace argosy::test {

// A matrix inside a wider one, or not; the columns around it hold a mark.
template <class T>
class matrix {
public:
  matrix(std::int64_t rows, std::int64_t cols, std::int64_t margin)
      : rows_(rows), cols_(cols), stride_(cols + margin), held_(size(), mark) {}
  view all() { return {held_.data(), sizeof(T) == 4 ? dtype::f32 : dtype::f64, rows_, cols_, stride_}; }
  void fill(std::uint64_t seed, bool whole_numbers) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal(0, 1000);
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < cols_; ++c) {
        const double number = normal(random);
        held_[static_cast<std::size_t>(r * stride_ + c)] = static_cast<T>(whole_numbers ? std::round(number) : number);
      }
  }
  const std::vector<T>& held() const { return held_; }

private:
  std::size_t size() const { return static_cast<std::size_t>(rows_ * stride_); }
  static constexpr T mark = -77;
  std::int64_t rows_, cols_, stride_;
  std::vector<T> held_;
};

struct shapes {
  std::int64_t cols, margin;
  std::vector<std::int64_t> rows_of;
  bool whole_numbers = false;  // whose sums are the same in any order
  std::int64_t rows() const { return std::reduce(rows_of.begin(), rows_of.end()); }
};

inline shapes draw_shapes(std::mt19937_64& random, int size, std::int64_t most_rows) {
  const auto below = [&](std::int64_t end) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end)); };
  shapes s{below(40), below(2) * 3, {}, false};
  for (int r = 0; r < size; ++r) s.rows_of.push_back(below(3) == 0 ? 0 : below(most_rows));
  return s;
}

// What all operations leave behind on a rank, one after the other.
template <class T>
status everything(collective& c, const shapes& s, std::uint64_t seed, std::vector<T>& left) {
  const auto rank = static_cast<std::size_t>(c.rank());
  const auto keep = [&](const matrix<T>& m) { left.insert(left.end(), m.held().begin(), m.held().end()); };
  const auto own = seed + rank;
  matrix<T> mine(s.rows_of[rank], s.cols, s.margin), all(s.rows(), s.cols, s.margin);
  mine.fill(own, s.whole_numbers);
  ARGOSY_TRY(c.all_gather(mine.all(), s.rows_of, all.all()));
  keep(all);
  all.fill(own + 100, s.whole_numbers);
  ARGOSY_TRY(c.reduce_scatter(all.all(), s.rows_of, mine.all()));
  keep(mine);
  ARGOSY_TRY(c.all_reduce(all.all()));
  keep(all);
  all.fill(own + 200, s.whole_numbers);
  ARGOSY_TRY(c.broadcast(all.all(), static_cast<int>(seed % static_cast<std::uint64_t>(c.size()))));
  keep(all);
  ARGOSY_ASSIGN(const auto counts, c.gather_counts(static_cast<std::int64_t>(own)));
  for (const auto n : counts) left.push_back(static_cast<T>(n));
  const std::vector<T> few(static_cast<std::size_t>(s.rows_of[rank]), static_cast<T>(own));
  std::vector<std::int64_t> bytes_of(s.rows_of);
  for (auto& n : bytes_of) n *= static_cast<std::int64_t>(sizeof(T));
  std::vector<T> gathered(static_cast<std::size_t>(s.rows()));
  ARGOSY_TRY(c.all_gather(std::as_bytes(std::span(few)), bytes_of, std::as_writable_bytes(std::span(gathered))));
  left.insert(left.end(), gathered.begin(), gathered.end());
  const int root = static_cast<int>((seed + 1) % static_cast<std::uint64_t>(c.size()));
  std::vector<T> at_root(c.rank() == root ? gathered.size() : 0);
  ARGOSY_TRY(c.gather(std::as_bytes(std::span(few)), bytes_of, root, std::as_writable_bytes(std::span(at_root))));
  left.insert(left.end(), at_root.begin(), at_root.end());
  return {};
}

}  // namespace argosy::test
