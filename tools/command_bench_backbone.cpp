#include <nlohmann/json.hpp>
#include <ostream>

#include "data/image.hpp"
#include "kernels/peak.hpp"
#include "model/backbone.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr int repeats = 5;
constexpr int width = 15, height = 20;  // a patch of a photograph of prepare's usual 60 x 80

result<double> flops_of_image(const bench_backbone_options& options) {
  ARGOSY_ASSIGN(const auto file, read_safetensors(options.weights));
  ARGOSY_ASSIGN(const auto layers, backbone_layers(options.backbone, file, options.side));
  ARGOSY_ASSIGN(const double patch, network_flops(layers));
  return patches_per_image * patch;
}

// One pass unmeasured, then some measured ones: resizing and normalising belong to them.
result<timing> measure(patch_features& backbone, std::uint64_t images, const console& io) {
  const std::uint64_t patches = images * patches_per_image;
  const std::vector<std::uint8_t> pixels(patches * width * height * 3, 127);
  std::vector<float> features(patches * static_cast<std::uint64_t>(backbone.about().features));
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    if (io.stop.stop_requested()) return interrupted("nothing was measured");
    const steady_time start = io.clock.now();
    ARGOSY_TRY(backbone.compute(pixels, width, height, features));
    if (i > 0) seconds.push_back(seconds_between(start, io.clock.now()));
  }
  return timing_of(seconds);
}

struct backbone_speed {
  timing pass;
  double images_per_s = 0, gflops = 0, peak_gflops = 0;
  double share() const noexcept { return gflops / peak_gflops; }
};

void print_json(const backbone_speed& s, const bench_backbone_options& options, std::ostream& out) {
  const nlohmann::ordered_json object{{"images_per_s", s.images_per_s}, {"gflops", s.gflops},        {"gemm_peak_gflops", s.peak_gflops},
                                      {"flop_share", s.share()},        {"images", options.images},  {"side", options.side},
                                      {"device", options.device},       {"median_s", s.pass.median}, {"low_s", s.pass.low},
                                      {"high_s", s.pass.high}};
  out << object.dump(2) << '\n';
}

void print_table(const backbone_speed& s, const bench_backbone_options& options, std::ostream& out) {
  text_table table;
  table.add({"images/s", fixed(s.images_per_s, 1)});
  table.add({"GFLOP/s of convolutions", fixed(s.gflops, 1)});
  table.add({"peak of a large packed product", fixed(s.peak_gflops, 1)});
  table.add({"share of the peak", fixed(100 * s.share(), 1) + " %"});
  table.add({grouped(options.images) + " images: median (quartiles)", spread_text(s.pass)});
  table.print(out);
}

}  // namespace

status run_bench_backbone(const bench_backbone_options& options, const console& io) {
  ARGOSY_ASSIGN(const double flops, flops_of_image(options));
  ARGOSY_ASSIGN(const auto backbone, load_backbone({options.backbone, options.weights, options.side, options.threads, options.device}));
  backbone_speed speed;
  ARGOSY_ASSIGN(speed.pass, measure(*backbone, options.images, io));
  speed.images_per_s = static_cast<double>(options.images) / speed.pass.median;
  speed.gflops = speed.images_per_s * flops / 1e9;
  ARGOSY_ASSIGN(speed.peak_gflops, measure_product_peak(options.device, options.threads, compute::float32));
  options.json ? print_json(speed, options, io.out) : print_table(speed, options, io.out);
  return {};
}

}  // namespace argosy
