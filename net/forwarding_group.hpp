// A collective that passes everything on to another one, but for what is overridden.   Threads  as the other.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "net/collective.hpp"

namespace argosy {

class forwarding_group : public collective {
public:
  explicit forwarding_group(collective& to) : to_(&to) {}  // outlives it
  int rank() const noexcept override { return to_->rank(); }
  int size() const noexcept override { return to_->size(); }
  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    return to_->all_gather(mine, rows_of, all);
  }
  status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) override {
    return to_->all_gather(mine, bytes_of, all);
  }
  status gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, int root, std::span<std::byte> all) override {
    return to_->gather(mine, bytes_of, root, all);
  }
  result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) override { return to_->gather_counts(mine); }
  status all_reduce(view x) override { return to_->all_reduce(x); }
  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    return to_->reduce_scatter(all, rows_of, mine);
  }
  status broadcast(view x, int root) override { return to_->broadcast(x, root); }
  std::shared_ptr<abort_handle> aborter() const override { return to_->aborter(); }
  status whole() const override { return to_->whole(); }

private:
  collective* to_;
};

}  // namespace argosy
