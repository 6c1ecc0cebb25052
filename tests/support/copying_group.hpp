// A group whose matrices are the host's, in front of one whose matrices are a device's: each call copies what it brings to the device, and what
// it gets back, with the same gaps between rows. float64 numbers stay where they are.
#pragma once

#include <memory>

#include "kernels/device.hpp"
#include "net/collective.hpp"

namespace argosy::test {

std::unique_ptr<collective> make_copying_group(std::unique_ptr<collective> far, device& on);

}  // namespace argosy::test
