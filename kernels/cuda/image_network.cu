#include "kernels/cuda/image_network.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/cuda/convolution.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {
namespace {

using kind = image_layer::kind;

// y = y + bias + residual, and what is below 0 becomes 0 where `relu` says so.
template <int N>
struct after_convolution {
  const float* bias;
  matrix<const float> residual;
  bool relu;
  matrix<float> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float at[N], b[N];
    load<N>(y.row(row) + col, at);
    load<N>(bias + col, b);
#pragma unroll
    for (int i = 0; i < N; ++i) at[i] += b[i];
    if (residual.data != nullptr) {
      load<N>(residual.row(row) + col, b);
#pragma unroll
      for (int i = 0; i < N; ++i) at[i] += b[i];
    }
    if (relu) {
#pragma unroll
      for (int i = 0; i < N; ++i) at[i] = fmaxf(at[i], 0.f);
    }
    store<N>(y.row(row) + col, at);
  }
};

// Rows are pixels, image by image.
struct largest_of_window {
  image_shape in, out;
  int size, stride, padding;
  matrix<const float> x;
  matrix<float> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    const std::int64_t in_image = row % (out.height * out.width), image = row / (out.height * out.width);
    const auto top = static_cast<int>(in_image / out.width) * stride - padding,
               left = static_cast<int>(in_image % out.width) * stride - padding;
    float most = -INFINITY;
    for (int h = top < 0 ? 0 : top; h < top + size && h < in.height; ++h)
      for (int w = left < 0 ? 0 : left; w < left + size && w < in.width; ++w)
        most = fmaxf(most, x.row((image * in.height + h) * in.width + w)[col]);
    y.row(row)[col] = most;
  }
};

struct mean_of_pixels {
  int pixels;
  matrix<const float> x;
  matrix<float> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float sum = 0;
    for (int p = 0; p < pixels; ++p) sum += x.row(row * pixels + p)[col];
    y.row(row)[col] = sum / static_cast<float>(pixels);
  }
};

// (O, C, K, K) to (O, K, K, C).
std::vector<float> channels_last(const image_layer& layer, int channels) {
  const auto in = static_cast<std::size_t>(channels), window = static_cast<std::size_t>(layer.size) * static_cast<std::size_t>(layer.size);
  std::vector<float> to(layer.weight.size());
  for (std::size_t o = 0; o < static_cast<std::size_t>(layer.channels); ++o)
    for (std::size_t c = 0; c < in; ++c)
      for (std::size_t k = 0; k < window; ++k) to[(o * window + k) * in + c] = layer.weight[(o * in + c) * window + k];
  return to;
}

// Which of a few buffers each result is kept in: those whose results were read for the last time take later ones.
class buffer_plan {
public:
  explicit buffer_plan(const std::vector<std::size_t>& last_use) : last_use_(last_use) {}

  std::vector<std::size_t> of_layer, numbers;  // numbers of a buffer

  // Layers in their order.
  void place(std::size_t count) {
    const std::size_t layer = of_layer.size();
    auto best = std::ranges::find_if(free_, [&](std::size_t b) { return numbers[b] >= count; });
    if (best == free_.end() && !free_.empty()) best = free_.end() - 1;
    std::size_t chosen = numbers.size();
    if (best != free_.end()) {
      chosen = *best;
      free_.erase(best);
      numbers[chosen] = std::max(numbers[chosen], count);
    } else {
      numbers.push_back(count);
    }
    of_layer.push_back(chosen);
    for (std::size_t used = 0; used <= layer; ++used)
      if (last_use_[used] == layer) free_.push_back(of_layer[used]);
    std::ranges::sort(free_, {}, [this](std::size_t b) { return numbers[b]; });
  }

private:
  const std::vector<std::size_t>& last_use_;
  std::vector<std::size_t> free_;  // the smallest first
};

class cuda_image_network final : public image_network {
public:
  cuda_image_network(const image_shape& input, std::vector<image_shape> shapes, int batch, std::unique_ptr<cuda_device> on)
      : input_(input), shapes_(std::move(shapes)), batch_(batch), on_(std::move(on)) {}

  status set_up(const image_layers& network) {
    ARGOSY_ASSIGN(convolutions_, make_convolutions(on_->stream()));
    const auto last_use = last_uses(network);
    buffer_plan plan(last_use);
    for (const image_shape& shape : shapes_) plan.place(static_cast<std::size_t>(batch_) * shape.count());
    ARGOSY_ASSIGN(images_, tensor::make(*on_, batch_, static_cast<std::int64_t>(input_.count())));
    for (const std::size_t count : plan.numbers) {
      ARGOSY_ASSIGN(tensor buffer, tensor::make(*on_, 1, static_cast<std::int64_t>(count)));
      buffers_.push_back(std::move(buffer));
    }
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      const auto rows = static_cast<std::int64_t>(batch_) * shapes_[i].height * shapes_[i].width, cols = std::int64_t{shapes_[i].channels};
      results_.push_back({buffers_[plan.of_layer[i]].all().data, dtype::f32, rows, cols, cols});
    }
    std::size_t scratch = 0;
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      ARGOSY_TRY(add(network.layers[i], i));
      if (steps_.back().convolve) scratch = std::max(scratch, steps_.back().convolve->scratch_bytes());
    }
    ARGOSY_ASSIGN(scratch_, on_->allocate(scratch));
    return {};
  }

  status run(std::span<const float> images, std::span<float> features) override {
    ARGOSY_ASSIGN(const std::size_t count, count_images(input_, shapes_.back(), images, features));
    const auto batch = static_cast<std::size_t>(batch_), of_one = shapes_.back().count();
    for (std::size_t first = 0; first < count; first += batch) {
      const std::size_t some = std::min(batch, count - first);
      ARGOSY_TRY(run_batch(images.subspan(first * input_.count()), features.subspan(first * of_one), static_cast<std::int64_t>(some)));
    }
    return {};
  }

private:
  struct step {
    image_layer::kind of = kind::mean;
    const_view from, add;
    view to;
    image_shape in, out;
    int size = 1, stride = 1, padding = 0;
    bool relu = false;
    tensor weight = {}, bias = {};
    std::unique_ptr<convolution> convolve = {};
  };

  status add(const image_layer& layer, std::size_t i) {
    const bool of_images = layer.from == the_images;
    const image_shape in = of_images ? input_ : shapes_[static_cast<std::size_t>(layer.from)];
    const std::int64_t pixels = std::int64_t{batch_} * in.height * in.width;
    const view from =
        of_images ? view{images_.all().data, dtype::f32, pixels, in.channels, in.channels} : results_[static_cast<std::size_t>(layer.from)];
    step& s = steps_.emplace_back();
    s.of = layer.of;
    s.from = from;
    s.to = results_[i];
    s.in = in;
    s.out = shapes_[i];
    s.size = layer.size, s.stride = layer.stride, s.padding = layer.padding;
    if (layer.of != kind::convolution) return {};
    if (layer.add != no_layer) s.add = results_[static_cast<std::size_t>(layer.add)];
    s.relu = layer.relu;
    const auto weight = channels_last(layer, in.channels);
    ARGOSY_ASSIGN(s.weight, tensor::make(*on_, 1, static_cast<std::int64_t>(weight.size())));
    ARGOSY_ASSIGN(s.bias, tensor::make(*on_, 1, layer.channels));
    ARGOSY_TRY(on_->upload(weight.data(), s.weight));
    ARGOSY_TRY(on_->upload(layer.bias.data(), s.bias));
    ARGOSY_ASSIGN(s.convolve, convolutions_->make({batch_, in, s.out, s.size, s.stride, s.padding}));
    return {};
  }

  // A batch that is not full goes through with what its other places held before.
  status run_batch(std::span<const float> images, std::span<float> features, std::int64_t count) {
    ARGOSY_TRY(on_->upload(images.data(), images_.all().row_range(0, count)));
    for (const step& s : steps_) ARGOSY_TRY(run_step(s));
    const auto of_one = static_cast<std::int64_t>(shapes_.back().count());
    return on_->download(const_view{results_.back().data, dtype::f32, count, of_one, of_one}, features.data());
  }

  status run_step(const step& s) {
    switch (s.of) {
      case kind::max_pool:
        return for_each_pack<1>(on_->stream(), "max pool", s.to.rows, s.to.cols,
                                largest_of_window{s.in, s.out, s.size, s.stride, s.padding, as<float>(s.from), as<float>(s.to)});
      case kind::mean:
        return for_each_pack<1>(on_->stream(), "mean", s.to.rows, s.to.cols,
                                mean_of_pixels{s.in.height * s.in.width, as<float>(s.from), as<float>(s.to)});
      case kind::convolution: break;
    }
    ARGOSY_TRY(s.convolve->run(s.from.as<float>(), s.weight.all().as<float>(), s.to.as<float>(), scratch_.get()));
    const auto finish = [&](auto width) {
      return for_each_pack<width>(on_->stream(), "bias, residual and relu", s.to.rows, s.to.cols,
                                  after_convolution<width>{s.bias.all().as<float>(), as<float>(s.add), s.relu, as<float>(s.to)});
    };
    return by_width<float>(finish, s.to, s.add, s.bias.all());
  }

  image_shape input_;
  std::vector<image_shape> shapes_;
  int batch_;
  std::unique_ptr<cuda_device> on_;
  std::unique_ptr<convolutions> convolutions_;
  tensor images_;
  std::vector<tensor> buffers_;
  std::vector<view> results_;
  std::vector<step> steps_;
  std::shared_ptr<std::byte> scratch_;
};

}  // namespace

result<std::unique_ptr<image_network>> make_image_network(int ordinal, const image_layers& network, int batch) {
  ARGOSY_ASSIGN(auto shapes, shapes_of(network));
  if (batch < 1) return status{errc::invalid_argument, "batch: want at least 1, got " + std::to_string(batch)};
  ARGOSY_ASSIGN(auto on, cuda_device::open(ordinal, compute::float32));
  auto made = std::make_unique<cuda_image_network>(network.input, std::move(shapes), batch, std::move(on));
  ARGOSY_TRY(made->set_up(network));
  return std::unique_ptr<image_network>(std::move(made));
}

}  // namespace argosy::cuda
