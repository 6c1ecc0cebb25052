#include "actors/group_switch.hpp"

#include <algorithm>
#include <utility>

#include "net/forwarding_group.hpp"

namespace argosy {
namespace {

const status left{errc::aborted, "another group is formed"};

class watched_collective final : public forwarding_group {
public:
  watched_collective(std::unique_ptr<collective> group, std::atomic<bool>& inside)
      : forwarding_group(*group), group_(std::move(group)), inside_(&inside) {}

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    const stay here(*inside_);
    return group_->all_gather(mine, rows_of, all);
  }
  status all_gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, std::span<std::byte> all) override {
    const stay here(*inside_);
    return group_->all_gather(mine, bytes_of, all);
  }
  status gather(std::span<const std::byte> mine, std::span<const std::int64_t> bytes_of, int root, std::span<std::byte> all) override {
    const stay here(*inside_);
    return group_->gather(mine, bytes_of, root, all);
  }
  result<std::vector<std::int64_t>> gather_counts(std::int64_t mine) override {
    const stay here(*inside_);
    return group_->gather_counts(mine);
  }
  status all_reduce(view x) override {
    const stay here(*inside_);
    return group_->all_reduce(x);
  }
  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    const stay here(*inside_);
    return group_->reduce_scatter(all, rows_of, mine);
  }
  status broadcast(view x, int root) override {
    const stay here(*inside_);
    return group_->broadcast(x, root);
  }
  std::unique_ptr<collective> beside(device& on) override {
    auto made = group_->beside(on);
    return made ? watched(std::move(made), *inside_) : nullptr;
  }

private:
  class stay {
  public:
    explicit stay(std::atomic<bool>& inside) : inside_(&inside) { *inside_ = true; }
    ~stay() { *inside_ = false; }
    stay(const stay&) = delete;
    stay& operator=(const stay&) = delete;

  private:
    std::atomic<bool>* inside_;
  };

  std::unique_ptr<collective> group_;
  std::atomic<bool>* inside_;
};

}  // namespace

void group_switch::cut_before(group_id first) {
  const std::lock_guard lock(mutex_);
  first_ = std::max(first_, first);
  if (current_ < first_ && handle_) std::exchange(handle_, nullptr)->abort(left);
}

status group_switch::enter(group_id group, std::shared_ptr<abort_handle> handle) {
  const std::lock_guard lock(mutex_);
  if (group < first_) {
    handle->abort(left);
    return left;
  }
  current_ = group;
  handle_ = std::move(handle);
  return {};
}

std::unique_ptr<collective> watched(std::unique_ptr<collective> group, std::atomic<bool>& inside) {
  return std::make_unique<watched_collective>(std::move(group), inside);
}

}  // namespace argosy
