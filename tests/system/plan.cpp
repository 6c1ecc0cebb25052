// `argosy plan`: what it prints, and that its counts are those of the budget that the GPU kernels were written against.
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
using nlohmann::json;

namespace {

const std::string root = ARGOSY_SOURCE_DIR, paper = root + "/recipes/paper.toml";

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
  BOOST_REQUIRE(pipe);
  std::string all;
  char some[4096];
  while (const std::size_t read = std::fread(some, 1, sizeof some, pipe.get())) all.append(some, read);
  return all;
}

json plans_of(std::vector<std::string> more) {
  std::vector<std::string> words{"plan", "--recipe", paper, "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return json::parse(must_run(words))["plans"];
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(plan)

// The budget leaves out biases, LayerNorm and positions, and counts keys and values of the modal adaptation and the heads of the tasks once too often:
// less than two hundredths.
BOOST_AUTO_TEST_CASE(counts_what_the_budget_of_the_kernels_counts) {
  const auto budget = json::parse(output_of("python3 " + root + "/tests/bench/gpu_budget.py --json --bank 8192"));
  const auto one = plans_of({"--gpus", "1"})[0];
  const double flops = one["product_flops"].get<double>() + one["loss_flops"].get<double>();
  BOOST_TEST(flops == budget["flops"].get<double>(), boost::test_tools::tolerance(2e-2));
  BOOST_TEST(one["parameters"].get<double>() == budget["parameters"].get<double>(), boost::test_tools::tolerance(1e-2));
}

BOOST_AUTO_TEST_CASE(more_gpus_have_more_negatives_and_do_not_scale_better) {
  const auto plans = plans_of({"--gpus", "1,8,40,128,1024", "--pairs", "100000000", "--epochs", "5"});
  BOOST_REQUIRE(plans.size() == 5u);
  BOOST_TEST(plans[2]["negatives"]["in_batch"] == 1023);
  BOOST_TEST(plans[2]["negatives"]["cross_device"] == 39 * 1024);
  BOOST_TEST(plans[2]["steps"] == 12208);  // 5 x 10^8 / 40,960, rounded up
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto& p = plans[i];
    const auto& after = p["after_switch"];
    double sum = 0, memory = 0;
    for (const char* part : {"compute_s", "gather_s", "reduce_s", "wait_s"}) sum += after[part].get<double>();
    BOOST_TEST(after["step_s"].get<double>() == sum, boost::test_tools::tolerance(1e-12));
    for (const auto& [kind, bytes] : p["memory_bytes"].items()) memory += kind == "total" ? 0 : bytes.get<double>();
    BOOST_TEST(p["memory_bytes"]["total"].get<double>() == memory, boost::test_tools::tolerance(1e-12));
    if (i == 0) continue;
    BOOST_TEST(p["efficiency"].get<double>() < plans[i - 1]["efficiency"].get<double>());
    BOOST_TEST(p["hours"].get<double>() < plans[i - 1]["hours"].get<double>());
  }
}

BOOST_AUTO_TEST_CASE(says_what_is_assumed_and_leaves_out_hours_without_pairs) {
  const std::string text = must_run({"plan", "--recipe", paper, "--gpus", "40"});
  BOOST_TEST(has(text, "ASSUMED, not measured"));
  BOOST_TEST(has(text, "No hours: --pairs was not told"));
  BOOST_TEST(plans_of({})[0]["hours"].is_null());
}

BOOST_AUTO_TEST_CASE(a_fit_takes_the_place_of_what_is_assumed) {
  const scratch_folder folder;
  const auto fit = (folder / "fit.json").string();
  std::ofstream(fit) << R"({"product_flops": 1e12, "loss_flops": 1e12, "memory_bytes": 1e12, "row_bytes": 4, "algorithm": "direct",
    "within": {"latency_s": 1e-4, "bytes_per_s": 1e9}, "per_machine": 4, "cores": 2})";
  const auto plans = plans_of({"--gpus", "1,2,4", "--fit", fit});
  const auto compute = [&](std::size_t i) { return plans[i]["before_switch"]["compute_s"].get<double>(); };
  BOOST_TEST(compute(1) == compute(0), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(compute(2) == 2 * compute(0), boost::test_tools::tolerance(1e-12));
  const auto both = run_argosy({"plan", "--recipe", paper, "--fit", fit, "--share", "0.5"});
  BOOST_TEST(both.exit_code == 2);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_by_name) {
  const scratch_folder folder;
  const auto fit = (folder / "fit.json").string();
  std::ofstream(fit) << R"({"product_flops": "fast"})";
  const auto read = run_argosy({"plan", "--recipe", paper, "--fit", fit});
  BOOST_TEST(read.exit_code == 1);
  BOOST_TEST(has(read.err, fit));
  BOOST_TEST(has(read.err, "product_flops: want a number, got \"fast\""));
  BOOST_TEST(has(run_argosy({"plan", "--recipe", paper, "--fit", fit + ".not"}).err, "fit.json.not"));
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--gpus", "0"},
                                                {"--gpus", "8,x"},
                                                {"--share", "2"},
                                                {"--share", "0"},
                                                {"--pairs-per-gpu", "0"},
                                                {"--within", "-1"}}) {
    std::vector<std::string> words{"plan", "--recipe", paper};
    words.insert(words.end(), wrong.begin(), wrong.end());
    BOOST_TEST(run_argosy(words).exit_code == 2, wrong[0] + " " + wrong[1]);
  }
}

BOOST_AUTO_TEST_SUITE_END()
