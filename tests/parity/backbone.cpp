// Features of patches beside those that tests/parity/backbone.py computed:  parity_backbone NAME WEIGHTS CASE
// CASE holds `patches` U8 (P, side, side, 3) and `features` F32 (P, features). Fails when any is more than 1e-4 of the largest apart.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "model/backbone.hpp"

namespace {

using namespace argosy;

constexpr double tolerance = 1e-4;

status compare(const std::string& name, const std::string& weights, const std::string& path) {
  ARGOSY_ASSIGN(const auto file, read_safetensors(path));
  const auto* patches = file.find("patches");
  const auto* features = file.find("features");
  if (patches == nullptr || features == nullptr || patches->type != "U8" || patches->shape.size() != 4 || features->shape.size() != 2)
    return {errc::corrupt, path + ": want patches U8 (P, side, side, 3) and features F32 (P, features)"};
  const int side = static_cast<int>(patches->shape[1]);
  ARGOSY_ASSIGN(const auto want, features->numbers());
  ARGOSY_ASSIGN(const auto loaded, load_backbone({name, weights, side, 0}));
  std::vector<float> got(want.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(patches->data.data());
  ARGOSY_TRY(loaded->compute({bytes, patches->data.size()}, side, side, got));
  double apart = 0, largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double one = std::abs(static_cast<double>(got[i]) - want[i]);
    apart = std::isfinite(one) ? std::max(apart, one) : HUGE_VAL;
    largest = std::max(largest, std::abs(want[i]));
  }
  std::printf("%s, side %d: %zu features, the largest %.4g, at most %.3g apart\n", name.c_str(), side, got.size(), largest, apart);
  if (largest > 0 && apart <= tolerance * largest) return {};
  return {errc::out_of_range, name + ": want features within " + std::to_string(tolerance) + " of the largest"};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "parity_backbone: want NAME WEIGHTS CASE\n"), 2;
  const status end = compare(argv[1], argv[2], argv[3]);
  if (!end.ok()) std::fprintf(stderr, "parity_backbone: %s\n", end.text().c_str());
  return end.ok() ? 0 : 1;
}
