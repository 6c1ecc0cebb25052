#include "tests/support/far_device.hpp"

#include <utility>

#include "tests/support/forwarding_device.hpp"

namespace argosy::test {
namespace {

class far_mark final : public work_mark {
public:
  explicit far_mark(std::function<status()> wait) : wait_(std::move(wait)) {}
  status wait() override { return wait_(); }

private:
  std::function<status()> wait_;
};

class same_views final : public view_changer {
public:
  same_views(device& of, std::function<status()> mark) : of_(&of), mark_(std::move(mark)) {}
  const_view read(const_view v) override { return v; }
  view written(view v) override { return v; }
  status called() override { return {}; }
  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override { return of_->allocate(bytes); }
  bool host_reads(bool) const noexcept override { return false; }
  result<std::unique_ptr<work_mark>> mark() override { return std::unique_ptr<work_mark>(std::make_unique<far_mark>(mark_)); }
  result<device*> beside() override {
    if (!beside_) beside_ = make_far_device();
    return beside_.get();
  }

private:
  device* of_;
  std::function<status()> mark_;
  std::unique_ptr<device> beside_;
};

}  // namespace

std::unique_ptr<device> make_far_device(std::function<status()> mark) {
  auto cpu = make_cpu_device(1);
  auto views = std::make_unique<same_views>(*cpu, std::move(mark));
  return make_forwarding_device(std::move(cpu), std::move(views));
}

}  // namespace argosy::test
