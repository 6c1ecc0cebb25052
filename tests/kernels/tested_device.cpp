#include "tests/support/tested_device.hpp"

namespace argosy::test {

std::unique_ptr<device> make_tested_device(int threads, compute how) { return make_cpu_device(threads, how); }

}  // namespace argosy::test
