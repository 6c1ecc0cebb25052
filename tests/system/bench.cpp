// What `argosy bench` prints, not how fast: every figure that is promised is there, is a number and is more than nothing.
#include <boost/test/unit_test.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/backbone_weights.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
using nlohmann::json;

namespace {

void check_positive(const json& object, const std::vector<const char*>& keys) {
  for (const char* key : keys) {
    BOOST_REQUIRE_MESSAGE(object.contains(key), key << " is not in " << object.dump());
    BOOST_TEST(object.at(key).is_number(), key << ": " << object.at(key).dump());
    BOOST_TEST(object.at(key).get<double>() > 0, key << ": " << object.at(key).dump());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bench)

BOOST_AUTO_TEST_CASE(training) {
  const auto& shop = shared_small_shop();
  const auto figures =
      json::parse(must_run({"bench", "train", "--data", shop.data, "--recipe", shop.recipe, "--warmup", "1", "--steps", "3", "--json"}));
  check_positive(figures, {"pairs_per_s", "tokens_per_s", "gflops", "gemm_peak_gflops", "flop_share", "step_median_s"});
  const double share = figures.at("gflops").get<double>() / figures.at("gemm_peak_gflops").get<double>();
  BOOST_TEST(figures.at("flop_share").get<double>() == share, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(figures.at("steps") == 3);
  BOOST_TEST(figures.at("batch") == 16);
  BOOST_TEST(figures.at("workers") == 2);
}

BOOST_AUTO_TEST_CASE(more_steps_than_the_recipe_makes_are_refused) {
  const auto& shop = shared_small_shop();
  const finished end = run_argosy({"bench", "train", "--data", shop.data, "--recipe", shop.recipe, "--warmup", "10", "--steps", "51"});
  BOOST_TEST(end.exit_code == 1);
  BOOST_TEST((end.err.find("want 61 steps to measure, the recipe makes 60") != std::string::npos), end.err);
}

BOOST_AUTO_TEST_CASE(embedding) {
  const auto& shop = shared_small_shop();
  const auto figures = json::parse(must_run({"bench", "embed", "--data", shop.data, "--recipe", shop.recipe, "--count", "5", "--json"}));
  check_positive(figures, {"queries_per_s", "products_per_s"});
  for (const char* part : {"queries", "products"}) {
    check_positive(figures.at(part), {"per_s", "median_s", "low_s", "high_s"});
    BOOST_TEST(figures.at(part).at("count") == 5);
  }
}

BOOST_AUTO_TEST_CASE(scans) {
  const auto figures = json::parse(must_run({"bench", "scans", "--json"}));
  BOOST_TEST(figures.at("versions").back().at("name") == "plain");
  for (const auto& version : figures.at("versions")) check_positive(version, {"codes_per_s", "rows_8_bit_per_s", "rows_12_bit_per_s"});
}

BOOST_AUTO_TEST_CASE(changes) {
  const auto figures = json::parse(must_run({"bench", "changes", "--products", "500", "--columns", "16", "--changes", "300", "--json"}));
  check_positive(figures, {"put_median_s", "put_max_s", "put_per_s", "open_s"});
  BOOST_TEST(figures.at("searches").back().at("put") == 300);
}

BOOST_AUTO_TEST_CASE(kernels) {
  const auto figures = json::parse(must_run(
      {"bench", "kernels", "--rows", "34", "--hidden", "64", "--table", "50", "--batch", "4", "--bank", "9", "--threads", "1", "--json"}));
  BOOST_TEST(figures.at("kernels").size() > 20U);
  for (const auto& kernel : figures.at("kernels")) check_positive(kernel, {"seconds", "low_s", "high_s", "bytes"});
  const finished end = run_argosy({"bench", "kernels", "--hidden", "100"});
  BOOST_TEST(end.exit_code == 1);
  BOOST_TEST((end.err.find("want a multiple of 64") != std::string::npos), end.err);
}

BOOST_AUTO_TEST_CASE(matching_loss) {
  const auto figures =
      json::parse(must_run({"bench", "loss", "--batch", "40", "--bank", "1500", "--columns", "24", "--check", "--threads", "2", "--json"}));
  check_positive(figures, {"d_query_error", "d_product_error"});
  for (const char* error : {"d_query_error", "d_product_error"}) BOOST_TEST(figures.at(error).get<double>() < 1e-5);
  for (const char* way : {"tiled", "stored"}) check_positive(figures.at(way), {"median_s", "low_s", "high_s", "loss"});
  const double tiled = figures.at("tiled").at("loss").get<double>(), stored = figures.at("stored").at("loss").get<double>();
  BOOST_TEST(tiled == stored, boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(searching) {
  const auto figures = json::parse(
      must_run({"bench", "search", "--products", "300", "--columns", "24", "--queries", "20", "-k", "7", "--threads", "2", "--json"}));
  check_positive(figures, {"read_bandwidth_gb_s", "bandwidth_limit_queries_per_s"});
  for (const char* way : {"one", "batched", "plain"}) {
    check_positive(figures.at(way), {"queries_per_s", "median_s", "low_s", "high_s"});
    BOOST_TEST(figures.at(way).at("wrong") == 0, way);
  }
  BOOST_TEST(figures.at("products") == 300);
  BOOST_TEST(figures.at("columns") == 24);
  BOOST_TEST(figures.at("queries") == 20);
}

BOOST_AUTO_TEST_CASE(filters_and_words) {
  const auto figures = json::parse(must_run({"bench", "terms", "--products", "2000", "--queries", "5", "--json"}));
  BOOST_TEST(figures.at("products") == 2000);
  BOOST_TEST_REQUIRE(figures.at("rows").size() == 8u);
  for (const auto& row : figures.at("rows")) check_positive(row, {"median_s", "p99_s"});
}

BOOST_AUTO_TEST_CASE(a_backbone) {
  const scratch_folder folder;
  const std::string weights = folder / "resnet18.safetensors";
  BOOST_REQUIRE(argosy::write_safetensors(weights, random_backbone("resnet18", 1)).ok());
  const auto figures = json::parse(must_run({"bench", "backbone", "--backbone", "resnet18", "--backbone-weights", weights, "--images", "1",
                                             "--backbone-side", "32", "--threads", "2", "--json"}));
  check_positive(figures, {"images_per_s", "gflops", "gemm_peak_gflops", "flop_share", "median_s", "low_s", "high_s"});
  BOOST_TEST(figures.at("side") == 32);
}

BOOST_AUTO_TEST_CASE(collectives_are_measured_on_every_road) {
  const auto figures = json::parse(must_run({"bench", "collectives", "--ranks", "3", "--mib", "1", "--json"}));
  BOOST_TEST(figures["ranks"] == 3);
  std::map<std::string, int> rows;
  for (const auto& row : figures["measured"]) {
    ++rows[row["road"]];
    BOOST_TEST(row["seconds"].get<double>() > 0, row.dump());
  }
  const std::map<std::string, int> want{{"Gloo", 9}, {"Gloo, tunnels", 9}, {"threads", 9}, {"memcpy", 3}};  // 1 KiB, 16 KiB and 256 KiB
  BOOST_TEST((rows == want), figures.dump());
}

BOOST_AUTO_TEST_SUITE_END()
