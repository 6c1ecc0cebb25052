// A file of reference values, and the comparison with it. The folder is absent on most machines: open_golden says so and the test ends.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/safetensors.hpp"
#include "tests/support/folders.hpp"

namespace argosy::test {

// Relative to the largest element: float64 on both sides, sums in another order.
inline constexpr double golden_tolerance = 1e-10;

struct golden_file {
  safetensors_file file;

  const safetensor& at(const std::string& name) const {
    const auto* t = file.find(name);
    BOOST_REQUIRE_MESSAGE(t != nullptr, "golden file lacks " << name);
    return *t;
  }
  std::vector<double> numbers(const std::string& name) const { return at(name).numbers().value(); }
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

inline void compare_golden(const std::string& what, const double* got, const std::vector<double>& want) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::abs(want[i]));
    worst = std::max(worst, std::abs(want[i] - got[i]));
  }
  BOOST_TEST(worst <= golden_tolerance * std::max(largest, 1.0), what << ": off by " << worst << ", largest element " << largest);
}

}  // namespace argosy::test
