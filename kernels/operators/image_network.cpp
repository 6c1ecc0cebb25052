#include "kernels/image_network.hpp"

#include <string>

namespace argosy {
namespace {

using kind = image_layer::kind;

constexpr int longest_side = 1 << 14, most_channels = 1 << 16, largest_window = 64;

std::string text_of(const image_shape& s) {
  return "(" + std::to_string(s.height) + ", " + std::to_string(s.width) + ", " + std::to_string(s.channels) + ")";
}

status refuse(errc code, std::size_t layer, const std::string& what) { return {code, "layer " + std::to_string(layer) + ": " + what}; }

status check_range(std::size_t layer, const std::string& name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return {};
  return refuse(errc::invalid_argument, layer,
                name + ": want " + std::to_string(least) + " to " + std::to_string(most) + ", got " + std::to_string(value));
}

status check_count(std::size_t layer, const std::string& name, std::size_t found, std::size_t wanted) {
  if (found == wanted) return {};
  return refuse(errc::shape_mismatch, layer, name + ": want " + std::to_string(wanted) + " elements, got " + std::to_string(found));
}

status check_layer(std::size_t at, const image_layer& layer) {
  const auto last = static_cast<std::int64_t>(at) - 1;
  ARGOSY_TRY(check_range(at, "from", layer.from, the_images, last));
  if (layer.of == kind::mean) return {};
  ARGOSY_TRY(check_range(at, "size", layer.size, 1, largest_window));
  ARGOSY_TRY(check_range(at, "stride", layer.stride, 1, largest_window));
  ARGOSY_TRY(check_range(at, "padding", layer.padding, 0, layer.of == kind::max_pool ? layer.size / 2 : largest_window));
  if (layer.of == kind::max_pool) return {};
  if (layer.add != no_layer) ARGOSY_TRY(check_range(at, "add", layer.add, 0, last));
  return check_range(at, "channels", layer.channels, 1, most_channels);
}

int windows_along(int side, const image_layer& layer) {
  const int room = side + 2 * layer.padding - layer.size;
  return room < 0 ? 0 : room / layer.stride + 1;
}

image_shape shape_after(const image_layer& layer, const image_shape& in) {
  if (layer.of == kind::mean) return {1, 1, in.channels};
  return {windows_along(in.height, layer), windows_along(in.width, layer), layer.of == kind::convolution ? layer.channels : in.channels};
}

status check_weights(std::size_t at, const image_layer& layer, int channels) {
  const auto out = static_cast<std::size_t>(layer.channels),
             window = static_cast<std::size_t>(layer.size) * static_cast<std::size_t>(layer.size);
  ARGOSY_TRY(check_count(at, "weight", layer.weight.size(), out * static_cast<std::size_t>(channels) * window));
  return check_count(at, "bias", layer.bias.size(), out);
}

}  // namespace

result<std::vector<image_shape>> shapes_of(const image_layers& network) {
  const auto& input = network.input;
  if (input.height < 1 || input.width < 1 || input.channels < 1 || input.height > longest_side || input.width > longest_side ||
      input.channels > most_channels)
    return status{errc::invalid_argument, "images: want a height, width and channels, got " + text_of(input)};
  if (network.layers.empty()) return status{errc::invalid_argument, "network: want at least one layer, got none"};
  std::vector<image_shape> shapes;
  for (std::size_t at = 0; at < network.layers.size(); ++at) {
    const auto& layer = network.layers[at];
    ARGOSY_TRY(check_layer(at, layer));
    const image_shape in = layer.from == the_images ? input : shapes[static_cast<std::size_t>(layer.from)];
    const image_shape out = shape_after(layer, in);
    if (out.count() == 0) return refuse(errc::shape_mismatch, at, "its window is larger than the " + text_of(in) + " that it reads");
    if (layer.of == kind::convolution) ARGOSY_TRY(check_weights(at, layer, in.channels));
    if (layer.of == kind::convolution && layer.add != no_layer && shapes[static_cast<std::size_t>(layer.add)] != out)
      return refuse(errc::shape_mismatch, at,
                    "add: want " + text_of(out) + ", got " + text_of(shapes[static_cast<std::size_t>(layer.add)]));
    shapes.push_back(out);
  }
  return shapes;
}

std::vector<std::size_t> last_uses(const image_layers& network) {
  std::vector<std::size_t> last(network.layers.size());
  for (std::size_t i = 0; i < last.size(); ++i)
    for (const int used : {network.layers[i].from, network.layers[i].add})
      if (used >= 0) last[static_cast<std::size_t>(used)] = i;
  last.back() = last.size();
  return last;
}

result<std::size_t> count_images(const image_shape& input, const image_shape& features_of_one, std::span<const float> images,
                                 std::span<const float> features) {
  if (images.size() % input.count() != 0)
    return status{errc::shape_mismatch,
                  "images: want a multiple of " + std::to_string(input.count()) + " numbers, got " + std::to_string(images.size())};
  const std::size_t count = images.size() / input.count(), wanted = count * features_of_one.count();
  if (features.size() != wanted)
    return status{errc::shape_mismatch, "features: want " + std::to_string(wanted) + " numbers, got " + std::to_string(features.size())};
  return count;
}

result<double> network_flops(const image_layers& network) {
  ARGOSY_ASSIGN(const auto shapes, shapes_of(network));
  double flops = 0;
  for (std::size_t at = 0; at < shapes.size(); ++at)
    flops += 2.0 * shapes[at].height * shapes[at].width * static_cast<double>(network.layers[at].weight.size());
  return flops;
}

}  // namespace argosy
