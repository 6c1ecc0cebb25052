#include "kernels/image_network.hpp"

#include <algorithm>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "kernels/cpu/thread_setting.hpp"

namespace argosy {
namespace {

using dnnl::memory;
using kind = image_layer::kind;
using tag = memory::format_tag;

constexpr auto f32 = memory::data_type::f32;

memory::desc in_any_layout(int batch, const image_shape& s) { return {{batch, s.channels, s.height, s.width}, f32, tag::any}; }
memory::desc channels_last(int batch, const image_shape& s) { return {{batch, s.channels, s.height, s.width}, f32, tag::nhwc}; }

// Memory that results share once the ones before them are used up. What it gave out is valid while `all` is held.
class buffer_pool {
public:
  explicit buffer_pool(const dnnl::engine& engine) : engine_(engine) {}

  std::vector<memory> all;

  memory take(const memory::desc& of) {
    auto fits = std::ranges::find_if(free_, [&](const memory& m) { return m.get_desc().get_size() >= of.get_size(); });
    memory raw;
    if (fits != free_.end()) {
      raw = *fits;
      free_.erase(fits);
    } else {
      const auto bytes = static_cast<memory::dim>(of.get_size());
      raw = memory({{bytes}, memory::data_type::u8, tag::a}, engine_);
      all.push_back(raw);
    }
    memory taken(of, engine_, raw.get_data_handle());
    held_.emplace(raw.get_data_handle(), raw);
    return taken;
  }
  void give_back(const memory& m) {
    const auto raw = held_.find(m.get_data_handle());
    free_.push_back(raw->second);
    held_.erase(raw);
    std::ranges::sort(free_, {}, [](const memory& f) { return f.get_desc().get_size(); });
  }

private:
  dnnl::engine engine_;
  std::vector<memory> free_;  // smallest first
  std::unordered_map<void*, memory> held_;
};

struct execution {
  dnnl::primitive what;
  std::unordered_map<int, memory> with;
};

// The primitives of a network for one batch size, in their order, and the memory that they need.
class network_builder {
public:
  network_builder(const image_layers& network, std::span<const image_shape> shapes, int batch, const dnnl::engine& engine)
      : network_(network), shapes_(shapes), batch_(batch), engine_(engine), stream_(engine), pool_(engine), results_(shapes.size()) {}

  memory images, features;
  std::vector<execution> steps;
  std::vector<memory> buffers() const { return pool_.all; }

  void build() {
    images = memory(channels_last(batch_, network_.input), engine_);
    std::fill_n(static_cast<float*>(images.get_data_handle()), static_cast<std::size_t>(batch_) * network_.input.count(), 0.f);
    const auto last_use = last_uses(network_);
    for (std::size_t i = 0; i < results_.size(); ++i) {
      results_[i] = network_.layers[i].of == kind::convolution ? add_convolution(i, last_use) : add_pool(i);
      give_back_used(i, last_use);
    }
    features = memory(channels_last(batch_, shapes_.back()), engine_);
    move(results_.back(), features);
  }

private:
  const memory& result_of(int layer) const { return layer == the_images ? images : results_[static_cast<std::size_t>(layer)]; }
  const image_shape& shape_of(int layer) const { return layer == the_images ? network_.input : shapes_[static_cast<std::size_t>(layer)]; }

  void move(const memory& from, const memory& to) {
    steps.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
  }

  // In the layout that a primitive wants; what is copied for it is free again after it.
  memory in_layout(const memory& from, const memory::desc& wanted) {
    if (from.get_desc() == wanted) return from;
    memory copy = pool_.take(wanted);
    move(from, copy);
    passing_.push_back(copy);
    return copy;
  }

  memory packed(const std::vector<float>& values, const memory::desc& plain, const memory::desc& wanted) {
    memory to(wanted, engine_);
    memory from(plain, engine_);
    std::ranges::copy(values, static_cast<float*>(from.get_data_handle()));
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }

  static dnnl::primitive_attr fused(const image_layer& layer) {
    dnnl::post_ops after;
    if (layer.add != no_layer) after.append_sum(1.f);
    if (layer.relu) after.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    return attributes;
  }

  // A residual that nobody else reads is the memory that the convolution adds to; any other is copied there.
  memory place_for(const image_layer& layer, std::size_t i, const memory::desc& wanted, const std::vector<std::size_t>& last_use) {
    if (layer.add == no_layer) return pool_.take(wanted);
    memory& residual = results_[static_cast<std::size_t>(layer.add)];
    const bool ours = last_use[static_cast<std::size_t>(layer.add)] == i && layer.add != layer.from && residual.get_desc() == wanted;
    if (ours) return std::exchange(residual, memory());
    memory copy = pool_.take(wanted);
    move(residual, copy);
    return copy;
  }

  memory add_convolution(std::size_t i, const std::vector<std::size_t>& last_use) {
    const auto& layer = network_.layers[i];
    const memory::dims window{layer.channels, shape_of(layer.from).channels, layer.size, layer.size};
    const memory::dims strides{layer.stride, layer.stride}, padding{layer.padding, layer.padding};
    const memory::desc bias({layer.channels}, f32, tag::a);
    const dnnl::convolution_forward::desc wanted(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                                                 in_any_layout(batch_, shape_of(layer.from)), {window, f32, tag::any}, bias,
                                                 in_any_layout(batch_, shapes_[i]), strides, padding, padding);
    const dnnl::convolution_forward::primitive_desc chosen(wanted, fused(layer), engine_);
    const memory from = in_layout(result_of(layer.from), chosen.src_desc());
    memory to = place_for(layer, i, chosen.dst_desc(), last_use);
    steps.push_back({dnnl::convolution_forward(chosen),
                     {{DNNL_ARG_SRC, from},
                      {DNNL_ARG_WEIGHTS, packed(layer.weight, {window, f32, tag::oihw}, chosen.weights_desc())},
                      {DNNL_ARG_BIAS, packed(layer.bias, bias, bias)},
                      {DNNL_ARG_DST, to}}});
    return to;
  }

  memory add_pool(std::size_t i) {
    const auto& layer = network_.layers[i];
    const bool mean = layer.of == kind::mean;
    const memory& from = result_of(layer.from);
    const auto& in = shape_of(layer.from);
    const memory::dims window = mean ? memory::dims{in.height, in.width} : memory::dims{layer.size, layer.size};
    const memory::dims strides = mean ? memory::dims{1, 1} : memory::dims{layer.stride, layer.stride};
    const memory::dim beside = mean ? 0 : layer.padding;
    const dnnl::pooling_forward::desc wanted(
        dnnl::prop_kind::forward_inference, mean ? dnnl::algorithm::pooling_avg_exclude_padding : dnnl::algorithm::pooling_max,
        from.get_desc(), in_any_layout(batch_, shapes_[i]), strides, window, {beside, beside}, {beside, beside});
    const dnnl::pooling_forward::primitive_desc chosen(wanted, engine_);
    memory to = pool_.take(chosen.dst_desc());
    steps.push_back({dnnl::pooling_forward(chosen), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}}});
    return to;
  }

  void give_back_used(std::size_t i, const std::vector<std::size_t>& last_use) {
    for (const memory& copy : passing_) pool_.give_back(copy);
    passing_.clear();
    for (std::size_t used = 0; used <= i; ++used)
      if (results_[used] && last_use[used] == i) pool_.give_back(std::exchange(results_[used], memory()));
  }

  const image_layers& network_;
  std::span<const image_shape> shapes_;
  int batch_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  buffer_pool pool_;
  std::vector<memory> results_, passing_;
};

class cpu_image_network final : public image_network {
public:
  cpu_image_network(const image_shape& input, const image_shape& features_of_one, std::size_t batch, int threads)
      : input_(input), features_of_one_(features_of_one), batch_(batch), threads_(threads) {}

  void take(network_builder& built, const dnnl::engine& engine) {
    images_ = built.images;
    features_ = built.features;
    steps_ = std::move(built.steps);
    buffers_ = built.buffers();
    stream_ = dnnl::stream(engine);
  }

  status run(std::span<const float> images, std::span<float> features) override {
    ARGOSY_ASSIGN(const std::size_t count, count_images(input_, features_of_one_, images, features));
    try {
      const cpu::thread_setting setting(threads_);
      for (std::size_t first = 0; first < count; first += batch_)
        run_batch(images.subspan(first * input_.count()), features.subspan(first * features_of_one_.count()),
                  std::min(batch_, count - first));
    } catch (const dnnl::error& failed) {
      return {errc::internal, std::string("oneDNN: ") + failed.what()};
    }
    return {};
  }

private:
  // A batch that is not full goes through with what its other places held before.
  void run_batch(std::span<const float> images, std::span<float> features, std::size_t count) {
    std::copy_n(images.begin(), count * input_.count(), static_cast<float*>(images_.get_data_handle()));
    for (const auto& step : steps_) step.what.execute(stream_, step.with);
    stream_.wait();
    std::copy_n(static_cast<const float*>(features_.get_data_handle()), count * features_of_one_.count(), features.begin());
  }

  image_shape input_, features_of_one_;
  std::size_t batch_;
  int threads_;
  memory images_, features_;
  std::vector<execution> steps_;
  std::vector<memory> buffers_;
  dnnl::stream stream_;
};

}  // namespace

result<std::unique_ptr<image_network>> make_cpu_image_network(const image_layers& network, int batch, int threads) {
  ARGOSY_ASSIGN(const auto shapes, shapes_of(network));
  if (batch < 1) return status{errc::invalid_argument, "batch: want at least 1, got " + std::to_string(batch)};
  const int used = threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  auto made = std::make_unique<cpu_image_network>(network.input, shapes.back(), static_cast<std::size_t>(batch), used);
  try {
    const cpu::thread_setting setting(used);
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    network_builder builder(network, shapes, batch, engine);
    builder.build();
    made->take(builder, engine);
  } catch (const dnnl::error& failed) {
    return status{failed.status == dnnl_out_of_memory ? errc::unavailable : errc::internal, std::string("oneDNN: ") + failed.what()};
  } catch (const std::bad_alloc&) {
    return status{errc::unavailable, "out of memory for a batch of " + std::to_string(batch) + " images"};
  }
  return std::unique_ptr<image_network>(std::move(made));
}

}  // namespace argosy
