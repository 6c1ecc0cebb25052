// `argosy study` with the real program: its figures are those of evaluate, and kill -9 costs nothing but time.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct small_study {
  const small_shop& shop = shared_small_shop();
  scratch_folder folder;

  void write_plan(const std::string& second_row_sets) const {
    std::ofstream(folder / "study.toml") << "title = \"Two rows\"\nrecipe = \"" << shop.recipe.string()
                                         << "\"\nseeds = [1, 2]\nbaseline = \"plain\"\n"
                                         << "[[row]]\nname = \"plain\"\nset = [\"train.steps=12\", \"checkpoint.every=5\"]\n"
                                         << "[[row]]\nname = \"+bank\"\nset = [\"train.steps=12\", \"checkpoint.every=5\", "
                                         << second_row_sets << "]\n";
  }
  std::vector<std::string> arguments(const fs::path& out) const {
    return {"study",      "--data",  shop.data,  "--study", folder / "study.toml", "--queries",
            shop.queries, "--qrels", shop.qrels, "--out",   folder / out,          "--json"};
  }
  // What does not depend on how long it took.
  json figures(const fs::path& out) const {
    auto all = json::parse(std::ifstream(folder / out / "study.json"));
    for (auto& row : all.at("rows")) row.erase("minutes");
    return all;
  }
};

BOOST_FIXTURE_TEST_SUITE(studies, small_study)

BOOST_AUTO_TEST_CASE(its_figures_are_those_of_evaluate) {
  write_plan("\"negatives.bank=64\"");
  const auto printed = json::parse(must_run(arguments("out")));
  BOOST_REQUIRE(printed.at("rows").size() == 2u);
  const auto& row = printed.at("rows")[1];
  BOOST_TEST(row.at("name") == "+bank");
  must_run({"publish", "--run", folder / "out/runs/+bank-2", "--data", shop.data, "--store", folder / "store"});
  const auto evaluated = json::parse(
      must_run({"evaluate", "--store", folder / "store", "--queries", shop.queries, "--qrels", shop.qrels, "-k", "1,10", "--json"}));
  for (const char* key : {"recall@1", "recall@10", "precision@10"})
    BOOST_TEST(row.at("all").at(key).at("by_seed")[1].get<double>() == evaluated.at("all").at(key).get<double>(),
               boost::test_tools::tolerance(1e-9));
  BOOST_TEST(fs::file_size(folder / "out/study.html") > 1000u);
}

BOOST_AUTO_TEST_CASE(killed_and_started_again_it_ends_with_the_same_figures) {
  write_plan("\"negatives.bank=64\"");
  must_run(arguments("whole"));
  const auto lines_of = [&](const char* run) {
    std::ifstream in(folder / "killed/runs" / run / "evaluation.jsonl");
    return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  };
  // In the middle of the first run, between two runs, in the last one.
  for (const auto& [run, lines] : {std::pair("plain-1", 1), std::pair("+bank-1", 1), std::pair("+bank-2", 2)}) {
    background_argosy running(arguments("killed"));
    for (int waits = 0; waits < 6000 && lines_of(run) < lines; ++waits) BOOST_REQUIRE(!running.wait_for(std::chrono::milliseconds(5)));
    running.signal(SIGKILL);
    BOOST_TEST(running.wait() == 128 + SIGKILL);
  }
  must_run(arguments("killed"));
  BOOST_TEST(figures("killed") == figures("whole"));
}

BOOST_AUTO_TEST_CASE(interrupted_it_has_the_same_evaluations_in_the_end) {
  write_plan("\"negatives.bank=64\"");
  must_run(arguments("whole"));
  const auto text_of = [&](const char* out, const char* run) {
    std::ifstream in(folder / out / "runs" / run / "evaluation.jsonl");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  background_argosy running(arguments("stopped"));
  for (int waits = 0; waits < 6000 && text_of("stopped", "plain-1").empty(); ++waits)
    BOOST_REQUIRE(!running.wait_for(std::chrono::milliseconds(5)));
  running.signal(SIGINT);
  BOOST_TEST(running.wait() == 130);
  must_run(arguments("stopped"));
  for (const char* run : {"plain-1", "+bank-2"}) BOOST_TEST(text_of("stopped", run) == text_of("whole", run));
  BOOST_TEST(figures("stopped") == figures("whole"));
}

BOOST_AUTO_TEST_CASE(a_run_that_cannot_go_on_is_named_and_the_others_are_reported) {
  write_plan("\"negatives.bank=64\"");
  must_run(arguments("out"));
  write_plan("\"negatives.bank=32\"");
  const auto again = run_argosy(arguments("out"));
  BOOST_TEST(again.exit_code == 1);
  BOOST_TEST(again.err.find("run +bank-1") != std::string::npos, again.err);
  BOOST_TEST(again.err.find("bank = 64") != std::string::npos, again.err);
  const auto rows = json::parse(again.out).at("rows");
  BOOST_TEST(rows[0].at("seeds").size() == 2u);
  BOOST_TEST(rows[1].at("seeds").empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
