#include "model/memory_bank.hpp"

#include <algorithm>

namespace argosy {
namespace {

double number_at(const_view v, std::int64_t row, std::int64_t col) {
  return v.type == dtype::f32 ? static_cast<double>(v.row<float>(row)[col]) : v.row<double>(row)[col];
}

void set_number(view v, std::int64_t row, std::int64_t col, double value) {
  if (v.type == dtype::f32)
    v.row<float>(row)[col] = static_cast<float>(value);
  else
    v.row<double>(row)[col] = value;
}

}  // namespace

result<memory_bank> memory_bank::make(device& on, std::int64_t capacity, std::int64_t columns) {
  memory_bank made;
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
  for (std::int64_t i = std::max<std::int64_t>(0, n - capacity_); i < n; ++i) {
    for (std::int64_t c = 0; c < columns_; ++c) set_number(embedding_, next_, c, number_at(entries.embedding, i, c));
    set_number(log_p_, 0, next_, number_at(entries.log_p, 0, i));
    product_[static_cast<std::size_t>(next_)] = entries.product[static_cast<std::size_t>(i)];
    step_[static_cast<std::size_t>(next_)] = entries.step;
    next_ = (next_ + 1) % capacity_;
    valid_ = std::min(valid_ + 1, capacity_);
  }
  return {};
}

bank_view memory_bank::view() const noexcept {
  const auto valid = static_cast<std::size_t>(valid_);
  return {embedding_.all().row_range(0, valid_), std::span(product_).first(valid), log_p_.all().column_range(0, valid_)};
}

memory_bank::snapshot memory_bank::save() const {
  snapshot s;
  s.columns = columns_;
  s.place = valid_ < capacity_ ? 0 : next_;
  for (std::int64_t i = 0; i < valid_; ++i) {
    const auto row = (s.place + i) % capacity_;
    for (std::int64_t c = 0; c < columns_; ++c) s.embedding.push_back(number_at(embedding_, row, c));
    s.log_p.push_back(number_at(log_p_, 0, row));
    s.product.push_back(product_[static_cast<std::size_t>(row)]);
    s.step.push_back(step_[static_cast<std::size_t>(row)]);
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
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = (s.place + static_cast<std::int64_t>(i)) % capacity_;
    for (std::int64_t c = 0; c < columns_; ++c)
      set_number(embedding_, row, c, s.embedding[i * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(c)]);
    set_number(log_p_, 0, row, s.log_p[i]);
    product_[static_cast<std::size_t>(row)] = s.product[i];
    step_[static_cast<std::size_t>(row)] = s.step[i];
  }
  valid_ = static_cast<std::int64_t>(n);
  next_ = full ? s.place : valid_;
  return {};
}

}  // namespace argosy
