// What is typed wrongly, and what explains itself.
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/support/process.hpp"

using argosy::test::finished;
using argosy::test::run_argosy;

namespace {

using words = std::vector<std::string>;

const std::vector<words> commands{{},
                                  {"demo-shop"},
                                  {"prepare"},
                                  {"import"},
                                  {"train"},
                                  {"publish"},
                                  {"embed"},
                                  {"export"},
                                  {"devices"},
                                  {"search"},
                                  {"evaluate"},
                                  {"generations"},
                                  {"generations", "list"},
                                  {"generations", "verify"},
                                  {"generations", "rollback"},
                                  {"generations", "prune"},
                                  {"generations", "backup"},
                                  {"generations", "restore"},
                                  {"pairs"},
                                  {"plan"},
                                  {"bench", "pairs"},
                                  {"bench", "train"},
                                  {"bench", "embed"},
                                  {"bench", "search"},
                                  {"bench", "terms"},
                                  {"bench", "loss"},
                                  {"bench", "kernels"},
                                  {"bench", "backbone"},
                                  {"bench"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(the_help_of_every_command_has_an_example) {
  for (auto command : commands) {
    command.push_back("--help");
    const finished end = run_argosy(command);
    BOOST_TEST(end.exit_code == 0);
    const auto example = end.out.find("Example:\n  argosy ");
    BOOST_TEST((example != std::string::npos), command.front() << ": " << end.out);
  }
}

BOOST_AUTO_TEST_CASE(a_mistake_is_one_line_and_exit_code_2) {
  const std::vector<words> mistakes{{},
                                    {"serach"},
                                    {"train"},
                                    {"train", "--data", "d", "--recipe", "r"},
                                    {"publish", "--run", "r", "--store", "s"},
                                    {"publish", "--run", "r", "--store", "s", "--data", "d", "--catalogue", "c"},
                                    {"publish", "--run", "r", "--store", "s", "--data", "d", "--images", "i"},
                                    {"search", "--store", "s", "-k", "many", "red"},
                                    {"generations"},
                                    {"generations", "--store", "s", "walk"},
                                    {"generations", "--store", "s", "prune"},
                                    {"generations", "--store", "s", "prune", "--keep", "0"},
                                    {"pairs", "--store", "s"},
                                    {"pairs", "--store", "s", "--log", "l", "--top", "0"},
                                    {"bench"},
                                    {"bench", "walk"}};
  for (const auto& mistake : mistakes) {
    const finished end = run_argosy(mistake);
    BOOST_TEST(end.exit_code == 2);
    BOOST_TEST(end.out == "");
    BOOST_TEST(end.err.starts_with("argosy: "));
    BOOST_TEST(std::count(end.err.begin(), end.err.end(), '\n') == 1, end.err);
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_command_is_named_beside_those_there_are) {
  const finished end = run_argosy({"serach"});
  for (const char* word : {"serach", "search", "prepare"}) BOOST_TEST((end.err.find(word) != std::string::npos), end.err);
}

BOOST_AUTO_TEST_CASE(the_version_is_told) { BOOST_TEST(run_argosy({"--version"}).out.starts_with("argosy ")); }

BOOST_AUTO_TEST_CASE(a_failure_is_one_line_that_names_the_file_and_exit_code_1) {
  const std::vector<words> failures{{"prepare", "--catalogue", "/nowhere/products.tsv", "--out", "/tmp/never-written"},
                                    {"train", "--data", "/nowhere/data", "--recipe", "/nowhere/recipe.toml", "--run", "/nowhere/run"},
                                    {"publish", "--run", "/nowhere/run", "--data", "/nowhere/data", "--store", "/tmp/never-written"},
                                    {"search", "--store", "/nowhere/store", "red"},
                                    {"generations", "--store", "/nowhere/store"},
                                    {"generations", "rollback", "--store", "/nowhere/store"},
                                    {"pairs", "--store", "/nowhere/store", "--log", "/nowhere/log.tsv"},
                                    {"evaluate", "--store", "/nowhere/store", "--queries", "/nowhere/q.tsv", "--qrels", "/nowhere/r.tsv"}};
  for (const auto& failure : failures) {
    const finished end = run_argosy(failure);
    BOOST_TEST(end.exit_code == 1, end.err);
    BOOST_TEST((end.err.find("/nowhere/") != std::string::npos), end.err);
    BOOST_TEST(std::count(end.err.begin(), end.err.end(), '\n') == 1, end.err);
  }
}

BOOST_AUTO_TEST_SUITE_END()
