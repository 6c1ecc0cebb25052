// Preparing with a backbone: what is stored, what is computed again, and what is not. The backbone here is arithmetic.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include "data/batch.hpp"
#include "data/feature_cache.hpp"
#include "data/half.hpp"
#include "data/image.hpp"
#include "tests/data/small_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_refused;
using test::require_ok;
using test::small_shop;

const auto per_element = boost::test_tools::per_element();

// Three features of a patch: its mean, its first byte, and a constant.
class simple_backbone final : public patch_features {
public:
  explicit simple_backbone(patch_backbone about = {"simple", 77, 64, 3}) : about_(std::move(about)) {}
  const patch_backbone& about() const noexcept override { return about_; }
  status compute(std::span<const std::uint8_t> patches, int width, int height, std::span<float> to) override {
    const auto each = static_cast<std::size_t>(width * height * 3);
    for (std::size_t p = 0; p < patches.size() / each; ++p) {
      float sum = 0;
      for (const auto byte : patches.subspan(p * each, each)) sum += static_cast<float>(byte);
      to[3 * p] = sum / static_cast<float>(each);
      to[3 * p + 1] = static_cast<float>(patches[p * each]);
      to[3 * p + 2] = constant;
    }
    patches_seen += patches.size() / each;
    return {};
  }

  std::size_t patches_seen = 0;
  float constant = -.5f;

private:
  patch_backbone about_;
};

struct featured_shop : small_shop {
  std::shared_ptr<simple_backbone> backbone = std::make_shared<simple_backbone>();

  prepare_options with(const fs::path& out) const {
    prepare_options options = small_shop::options();
    options.out = *this / out;
    options.backbone = backbone;
    return options;
  }
  prepare_report must_prepare(const prepare_options& options) const {
    const auto report = prepare(options);
    require_ok(report.failure());
    return *report;
  }
};

double number_of(std::uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return half >> 15 == 0 ? magnitude : -magnitude;
}

BOOST_AUTO_TEST_SUITE(features)

BOOST_AUTO_TEST_CASE(halves_are_the_nearest) {
  // Every finite positive half is itself, and numbers between two go to the nearer one, or to the even one.
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto low = number_of(static_cast<std::uint16_t>(bits)), high = number_of(static_cast<std::uint16_t>(bits + 1));
    const auto middle = static_cast<float>((low + high) / 2);
    const std::uint32_t even = bits + (bits & 1u);
    const bool good = half_of(static_cast<float>(low)) == bits && half_of(-static_cast<float>(low)) == (bits | 0x8000u) &&
                      half_of(middle) == even && half_of(std::nextafter(middle, 0.f)) == bits &&
                      half_of(std::nextafter(middle, 1e9f)) == bits + 1;
    BOOST_REQUIRE_MESSAGE(good, bits);
  }
  BOOST_TEST(half_of(largest_half) == 0x7BFF);
  BOOST_TEST(half_of(65519.f) == 0x7BFF);
  BOOST_TEST(fits_half(-65519.f));
  for (const float x : {65520.f, -65520.f, HUGE_VALF, std::numeric_limits<float>::quiet_NaN()}) BOOST_TEST(!fits_half(x));
}

BOOST_AUTO_TEST_CASE(features_stand_where_patches_stood) {
  const featured_shop shop;
  const auto report = shop.must_prepare(shop.with("prepared"));
  BOOST_TEST(report.features_computed == 4u);
  BOOST_TEST(report.features_reused == 0u);
  const auto data = shop.open();
  require_ok(data.verify());
  BOOST_TEST((data.backbone() == shop.backbone->about()));
  BOOST_TEST(data.patch_width() == 3);
  BOOST_TEST(data.features(3)->empty());
  BOOST_TEST(!data.feature_key(3).has_value());
  for (const auto& [product, grey] : std::map<std::uint64_t, int>{{0, 10}, {1, 60}, {2, 120}, {4, 250}}) {
    const auto held = data.features(product);
    require_ok(held.failure());
    BOOST_REQUIRE(held->size() == 16u * 3);
    for (std::size_t p = 0; p < 16; ++p) {
      BOOST_TEST(std::abs(number_of((*held)[3 * p]) - grey) <= 3);
      BOOST_TEST(number_of((*held)[3 * p + 2]) == -.5);
    }
  }
}

BOOST_AUTO_TEST_CASE(batches_hold_features) {
  const featured_shop shop;
  shop.must_prepare(shop.with("prepared"));
  const auto data = shop.open();
  const auto made = make_product_batch(data, 0, 5);
  require_ok(made.failure());
  BOOST_TEST(made->image.patch_width == 3);
  BOOST_TEST(made->image.patch.empty());
  BOOST_TEST(made->image.present == (std::vector<std::uint8_t>{1, 1, 1, 0, 1}), per_element);
  BOOST_REQUIRE(made->image.feature.size() == 4u * 16 * 3);
  const auto last = data.features(4).value();
  BOOST_TEST(std::equal(last.begin(), last.end(), made->image.feature.end() - 48));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_batch_holds_its_features) {
  const featured_shop shop;
  shop.must_prepare(shop.with("prepared"));
  const auto data = shop.open();
  const auto whole = make_batch(data, pair_order(data.pairs(), 3), 0, {7, 0, 1});
  require_ok(whole.failure());
  const auto first = part_of(*whole, 0, 3).product.image, rest = part_of(*whole, 3, 4).product.image;
  BOOST_TEST(first.patch_width == 3);
  BOOST_TEST(!first.feature.empty());
  auto joined = first.feature;
  joined.insert(joined.end(), rest.feature.begin(), rest.feature.end());
  BOOST_TEST(joined == whole->product.image.feature, per_element);
}

BOOST_AUTO_TEST_CASE(the_same_patches_are_computed_once) {
  featured_shop shop;
  shop.must_prepare(shop.with("prepared"));
  const auto first = test::bytes_of_file(shop / "prepared/products");
  BOOST_TEST(shop.backbone->patches_seen == 4u * 16);
  const auto again = shop.must_prepare(shop.with("prepared"));
  BOOST_TEST(again.features_reused == 4u);
  BOOST_TEST(again.features_computed == 0u);
  BOOST_TEST(shop.backbone->patches_seen == 4u * 16);
  BOOST_TEST((test::bytes_of_file(shop / "prepared/products") == first));

  shop.image("2.jpg", test::jpeg_of(200, 60, 80));
  const auto one = shop.must_prepare(shop.with("prepared"));
  BOOST_TEST(one.features_reused == 3u);
  BOOST_TEST(one.features_computed == 1u);
  const auto data = shop.open();
  const auto held = data.features(1).value();
  BOOST_TEST(std::abs(number_of(held[0]) - 200) <= 3);
}

BOOST_AUTO_TEST_CASE(another_backbone_or_size_computes_all_again) {
  const featured_shop shop;
  shop.must_prepare(shop.with("prepared"));
  const auto computed = [&](const prepare_options& options) {
    const auto report = shop.must_prepare(options);
    BOOST_TEST(report.features_reused + report.features_computed == 4u);
    shop.must_prepare(shop.with("prepared"));
    return report.features_computed;
  };
  for (const patch_backbone& other :
       {patch_backbone{"simple", 78, 64, 3}, patch_backbone{"simple", 77, 65, 3}, patch_backbone{"other", 77, 64, 3}}) {
    auto options = shop.with("prepared");
    options.backbone = std::make_shared<simple_backbone>(other);
    BOOST_TEST(computed(options) == 4u);
  }
  auto turned = shop.with("prepared");
  std::swap(turned.image_width, turned.image_height);
  BOOST_TEST(computed(turned) == 4u);
}

BOOST_AUTO_TEST_CASE(features_come_from_another_folder_when_that_is_named) {
  const featured_shop shop;
  shop.must_prepare(shop.with("prepared"));
  auto options = shop.with("elsewhere");
  BOOST_TEST(shop.must_prepare(options).features_computed == 4u);
  fs::remove_all(shop / "elsewhere");
  options.reuse = shop / "prepared";
  BOOST_TEST(shop.must_prepare(options).features_reused == 4u);
  options.reuse = shop / "nowhere";
  check_refused(shop.prepare(options).failure(), errc::not_found, {"nowhere"});
}

BOOST_AUTO_TEST_CASE(features_that_were_damaged_are_computed_again) {
  const featured_shop shop;
  shop.must_prepare(shop.with("prepared"));
  const fs::path path = shop / "prepared/products";
  const std::string good = test::bytes_of_file(path);
  std::string bytes = good;
  bytes[64 + 20] = static_cast<char>(bytes[64 + 20] ^ 1);
  test::write_bytes(path, bytes);
  check_refused(shop.open().features(0).failure(), errc::corrupt, {"products", "feature"});
  BOOST_TEST(shop.must_prepare(shop.with("prepared")).features_computed == 4u);
  BOOST_TEST((test::bytes_of_file(path) == good));
}

BOOST_AUTO_TEST_CASE(the_fingerprint_covers_the_backbone) {
  const featured_shop shop;
  const auto fingerprint = [&](const patch_backbone& about) {
    auto options = shop.with("prepared");
    options.backbone = std::make_shared<simple_backbone>(about);
    shop.must_prepare(options);
    return shop.open().fingerprint();
  };
  const auto one = fingerprint({"simple", 77, 64, 3});
  BOOST_TEST(one == fingerprint({"simple", 77, 64, 3}));
  BOOST_TEST(one != fingerprint({"simple", 78, 64, 3}));
  BOOST_TEST(one != fingerprint({"simple", 77, 65, 3}));
  BOOST_TEST(one != fingerprint({"other", 77, 64, 3}));
}

BOOST_AUTO_TEST_CASE(what_a_half_cannot_hold_is_refused) {
  const featured_shop shop;
  for (const float x : {1e5f, -HUGE_VALF, std::numeric_limits<float>::quiet_NaN()}) {
    shop.backbone->constant = x;
    check_refused(shop.prepare(shop.with("prepared")).failure(), errc::out_of_range, {"simple", "65504"});
    BOOST_TEST(!fs::exists(shop / "prepared"));
  }
}

BOOST_AUTO_TEST_CASE(stopped_between_images_it_leaves_no_trace) {
  const featured_shop shop;
  std::stop_source source;
  const auto stop = [&](const prepare_progress& now) {
    if (now.stage == "features") source.request_stop();
  };
  check_refused(prepare(shop.with("prepared"), stop, source.get_token()).failure(), errc::aborted, {});
  for (const auto& entry : fs::directory_iterator(shop.path()))
    BOOST_TEST(!entry.path().filename().string().starts_with("prepared"), entry.path().string());
}

BOOST_AUTO_TEST_CASE(a_backbone_wants_images) {
  const featured_shop shop;
  auto options = shop.with("prepared");
  options.images.clear();
  check_refused(shop.prepare(options).failure(), errc::invalid_argument, {"backbone", "simple", "images"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
