#include "tests/support/backbone_weights.hpp"

#include <cmath>
#include <cstring>

#include "base/random.hpp"
#include "model/backbone.hpp"

namespace argosy::test {
namespace {

safetensor tensor_of(std::string name, std::vector<std::int64_t> shape, std::uint32_t seed, double centre, double spread) {
  safetensor t{std::move(name), "F32", std::move(shape), {}};
  std::vector<float> values(static_cast<std::size_t>(t.count()));
  std::uint32_t at = 0;
  for (float& x : values) x = static_cast<float>(centre + spread * (random_uniform({.seed = seed}, 3, at++) - .5));
  t.data.resize(values.size() * sizeof(float));
  std::memcpy(t.data.data(), values.data(), t.data.size());
  return t;
}

}  // namespace

safetensors_file random_backbone(std::string_view name, std::uint32_t seed) {
  safetensors_file file;
  const auto tensors = backbone_tensors(name).value();
  for (const auto& [tensor, shape] : tensors) {
    const bool convolution = shape.size() == 4;
    const double fan = convolution ? static_cast<double>(shape[1] * shape[2] * shape[3]) : 1;
    const double centre = convolution || tensor.ends_with(".running_mean") || tensor.ends_with(".bias") ? 0 : 1;
    file.tensors.push_back(tensor_of(tensor, shape, ++seed, centre, convolution ? std::sqrt(12 / fan) : .4));
  }
  const std::int64_t features = file.tensors.back().shape[0];
  file.tensors.push_back(tensor_of("fc.weight", {10, features}, ++seed, 0, 1));
  file.tensors.push_back({"bn1.num_batches_tracked", "I64", {}, std::vector<std::byte>(8)});
  return file;
}

}  // namespace argosy::test
