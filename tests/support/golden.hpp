// A file of reference values, and the comparison with it. The folder is absent on most machines: open_golden says so and the test ends.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/device.hpp"
#include "model/safetensors.hpp"
#include "tests/support/compare.hpp"
#include "tests/support/folders.hpp"

namespace argosy::test {

// What the cases are computed in, each once in both: float64 held to 1e-10, as its sums run in another order, and float32 to so many of its
// roundings, which each case counts and gives its reason for. Relative to the largest element, or to 1, the size of the inputs: a gradient
// that cancels to nothing, as that of the bias of keys, is left with the rounding of its terms.
struct float64_reference {
  using number = double;
  static std::unique_ptr<device> make() { return make_reference_device(); }
  static double tolerance(double /*roundings*/) { return 1e-10; }
};
struct float32_cpu {
  using number = float;
  static std::unique_ptr<device> make() { return make_cpu_device(2); }
  static double tolerance(double roundings) { return roundings * unit_roundoff; }
};
using golden_arithmetics = std::tuple<float64_reference, float32_cpu>;

struct golden_file {
  safetensors_file file;

  const safetensor& at(const std::string& name) const {
    const auto* t = file.find(name);
    BOOST_REQUIRE_MESSAGE(t != nullptr, "golden file lacks " << name);
    return *t;
  }
  std::vector<double> numbers(const std::string& name) const { return at(name).numbers().value(); }
  template <class Number>
  std::vector<Number> values(const std::string& name) const {
    const auto wide = numbers(name);
    return {wide.begin(), wide.end()};
  }
  std::vector<std::int64_t> integers(const std::string& name) const { return at(name).integers().value(); }
  std::vector<std::int32_t> offsets(const std::string& name) const {
    const auto wide = integers(name);
    return {wide.begin(), wide.end()};
  }
  std::int64_t rows(const std::string& name) const { return at(name).shape.at(0); }
  std::int64_t columns(const std::string& name) const { return at(name).shape.at(1); }
  double setting(const std::string& name) const { return std::stod(file.metadata.at(name)); }
};

inline std::optional<golden_file> open_golden(const std::string& name) {
  const auto folder = golden_folder();
  if (!folder) {
    BOOST_TEST_MESSAGE("skipped: no golden folder (ARGOSY_GOLDEN, else ../shared/golden)");
    return std::nullopt;
  }
  auto file = read_safetensors(*folder / (name + ".safetensors"));
  BOOST_REQUIRE_MESSAGE(file.ok(), file.failure().text());
  return golden_file{std::move(file).value()};
}

template <class Number>
void compare_golden(const std::string& what, const Number* got, const std::vector<double>& want, double tolerance) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::abs(want[i]));
    worst = std::max(worst, std::abs(want[i] - static_cast<double>(got[i])));
  }
  BOOST_TEST(worst <= tolerance * std::max(largest, 1.0), what << ": off by " << worst << ", largest element " << largest);
}

}  // namespace argosy::test
