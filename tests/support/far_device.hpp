// The CPU device, which says that the host does not read its memory: who decides by that how ranks exchange takes it for a GPU.
#pragma once

#include <memory>

#include "kernels/device.hpp"

namespace argosy::test {

std::unique_ptr<device> make_far_device();

}  // namespace argosy::test
