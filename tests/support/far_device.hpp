// The CPU device, which says that the host does not read its memory, and has another such device beside it: who decides by that how ranks
// exchange takes it for a GPU.
#pragma once

#include <functional>
#include <memory>

#include "kernels/device.hpp"

namespace argosy::test {

// `mark`: what its marks wait for.
std::unique_ptr<device> make_far_device(std::function<status()> mark = [] { return status{}; });

}  // namespace argosy::test
