// ResNets beside what they are made of: batch-norm done in double beside its folding, and files that do not fit.
#include "model/backbone.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <numeric>

#include "model/retrieval_model.hpp"
#include "schema/folder.hpp"
#include "tests/support/backbone_weights.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tiny_model.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::require_ok;

const safetensors_file& weights() {
  static const safetensors_file file = test::random_backbone("resnet18", 5);
  return file;
}

safetensor& tensor(safetensors_file& file, std::string_view name) { return *std::ranges::find(file.tensors, name, &safetensor::name); }

std::vector<std::uint8_t> some_patches(int count, int width, int height) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count * width * height * 3));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i % 251);
  return bytes;
}

BOOST_AUTO_TEST_SUITE(backbones)

BOOST_AUTO_TEST_CASE(parameters_are_as_many_as_torchvision_has) {
  // Of torchvision's models without the classifier, running statistics counted once for each batch-norm's mean and variance.
  const std::pair<std::string_view, std::int64_t> known[] = {
      {"resnet18", 11'176'512}, {"resnet34", 21'284'672}, {"resnet50", 23'508'032}, {"resnet101", 42'500'160}};
  for (const auto& [name, parameters] : known) {
    std::int64_t found = 0;
    const auto tensors = backbone_tensors(name).value();
    for (const auto& [tensor, shape] : tensors)
      if (tensor.find(".running_") == std::string::npos)
        found += std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    BOOST_TEST(found == parameters, name << ": " << found);
  }
}

BOOST_AUTO_TEST_CASE(flops_are_those_of_the_paper) {
  // Billions of multiply-adds at 224, as torchvision lists them (the stride in the 3 x 3 convolution costs a little more than table 1 has).
  for (const auto& [name, billions] : {std::pair{"resnet18", 1.81}, std::pair{"resnet50", 4.09}}) {
    const auto layers = backbone_layers(name, test::random_backbone(name, 1), 224);
    require_ok(layers.failure());
    BOOST_TEST(network_flops(*layers).value() / 2e9 == billions, boost::test_tools::tolerance(.01));
  }
}

BOOST_AUTO_TEST_CASE(batch_norm_is_folded) {
  const auto layers = backbone_layers("resnet18", weights(), 32).value();
  const auto numbers = [](const char* name) { return weights().find(name)->numbers().value(); };
  const auto w = numbers("layer2.0.downsample.0.weight"), gain = numbers("layer2.0.downsample.1.weight"),
             shift = numbers("layer2.0.downsample.1.bias"), mean = numbers("layer2.0.downsample.1.running_mean"),
             variance = numbers("layer2.0.downsample.1.running_var");
  const auto& layer = layers.layers.at(6);  // after conv1, the pool and layer1's four
  BOOST_REQUIRE(layer.channels == 128);
  BOOST_REQUIRE(layer.stride == 2);
  BOOST_TEST(!layer.relu);
  for (std::size_t o : {0u, 1u, 127u})
    for (std::size_t c : {0u, 63u}) {
      const double x = 1.5;
      const double want = gain[o] * (w[o * 64 + c] * x - mean[o]) / std::sqrt(variance[o] + 1e-5) + shift[o];
      BOOST_TEST(static_cast<double>(layer.weight[o * 64 + c]) * x + static_cast<double>(layer.bias[o]) == want,
                 boost::test_tools::tolerance(1e-5));
    }
}

BOOST_AUTO_TEST_CASE(features_are_those_of_the_network_over_normalised_pixels) {
  const test::scratch_folder folder;
  require_ok(write_safetensors(folder / "w", weights()));
  auto loaded = load_backbone({"resnet18", folder / "w", 32, 2});
  require_ok(loaded.failure());
  BOOST_TEST((*loaded)->about().name == "resnet18");
  BOOST_TEST((*loaded)->about().features == 512);
  BOOST_TEST((*loaded)->about().side == 32);
  const auto bytes = test::bytes_of_file(folder / "w");
  BOOST_TEST((*loaded)->about().checksum == xxh3(std::as_bytes(std::span(bytes))));

  const auto patches = some_patches(2, 32, 32);
  std::vector<float> got(2 * 512), pixels(patches.size());
  require_ok((*loaded)->compute(patches, 32, 32, got));
  const double mean[] = {.485, .456, .406}, deviation[] = {.229, .224, .225};
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>((patches[i] / 255. - mean[i % 3]) / deviation[i % 3]);
  const auto want = reference_image_network(backbone_layers("resnet18", weights(), 32).value(), pixels);
  require_ok(want.failure());
  double apart = 0, largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    apart = std::max(apart, std::abs(static_cast<double>(got[i]) - want->at(i)));
    largest = std::max(largest, std::abs(want->at(i)));
  }
  BOOST_TEST(largest > .1);
  BOOST_TEST(apart <= 1e-4 * largest);

  check_refused((*loaded)->compute(patches, 32, 31, got), errc::shape_mismatch, {"512"});
  std::vector<float> enlarged(512);
  require_ok((*loaded)->compute(some_patches(1, 15, 20), 15, 20, enlarged));
}

BOOST_AUTO_TEST_CASE(a_model_reads_features_on_both_devices) {
  auto in = test::tiny_inputs();
  in.backbone = {"resnet18", 1, 64, 5};
  product_batch batch;
  batch.image.patch_width = in.patch_width();
  std::vector<std::uint16_t> features(16 * 5);
  for (std::size_t i = 0; i < features.size(); ++i) features[i] = static_cast<std::uint16_t>(0x3800 + 37 * i);  // .5 and more
  for (const std::int64_t product : {0, 1, 2}) {
    batch.title.append(std::vector<std::int32_t>{0, 3});
    batch.image.append_features(product == 1 ? std::vector<std::uint16_t>{} : features);
    batch.product.push_back(product);
    batch.log_p.push_back(-1);
    features[7] = static_cast<std::uint16_t>(features[7] + 0x100);  // so that the first and the last differ
  }
  const auto r = test::tiny_recipe();
  const auto cpu = make_cpu_device(2), exact = make_reference_device();
  auto on_cpu = retrieval_model::make(*cpu, r, in), on_exact = retrieval_model::make(*exact, r, in);
  require_ok(on_cpu.failure());
  require_ok(on_exact.failure());
  BOOST_TEST(on_cpu->weights().at("image.patch.weight").value.cols == 5);
  const auto got = on_cpu->embed_products(batch, {}), want = on_exact->embed_products(batch, {});
  require_ok(got.failure());
  require_ok(want.failure());
  double apart = 0, differ = 0;
  for (std::int64_t row = 0; row < 3; ++row)
    for (std::int64_t c = 0; c < got->cols; ++c) {
      apart = std::max(apart, std::abs(static_cast<double>(got->row<float>(row)[c]) - want->row<double>(row)[c]));
      differ = std::max(differ, std::abs(want->row<double>(0)[c] - want->row<double>(2)[c]));
    }
  BOOST_TEST(apart <= 1e-5);  // of rows of length one
  BOOST_TEST(differ > 1e-4);
}

BOOST_AUTO_TEST_CASE(files_that_do_not_fit_are_refused) {
  const auto refusal = [](std::string_view name, const auto& change) {
    auto file = weights();
    change(file);
    return backbone_layers(name, file, 64).failure();
  };
  const auto same = [](safetensors_file&) {};
  require_ok(refusal("resnet18", same));
  check_refused(refusal("resnet19", same), errc::invalid_argument, {"resnet101", "resnet19"});
  check_refused(refusal("resnet34", same), errc::not_found, {"layer1.2.conv1.weight", "(64, 64, 3, 3)", "found none"});
  check_refused(refusal("resnet50", same), errc::not_found, {"layer1.0.downsample.0.weight", "want (256, 64, 1, 1)", "found none"});
  check_refused(refusal("resnet18",
                        [](auto& f) {
                          tensor(f, "layer1.0.conv1.weight").shape = {64, 64, 9, 1};
                        }),
                errc::shape_mismatch, {"layer1.0.conv1.weight", "want (64, 64, 3, 3)", "found (64, 64, 9, 1)"});
  check_refused(refusal("resnet18", [](auto& f) { tensor(f, "bn1.running_var").name = "bn1.var"; }), errc::not_found,
                {"bn1.running_var", "want (64)"});
  check_refused(refusal("resnet18", [](auto& f) { tensor(f, "bn1.bias").type = "F16"; }), errc::shape_mismatch, {"bn1.bias", "F32", "F16"});
  check_refused(refusal("resnet18",
                        [](auto& f) {
                          f.tensors.push_back({"layer1.2.conv1.weight", "F32", {1}, std::vector<std::byte>(4)});
                        }),
                errc::invalid_argument, {"layer1.2.conv1.weight", "no such tensor"});
  check_refused(refusal("resnet18",
                        [](auto& f) {
                          const float negative = -1;
                          std::memcpy(tensor(f, "layer4.1.bn2.running_var").data.data(), &negative, 4);
                        }),
                errc::out_of_range, {"layer4.1.bn2"});
  for (const int side : {0, 31, 513})
    check_refused(backbone_layers("resnet18", weights(), side).failure(), errc::invalid_argument, {"side"});
  check_refused(load_backbone({"resnet18", "/nowhere/w.safetensors", 64, 1}).failure(), errc::not_found, {"/nowhere"});
  const test::scratch_folder folder;
  require_ok(write_safetensors(folder / "other", test::random_backbone("resnet34", 1)));
  check_refused(load_backbone({"resnet18", folder / "other", 64, 1}).failure(), errc::invalid_argument, {"other", "layer1.2"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
