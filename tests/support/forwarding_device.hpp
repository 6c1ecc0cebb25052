// A device that hands every call on to another one, with each view changed by `views`: how tests stand between a model and a device.
#pragma once

#include <memory>

#include "kernels/device.hpp"

namespace argosy::test {

// What becomes of the views of a call. Of one device; called in the order of a call's arguments.
class view_changer {
public:
  virtual ~view_changer() = default;
  virtual const_view read(const_view) = 0;
  virtual view written(view) = 0;
  // After the call, whatever it said.
  virtual status called() = 0;
  virtual result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) = 0;
  virtual bool host_reads(bool inner) const noexcept { return inner; }
  virtual result<std::unique_ptr<work_mark>> mark() { return std::unique_ptr<work_mark>{}; }
  virtual result<device*> beside() { return static_cast<device*>(nullptr); }
};

std::unique_ptr<device> make_forwarding_device(std::unique_ptr<device> inner, std::unique_ptr<view_changer>);

}  // namespace argosy::test
