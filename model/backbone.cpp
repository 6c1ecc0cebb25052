#include "model/backbone.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <unordered_map>

#include "data/image.hpp"
#include "data/parallel.hpp"
#include "kernels/devices.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr double norm_eps = 1e-5;
constexpr int patches_at_once = 64, patches_at_once_on_a_gpu = 1024;
constexpr float channel_mean[] = {.485f, .456f, .406f}, channel_deviation[] = {.229f, .224f, .225f};

struct resnet {
  std::string_view name;
  std::array<int, 4> blocks;
  bool bottleneck;
  int features() const { return bottleneck ? 2048 : 512; }
};
constexpr resnet resnets[] = {
    {"resnet18", {2, 2, 2, 2}, false},
    {"resnet34", {3, 4, 6, 3}, false},
    {"resnet50", {3, 4, 6, 3}, true},
    {"resnet101", {3, 4, 23, 3}, true},
};
constexpr std::string_view names[] = {resnets[0].name, resnets[1].name, resnets[2].name, resnets[3].name};

result<resnet> find_resnet(std::string_view name) {
  const auto* const found = std::ranges::find(resnets, name, &resnet::name);
  if (found != std::end(resnets)) return *found;
  return status{errc::invalid_argument, "backbone: want resnet18, resnet34, resnet50 or resnet101, got " + std::string(name)};
}

// A convolution and the batch-norm after it.
struct unit {
  std::string convolution, norm;
  int from = 0, add = no_layer;
  bool relu = true;
  int in = 0, out = 0, size = 1, stride = 1;

  std::vector<std::int64_t> weight_shape() const { return {out, in, size, size}; }
};

// The first unit is layer 0 and the pool after it layer 1; unit i is layer i + 1 then, and the mean comes last.
class unit_list {
public:
  explicit unit_list(const resnet& of) : of_(of) {
    add({.convolution = "conv1", .norm = "bn1", .from = the_images, .in = 3, .out = 64, .size = 7, .stride = 2});
    x_ = 1;
    channels_ = 64;
    for (int stage = 0; stage < 4; ++stage)
      for (int block = 0; block < of_.blocks[static_cast<std::size_t>(stage)]; ++block) add_block(stage, block);
  }

  std::vector<unit> units;

private:
  int add(unit u) {
    units.push_back(std::move(u));
    return static_cast<int>(units.size());
  }

  void add_block(int stage, int block) {
    const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
    const int width = 64 << stage, out = of_.bottleneck ? 4 * width : width, stride = stage > 0 && block == 0 ? 2 : 1;
    const auto numbered = [&](int i, const unit& shape) {
      unit u = shape;
      u.convolution = name + "conv" + std::to_string(i);
      u.norm = name + "bn" + std::to_string(i);
      return add(std::move(u));
    };
    int shortcut = x_;
    if (stride != 1 || channels_ != out)
      shortcut = add({.convolution = name + "downsample.0",
                      .norm = name + "downsample.1",
                      .from = x_,
                      .relu = false,
                      .in = channels_,
                      .out = out,
                      .stride = stride});
    if (of_.bottleneck) {
      const int narrow = numbered(1, {.convolution = {}, .norm = {}, .from = x_, .in = channels_, .out = width});
      const int middle =
          numbered(2, {.convolution = {}, .norm = {}, .from = narrow, .in = width, .out = width, .size = 3, .stride = stride});
      x_ = numbered(3, {.convolution = {}, .norm = {}, .from = middle, .add = shortcut, .in = width, .out = out});
    } else {
      const int middle =
          numbered(1, {.convolution = {}, .norm = {}, .from = x_, .in = channels_, .out = width, .size = 3, .stride = stride});
      x_ = numbered(2, {.convolution = {}, .norm = {}, .from = middle, .add = shortcut, .in = width, .out = out, .size = 3});
    }
    channels_ = out;
  }

  resnet of_;
  int x_ = 0, channels_ = 0;
};

std::vector<backbone_tensor> tensors_of(const std::vector<unit>& units) {
  std::vector<backbone_tensor> tensors;
  for (const auto& u : units) {
    tensors.push_back({u.convolution + ".weight", u.weight_shape()});
    for (const char* of : {".weight", ".bias", ".running_mean", ".running_var"}) tensors.push_back({u.norm + of, {u.out}});
  }
  return tensors;
}

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + ")";
}

bool is_unused(std::string_view name) { return name.starts_with("fc.") || name.ends_with(".num_batches_tracked"); }

// The tensors of a file by their names, each as the network wants it.
class tensor_book {
public:
  static result<tensor_book> open(const std::vector<backbone_tensor>& wanted, const safetensors_file& file) {
    tensor_book book;
    for (const auto& t : file.tensors) book.held_.emplace(t.name, &t);
    for (const auto& want : wanted) ARGOSY_TRY(book.check(want));
    std::unordered_map<std::string_view, bool> known;
    for (const auto& want : wanted) known.emplace(want.name, true);
    for (const auto& t : file.tensors)
      if (!known.contains(t.name) && !is_unused(t.name))
        return status{errc::invalid_argument, "tensor `" + t.name + "` " + text_of(t.shape) +
                                                  ": the network has no such tensor; are these the weights of another?"};
    return book;
  }

  result<std::vector<double>> numbers(const std::string& name) const { return held_.at(name)->numbers(); }

private:
  status check(const backbone_tensor& want) const {
    const auto found = held_.find(want.name);
    if (found == held_.end()) return {errc::not_found, "tensor `" + want.name + "`: want " + text_of(want.shape) + " F32, found none"};
    if (const auto& t = *found->second; t.shape != want.shape || t.type != "F32")
      return {errc::shape_mismatch,
              "tensor `" + want.name + "`: want " + text_of(want.shape) + " F32, found " + text_of(t.shape) + " " + t.type};
    return {};
  }

  std::unordered_map<std::string_view, const safetensor*> held_;
};

result<image_layer> folded(const unit& u, const tensor_book& book) {
  ARGOSY_ASSIGN(const auto weight, book.numbers(u.convolution + ".weight"));
  ARGOSY_ASSIGN(const auto gain, book.numbers(u.norm + ".weight"));
  ARGOSY_ASSIGN(const auto shift, book.numbers(u.norm + ".bias"));
  ARGOSY_ASSIGN(const auto mean, book.numbers(u.norm + ".running_mean"));
  ARGOSY_ASSIGN(const auto variance, book.numbers(u.norm + ".running_var"));
  image_layer layer{
      .from = u.from, .add = u.add, .relu = u.relu, .channels = u.out, .size = u.size, .stride = u.stride, .padding = u.size / 2};
  const std::size_t each = weight.size() / gain.size();
  for (std::size_t o = 0; o < gain.size(); ++o) {
    const double factor = gain[o] / std::sqrt(variance[o] + norm_eps);
    for (std::size_t i = o * each; i < (o + 1) * each; ++i) layer.weight.push_back(static_cast<float>(weight[i] * factor));
    layer.bias.push_back(static_cast<float>(shift[o] - mean[o] * factor));
  }
  const auto finite = [](float x) { return std::isfinite(x); };
  if (std::ranges::all_of(layer.weight, finite) && std::ranges::all_of(layer.bias, finite)) return layer;
  return status{errc::out_of_range,
                "tensors of `" + u.convolution + "` and `" + u.norm + "`: want numbers and a variance above 0, found others"};
}

class backbone final : public patch_features {
public:
  backbone(patch_backbone about, std::unique_ptr<image_network> network) : about_(std::move(about)), network_(std::move(network)) {}

  const patch_backbone& about() const noexcept override { return about_; }

  status compute(std::span<const std::uint8_t> patches, int width, int height, std::span<float> to) override {
    const std::size_t each = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
    const auto features = static_cast<std::size_t>(about_.features);
    if (width < 1 || height < 1 || patches.size() % each != 0 || to.size() != patches.size() / each * features)
      return {errc::shape_mismatch, "patches: want " + std::to_string(features) + " features for every " + std::to_string(each) +
                                        " bytes, got " + std::to_string(to.size()) + " for " + std::to_string(patches.size())};
    const std::size_t pixels = static_cast<std::size_t>(about_.side) * static_cast<std::size_t>(about_.side) * 3;
    images_.resize(patches.size() / each * pixels);
    for_each_parallel(patches.size() / each, {}, [&](std::size_t i) {
      normalise(resized(patches.subspan(i * each, each), width, height), std::span(images_).subspan(i * pixels, pixels));
    });
    return network_->run(images_, to);
  }

private:
  image resized(std::span<const std::uint8_t> patch, int width, int height) const {
    return resize({width, height, {patch.begin(), patch.end()}}, about_.side, about_.side);
  }

  static void normalise(const image& from, std::span<float> to) {
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = (static_cast<float>(from.rgb[i]) / 255.f - channel_mean[i % 3]) / channel_deviation[i % 3];
  }

  patch_backbone about_;
  std::unique_ptr<image_network> network_;
  std::vector<float> images_;
};

}  // namespace

std::span<const std::string_view> backbone_names() noexcept { return names; }

result<std::vector<backbone_tensor>> backbone_tensors(std::string_view name) {
  ARGOSY_ASSIGN(const resnet of, find_resnet(name));
  return tensors_of(unit_list(of).units);
}

result<image_layers> backbone_layers(std::string_view name, const safetensors_file& file, int side) {
  ARGOSY_ASSIGN(const resnet of, find_resnet(name));
  if (side < least_backbone_side || side > largest_backbone_side)
    return status{errc::invalid_argument, "side: want " + std::to_string(least_backbone_side) + " to " +
                                              std::to_string(largest_backbone_side) + ", got " + std::to_string(side)};
  const auto units = unit_list(of).units;
  ARGOSY_ASSIGN(const tensor_book book, tensor_book::open(tensors_of(units), file));
  image_layers network{{side, side, 3}, {}};
  for (const auto& u : units) {
    ARGOSY_ASSIGN(auto layer, folded(u, book));
    network.layers.push_back(std::move(layer));
    if (network.layers.size() == 1)
      network.layers.push_back({.of = image_layer::kind::max_pool, .from = 0, .size = 3, .stride = 2, .padding = 1});
  }
  network.layers.push_back({.of = image_layer::kind::mean, .from = static_cast<int>(units.size())});
  return network;
}

result<std::shared_ptr<patch_features>> load_backbone(const backbone_options& options) {
  ARGOSY_ASSIGN(const resnet of, find_resnet(options.name));
  ARGOSY_ASSIGN(const auto bytes, read_file(options.weights, std::numeric_limits<std::uint64_t>::max()));
  ARGOSY_ASSIGN(const auto file, read_safetensors(options.weights));
  const auto layers = backbone_layers(of.name, file, options.side);
  if (!layers.ok()) return layers.failure().within(options.weights.string());
  const int batch = options.device == "cpu" ? patches_at_once : patches_at_once_on_a_gpu;
  ARGOSY_ASSIGN(auto network, open_image_network(options.device, *layers, batch, options.threads));
  const patch_backbone about{std::string(of.name), xxh3(std::as_bytes(std::span(bytes))), options.side, of.features()};
  return std::shared_ptr<patch_features>(std::make_shared<backbone>(about, std::move(network)));
}

}  // namespace argosy
