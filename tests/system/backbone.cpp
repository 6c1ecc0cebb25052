// A model behind a frozen backbone by the `argosy` binary: prepared with features, trained, and published with the same weights only.
#include <boost/test/unit_test.hpp>

#include "tests/support/backbone_weights.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy;
using namespace argosy::test;
using words = std::vector<std::string>;

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void must_fail(const words& arguments, std::initializer_list<const char*> parts) {
  const auto end = run_argosy(arguments);
  BOOST_TEST(end.exit_code == 1);
  for (const auto* part : parts) BOOST_TEST(holds(end.err, part), end.err);
}

words joined(words all, const words& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backbone)

BOOST_AUTO_TEST_CASE(from_images_to_answers) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const std::string weights = folder / "resnet18.safetensors", other = folder / "other.safetensors", data = folder / "data",
                    run = folder / "run", store = folder / "store";
  require_ok(write_safetensors(weights, random_backbone("resnet18", 1)));
  require_ok(write_safetensors(other, random_backbone("resnet18", 2)));

  const words preparing =
      joined(prepare_arguments(shop, data), {"--backbone", "resnet18", "--backbone-weights", weights, "--backbone-side", "32"});
  const auto first = must_run(preparing), second = must_run(preparing);
  BOOST_TEST(!holds(first, "features computed    0"), first);
  BOOST_TEST(holds(second, "features reused"), second);
  must_run({"train", "--data", data, "--recipe", shop.recipe, "--run", run, "--set", "train.steps=10"});
  must_run({"publish", "--run", run, "--data", data, "--store", store});
  must_run({"export", "--run", run, "--onnx", folder / "onnx"});
  BOOST_TEST(holds(must_run({"search", "--store", store, "--json", "red dress"}), "\"results\""));

  must_fail({"publish", "--run", run, "--data", shop.data, "--store", store}, {"resnet18", "got pixels"});
  const words publishing{"publish", "--run", run, "--catalogue", shop.catalogue, "--images", shop.images, "--store", store};
  must_fail(publishing, {"resnet18", "--backbone-weights"});
  must_fail(joined(publishing, {"--backbone-weights", other}), {"other.safetensors", "which the model was trained on"});
  const auto published = must_run(joined(publishing, {"--backbone-weights", weights, "--reuse", data}));
  BOOST_TEST(holds(published, "generation 2"), published);
  must_fail({"publish", "--run", shop.run, "--catalogue", shop.catalogue, "--store", store, "--backbone-weights", weights},
            {"trained on pixels"});
}

BOOST_AUTO_TEST_SUITE_END()
