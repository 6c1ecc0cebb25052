#include "tests/support/far_device.hpp"

#include "tests/support/forwarding_device.hpp"

namespace argosy::test {
namespace {

class same_views final : public view_changer {
public:
  explicit same_views(device& of) : of_(&of) {}
  const_view read(const_view v) override { return v; }
  view written(view v) override { return v; }
  status called() override { return {}; }
  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override { return of_->allocate(bytes); }
  bool host_reads(bool) const noexcept override { return false; }

private:
  device* of_;
};

}  // namespace

std::unique_ptr<device> make_far_device() {
  auto cpu = make_cpu_device(1);
  auto views = std::make_unique<same_views>(*cpu);
  return make_forwarding_device(std::move(cpu), std::move(views));
}

}  // namespace argosy::test
