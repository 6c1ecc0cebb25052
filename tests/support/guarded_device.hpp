// The CPU device with memory as a GPU's is to the host: what it hands out traps when the host reads or writes it. A view of the host's own
// memory ends the program as well. Operators, upload and download alone see the numbers.
// Memory is never used twice; it lasts for tests of small models.
#pragma once

#include <memory>

#include "kernels/device.hpp"

namespace argosy::test {

std::unique_ptr<device> make_guarded_device(int threads);

}  // namespace argosy::test
