#include "kernels/image_network.hpp"

#include <algorithm>
#include <limits>

namespace argosy {
namespace {

// One image of one layer's result.
struct values {
  image_shape shape;
  std::vector<double> held;

  explicit values(const image_shape& s) : shape(s), held(s.count()) {}
  bool has(int y, int x) const { return y >= 0 && y < shape.height && x >= 0 && x < shape.width; }
  double& at(int y, int x, int c) { return held[index(y, x, c)]; }
  double at(int y, int x, int c) const { return held[index(y, x, c)]; }

private:
  std::size_t index(int y, int x, int c) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(shape.width) + static_cast<std::size_t>(x)) *
               static_cast<std::size_t>(shape.channels) +
           static_cast<std::size_t>(c);
  }
};

// visit(pixel y, pixel x, window y, window x) for the pixels of the window at (y, x) that are there.
template <class Visit>
void each_of_window(const image_layer& layer, const values& from, int y, int x, Visit visit) {
  for (int ky = 0; ky < layer.size; ++ky)
    for (int kx = 0; kx < layer.size; ++kx) {
      const int py = y * layer.stride - layer.padding + ky, px = x * layer.stride - layer.padding + kx;
      if (from.has(py, px)) visit(py, px, ky, kx);
    }
}

double weight_at(const image_layer& layer, int channels, int o, int c, int ky, int kx) {
  const int at = ((o * channels + c) * layer.size + ky) * layer.size + kx;
  return static_cast<double>(layer.weight[static_cast<std::size_t>(at)]);
}

double convolved(const image_layer& layer, const values& from, int y, int x, int o) {
  double sum = static_cast<double>(layer.bias[static_cast<std::size_t>(o)]);
  each_of_window(layer, from, y, x, [&](int py, int px, int ky, int kx) {
    for (int c = 0; c < from.shape.channels; ++c) sum += weight_at(layer, from.shape.channels, o, c, ky, kx) * from.at(py, px, c);
  });
  return sum;
}

double largest(const image_layer& layer, const values& from, int y, int x, int c) {
  double most = -std::numeric_limits<double>::infinity();
  each_of_window(layer, from, y, x, [&](int py, int px, int, int) { most = std::max(most, from.at(py, px, c)); });
  return most;
}

double mean(const values& from, int c) {
  double sum = 0;
  for (int y = 0; y < from.shape.height; ++y)
    for (int x = 0; x < from.shape.width; ++x) sum += from.at(y, x, c);
  return sum / (from.shape.height * from.shape.width);
}

double value_of(const image_layer& layer, const values& from, const values* added, int y, int x, int c) {
  if (layer.of == image_layer::kind::max_pool) return largest(layer, from, y, x, c);
  if (layer.of == image_layer::kind::mean) return mean(from, c);
  const double sum = convolved(layer, from, y, x, c) + (added == nullptr ? 0 : added->at(y, x, c));
  return layer.relu ? std::max(0.0, sum) : sum;
}

std::vector<double> run_one(const image_layers& network, std::span<const image_shape> shapes, const values& input) {
  std::vector<values> made;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto& layer = network.layers[i];
    const values& from = layer.from == the_images ? input : made[static_cast<std::size_t>(layer.from)];
    const values* added = layer.add == no_layer ? nullptr : &made[static_cast<std::size_t>(layer.add)];
    values out(shapes[i]);
    for (int y = 0; y < out.shape.height; ++y)
      for (int x = 0; x < out.shape.width; ++x)
        for (int c = 0; c < out.shape.channels; ++c) out.at(y, x, c) = value_of(layer, from, added, y, x, c);
    made.push_back(std::move(out));
  }
  return made.back().held;
}

}  // namespace

result<std::vector<double>> reference_image_network(const image_layers& network, std::span<const float> images) {
  ARGOSY_ASSIGN(const auto shapes, shapes_of(network));
  values input(network.input);
  const std::size_t each = input.held.size();
  if (images.size() % each != 0)
    return status{errc::shape_mismatch,
                  "images: want a multiple of " + std::to_string(each) + " numbers, got " + std::to_string(images.size())};
  std::vector<double> features;
  for (std::size_t first = 0; first < images.size(); first += each) {
    std::copy_n(images.begin() + static_cast<std::ptrdiff_t>(first), each, input.held.begin());
    const auto one = run_one(network, shapes, input);
    features.insert(features.end(), one.begin(), one.end());
  }
  return features;
}

}  // namespace argosy
