// A device whose operators take matrices of the host: each call copies what it reads to the device and what it writes back, so that tests
// written for the CPU run on a GPU. Memory that the device itself gave is left where it is.
#pragma once

#include <memory>

#include "kernels/device.hpp"

namespace argosy::test {

std::unique_ptr<device> make_remote_device(std::unique_ptr<device> far);

}  // namespace argosy::test
