#include "model/memory_bank.hpp"

#include <algorithm>

#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"

namespace argosy {
namespace {

// (1, n) as (n, 1).
template <class View>
View as_column(const View& row) {
  return {row.data, row.type, row.cols, 1, 1};
}

}  // namespace

result<memory_bank> memory_bank::make(device& on, std::int64_t capacity, std::int64_t columns) {
  memory_bank made;
  made.on_ = &on;
  made.capacity_ = capacity;
  made.columns_ = columns;
  ARGOSY_ASSIGN(made.embedding_, tensor::make(on, capacity, columns));
  ARGOSY_ASSIGN(made.log_p_, tensor::make(on, 1, capacity));
  made.product_.resize(static_cast<std::size_t>(capacity));
  made.step_.resize(static_cast<std::size_t>(capacity));
  return made;
}

status memory_bank::push(const bank_entries& entries) {
  const auto n = entries.embedding.rows;
  if (entries.embedding.cols != columns_ || entries.embedding.type != embedding_.all().type)
    return {errc::shape_mismatch,
            "embedding: want (n, " + std::to_string(columns_) + ") of the bank's type, got " + shape_text(entries.embedding)};
  if (static_cast<std::int64_t>(entries.product.size()) != n || !entries.log_p.is(1, n))
    return {errc::shape_mismatch, "bank entries: " + std::to_string(n) + " embeddings, " + std::to_string(entries.product.size()) +
                                      " product ids, log p " + shape_text(entries.log_p)};
  const std::int64_t first = std::max<std::int64_t>(0, n - capacity_), count = n - first;
  if (count == 0) return {};
  row_.clear();
  for (std::int64_t i = 0; i < count; ++i) row_.push_back(static_cast<std::int32_t>((next_ + i) % capacity_));
  ARGOSY_TRY(move_rows(*on_, {entries.embedding.row_range(first, count), {}, row_, false}, embedding_));
  ARGOSY_TRY(move_rows(*on_, {as_column(entries.log_p.column_range(first, count)), {}, row_, false}, as_column(log_p_.all())));
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const auto row = static_cast<std::size_t>(row_[i]);
    product_[row] = entries.product[static_cast<std::size_t>(first) + i];
    step_[row] = entries.step;
  }
  next_ = (next_ + count) % capacity_;
  valid_ = std::min(valid_ + count, capacity_);
  return {};
}

bank_view memory_bank::view() const noexcept {
  const auto valid = static_cast<std::size_t>(valid_);
  return {embedding_.all().row_range(0, valid_), std::span(product_).first(valid), log_p_.all().column_range(0, valid_)};
}

result<memory_bank::snapshot> memory_bank::save() const {
  const bank_view kept = view();
  ARGOSY_ASSIGN(const auto embedding, numbers_of(*on_, kept.embedding));
  ARGOSY_ASSIGN(const auto log_p, numbers_of(*on_, kept.log_p));
  snapshot s;
  s.columns = columns_;
  s.place = valid_ < capacity_ ? 0 : next_;
  s.embedding.reserve(embedding.size());
  for (std::int64_t i = 0; i < valid_; ++i) {
    const auto row = static_cast<std::size_t>((s.place + i) % capacity_);
    const auto values = std::span(embedding).subspan(row * static_cast<std::size_t>(columns_), static_cast<std::size_t>(columns_));
    s.embedding.insert(s.embedding.end(), values.begin(), values.end());
    s.log_p.push_back(log_p[row]);
    s.product.push_back(product_[row]);
    s.step.push_back(step_[row]);
  }
  return s;
}

status memory_bank::load(const snapshot& s) {
  const auto n = s.product.size();
  if (s.columns != columns_ || s.embedding.size() != n * static_cast<std::size_t>(columns_) || s.log_p.size() != n || s.step.size() != n)
    return {errc::shape_mismatch, "memory bank: want rows of " + std::to_string(columns_) + ", got a state of " + std::to_string(n) +
                                      " rows of " + std::to_string(s.columns)};
  if (n > static_cast<std::size_t>(capacity_))
    return {errc::shape_mismatch, "memory bank: holds " + std::to_string(capacity_) + " entries, got a state of " + std::to_string(n)};
  const bool full = n > 0 && n == static_cast<std::size_t>(capacity_);
  if (s.place < 0 || s.place >= (full ? capacity_ : 1))
    return {errc::out_of_range,
            "memory bank: the oldest of " + std::to_string(n) + " entries cannot lie in row " + std::to_string(s.place)};
  std::vector<double> embedding(s.embedding.size()), log_p(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = (static_cast<std::size_t>(s.place) + i) % static_cast<std::size_t>(capacity_);
    const auto width = static_cast<std::size_t>(columns_);
    std::copy_n(s.embedding.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                embedding.begin() + static_cast<std::ptrdiff_t>(row * width));
    log_p[row] = s.log_p[i];
    product_[row] = s.product[i];
    step_[row] = s.step[i];
  }
  const auto count = static_cast<std::int64_t>(n);
  ARGOSY_TRY(upload(*on_, embedding, embedding_.all().row_range(0, count)));
  ARGOSY_TRY(upload(*on_, log_p, log_p_.all().column_range(0, count)));
  valid_ = count;
  next_ = full ? s.place : valid_;
  return {};
}

}  // namespace argosy
