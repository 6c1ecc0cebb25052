// Convolutional networks beside the reference: every kind of layer alone, residuals that are shared or not, small ResNets.
#include "kernels/image_network.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <utility>

#include "tests/support/status.hpp"
#include "tests/support/tested_device.hpp"
#include "tests/support/vectors.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::require_ok;
using kind = image_layer::kind;

class network_maker {
public:
  explicit network_maker(const image_shape& input) : made_{input, {}} {}

  // Returns the number of the layer.
  int convolution(int from, int channels, int size, int stride, bool relu = false, int add = no_layer) {
    const auto in = channels_of(from);
    const double fan = std::sqrt(1.0 / (in * size * size));
    image_layer layer{.from = from, .add = add, .relu = relu, .channels = channels, .size = size, .stride = stride, .padding = size / 2};
    layer.weight = numbers(channels * in * size * size, fan);
    layer.bias = numbers(channels, .5);
    return append(std::move(layer));
  }
  int pool(int from, int size, int stride) {
    return append({.of = kind::max_pool, .from = from, .size = size, .stride = stride, .padding = size / 2});
  }
  int mean(int from) { return append({.of = kind::mean, .from = from}); }
  image_layers& made() { return made_; }

private:
  int append(image_layer layer) {
    made_.layers.push_back(std::move(layer));
    return static_cast<int>(made_.layers.size()) - 1;
  }
  int channels_of(int from) const {
    return from == the_images ? made_.input.channels : shapes_of(made_)->at(static_cast<std::size_t>(from)).channels;
  }
  std::vector<float> numbers(int count, double size) {
    auto drawn = test::normal_matrix(1, count, ++seed_).values;
    for (float& x : drawn) x *= static_cast<float>(size);
    return drawn;
  }

  image_layers made_;
  std::uint64_t seed_ = 0;
};

std::vector<float> images_for(const image_layers& network, int count) {
  return test::normal_matrix(count, static_cast<std::int64_t>(network.input.count()), 99).values;
}

std::vector<float> run(const image_layers& network, std::span<const float> images, int batch, int threads = 2) {
  auto made = test::make_tested_image_network(network, batch, threads);
  require_ok(made.failure());
  std::vector<float> features(images.size() / network.input.count() * shapes_of(network)->back().count());
  require_ok((*made)->run(images, features));
  return features;
}

// Weights are scaled to keep numbers near one, so that each layer adds at most the rounding of its sums, relative to them.
void check_like_reference(const image_layers& network, int count, int batch) {
  const auto images = images_for(network, count);
  const auto want = reference_image_network(network, images);
  require_ok(want.failure());
  const auto got = run(network, images, batch);
  BOOST_REQUIRE(got.size() == want->size());
  double apart = 0, largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double one = std::abs(static_cast<double>(got[i]) - (*want)[i]);
    apart = std::isfinite(one) ? std::max(apart, one) : HUGE_VAL;
    largest = std::max(largest, std::abs((*want)[i]));
  }
  BOOST_TEST(largest > 0);
  BOOST_TEST(apart <= 1e-5 * largest);
}

image_layers small_resnet(bool bottleneck) {
  network_maker make({20, 24, 3});
  int x = make.pool(make.convolution(the_images, 16, 7, 2, true), 3, 2);
  for (const auto& [channels, stride] : {std::pair{16, 1}, {16, 1}, {24, 2}, {24, 1}}) {
    const int shortcut = stride == 1 && (channels == 16) ? x : make.convolution(x, channels, 1, stride);
    const int inner = make.convolution(x, channels, bottleneck ? 1 : 3, bottleneck ? 1 : stride, true);
    const int middle = bottleneck ? make.convolution(inner, channels, 3, stride, true) : inner;
    x = make.convolution(middle, channels, bottleneck ? 1 : 3, 1, true, shortcut);
  }
  make.mean(x);
  return make.made();
}

BOOST_AUTO_TEST_SUITE(image_networks)

BOOST_AUTO_TEST_CASE(one_convolution) {
  for (const int in : {1, 3, 16, 17})
    for (const int out : {1, 5, 16, 33})
      for (const int size : {1, 3, 7})
        for (const int stride : {1, 2}) {
          BOOST_TEST_CONTEXT(in << " to " << out << ", size " << size << ", stride " << stride) {
            network_maker make({9, 8, in});
            make.convolution(the_images, out, size, stride, size == 3);
            check_like_reference(make.made(), 3, 2);
          }
        }
}

BOOST_AUTO_TEST_CASE(one_pool) {
  for (const auto& [height, width] : {std::pair{1, 1}, {7, 8}, {16, 5}})
    for (const int channels : {1, 16, 19}) {
      BOOST_TEST_CONTEXT(height << " x " << width << " x " << channels) {
        network_maker largest({height, width, channels}), mean({height, width, channels});
        largest.pool(the_images, 3, 2);
        mean.mean(the_images);
        check_like_reference(largest.made(), 3, 2);
        check_like_reference(mean.made(), 3, 2);
      }
    }
}

BOOST_AUTO_TEST_CASE(what_lies_in_the_padding_is_no_largest_value) {
  network_maker make({3, 3, 1});
  make.pool(the_images, 3, 2);
  const auto got = run(make.made(), std::vector<float>(9, -5.f), 1);
  BOOST_TEST(got == std::vector<float>(4, -5.f), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(residuals_that_are_read_again_keep_their_numbers) {
  network_maker make({6, 6, 16});
  const int a = make.convolution(the_images, 16, 3, 1, true);
  const int b = make.convolution(a, 16, 3, 1, true, a);   // reads what it adds
  const int c = make.convolution(b, 16, 1, 1, false, a);  // adds what is read again
  const int d = make.convolution(c, 16, 3, 1, true, a);
  make.convolution(d, 16, 1, 1, true, c);
  check_like_reference(make.made(), 2, 2);
}

BOOST_AUTO_TEST_CASE(small_resnets) {
  for (const bool bottleneck : {false, true})
    for (const int batch : {1, 3, 4}) check_like_reference(small_resnet(bottleneck), 4, batch);
}

BOOST_AUTO_TEST_CASE(small_integers_are_exact) {
  network_maker make({5, 7, 4});
  make.convolution(make.convolution(the_images, 16, 3, 1, true), 8, 3, 2, true);
  std::uint64_t seed = 0;
  for (auto& layer : make.made().layers)
    for (auto* numbers : {&layer.weight, &layer.bias})
      *numbers = test::small_integers(1, static_cast<std::int64_t>(numbers->size()), ++seed).values;
  const auto images = test::small_integers(2, 5 * 7 * 4, 9).values;
  const auto got = run(make.made(), images, 2);
  const auto want = reference_image_network(make.made(), images).value();
  BOOST_TEST(std::equal(got.begin(), got.end(), want.begin(), want.end(), [](float a, double b) { return static_cast<double>(a) == b; }));
}

BOOST_AUTO_TEST_CASE(an_image_is_alone_with_its_numbers) {
  const auto network = small_resnet(true);
  const auto images = images_for(network, 7);
  const auto all = run(network, images, 4);
  const std::size_t each = all.size() / 7, pixels = network.input.count();
  for (std::size_t i = 0; i < 7; ++i) {
    const auto one = run(network, std::span(images).subspan(i * pixels, pixels), 4);
    BOOST_TEST(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(i * each)), i);
  }
}

BOOST_AUTO_TEST_CASE(flops_are_counted) {
  network_maker make({8, 6, 3});
  make.mean(make.convolution(make.convolution(the_images, 16, 3, 2), 8, 1, 1));
  BOOST_TEST(network_flops(make.made()).value() == 2.0 * 4 * 3 * (16 * 3 * 9 + 8 * 16));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  const auto refused = [](errc code, std::initializer_list<std::string_view> parts, const auto& change) {
    network_maker make({8, 8, 3});
    make.convolution(make.convolution(the_images, 16, 3, 1), 16, 3, 1, true, 0);
    change(make.made());
    check_refused(shapes_of(make.made()).failure(), code, parts);
    check_refused(test::make_tested_image_network(make.made(), 1, 1).failure(), code, parts);
    check_refused(reference_image_network(make.made(), {}).failure(), code, parts);
  };
  using layers = image_layers&;
  refused(errc::invalid_argument, {"images"}, [](layers n) { n.input.height = 0; });
  refused(errc::invalid_argument, {"at least one layer"}, [](layers n) { n.layers.clear(); });
  refused(errc::invalid_argument, {"layer 1", "from", "-1 to 0", "got 1"}, [](layers n) { n.layers[1].from = 1; });
  refused(errc::invalid_argument, {"layer 1", "add", "got -1"}, [](layers n) { n.layers[1].add = the_images; });
  refused(errc::invalid_argument, {"layer 0", "stride"}, [](layers n) { n.layers[0].stride = 0; });
  refused(errc::invalid_argument, {"layer 0", "channels"}, [](layers n) { n.layers[0].channels = 1 << 30; });
  refused(errc::shape_mismatch, {"layer 0", "larger"}, [](layers n) { n.layers[0].size = 11, n.layers[0].padding = 0; });
  refused(errc::shape_mismatch, {"layer 1", "weight", "want 2304", "got 2303"}, [](layers n) { n.layers[1].weight.pop_back(); });
  refused(errc::shape_mismatch, {"layer 1", "bias", "want 16", "got 17"}, [](layers n) { n.layers[1].bias.push_back(0); });
  refused(errc::shape_mismatch, {"layer 1", "add", "(4, 4, 16)", "(8, 8, 16)"}, [](layers n) { n.layers[1].stride = 2; });

  network_maker make({2, 2, 1});
  make.mean(the_images);
  check_refused(test::make_tested_image_network(make.made(), 0, 1).failure(), errc::invalid_argument, {"batch"});
  auto network = test::make_tested_image_network(make.made(), 1, 1);
  require_ok(network.failure());
  std::vector<float> features(2);
  check_refused((*network)->run(std::vector<float>(7), features), errc::shape_mismatch, {"images", "4", "7"});
  check_refused((*network)->run(std::vector<float>(4), features), errc::shape_mismatch, {"features", "want 1", "got 2"});
  check_refused(reference_image_network(make.made(), std::vector<float>(7)).failure(), errc::shape_mismatch, {"images", "4", "7"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
