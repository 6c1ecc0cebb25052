#include "model/study_plan.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

constexpr const char* good = R"(title = "Negatives"
recipe = "base.toml"
seeds = [3, 1]
set = ["train.batch=24", "train.epochs=2"]
baseline = "in-batch"
[[row]]
name = "in-batch"
set = ["negatives.bank=0"]
[[row]]
name = "+MBNS"
set = ["negatives.bank=64", "train.batch=32"]
[[row]]
name = "other"
recipe = "other.toml"
)";

struct study_folder {
  test::scratch_folder folder;
  study_folder() {
    std::ofstream(folder / "base.toml") << "[train]\nbatch = 16\n";
    std::ofstream(folder / "other.toml") << "[train]\nbatch = 8\n[negatives]\nbank = 5\n";
  }
  result<study_plan> load(std::string text) const {
    std::ofstream(folder / "study.toml") << text;
    return load_study(folder / "study.toml");
  }
  void refused(const std::string& from, const std::string& to, std::initializer_list<std::string_view> words) const {
    std::string text = good;
    const auto at = text.find(from);
    BOOST_REQUIRE(at != std::string::npos);
    test::check_refused(load(text.replace(at, from.size(), to)).failure(), errc::invalid_argument, words);
  }
};

BOOST_FIXTURE_TEST_SUITE(study_plans, study_folder)

BOOST_AUTO_TEST_CASE(rows_are_the_recipe_with_what_they_set) {
  const auto plan = load(good);
  BOOST_REQUIRE_MESSAGE(plan.ok(), plan.failure().text());
  BOOST_TEST(plan->title == "Negatives");
  BOOST_TEST((plan->seeds == std::vector<std::uint64_t>{3, 1}));
  BOOST_REQUIRE(plan->rows.size() == 3u);
  BOOST_TEST(plan->rows[0].recipe.negatives.bank == 0u);
  BOOST_TEST(plan->rows[0].recipe.train.batch == 24u);
  BOOST_TEST(plan->rows[0].recipe.train.epochs == 2);
  BOOST_TEST(plan->rows[1].recipe.negatives.bank == 64u);
  BOOST_TEST(plan->rows[1].recipe.train.batch == 32u);
  BOOST_TEST(plan->rows[2].recipe.train.batch == 24u);
  BOOST_TEST(plan->rows[2].recipe.negatives.bank == 5u);
  BOOST_TEST(plan->rows[2].set.empty());
}

BOOST_AUTO_TEST_CASE(what_the_command_sets_comes_after_the_study_and_before_its_rows) {
  BOOST_REQUIRE(load(good).ok());
  const std::string sets[] = {"train.batch=8", "train.workers=2"};
  const auto plan = load_study(folder / "study.toml", sets);
  BOOST_REQUIRE_MESSAGE(plan.ok(), plan.failure().text());
  BOOST_TEST(plan->set.size() == 4u);
  BOOST_TEST(plan->rows[0].recipe.train.batch == 8u);
  BOOST_TEST(plan->rows[0].recipe.train.workers == 2);
  BOOST_TEST(plan->rows[1].recipe.train.batch == 32u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_by_name) {
  refused("seeds", "seed", {"study.toml", "unknown key `seed`", "known are", "seeds"});
  refused("[3, 1]", "[3, 3]", {"`seeds`", "3 is there twice"});
  refused("[3, 1]", "[]", {"`seeds`", "at least one"});
  refused("[3, 1]", "[-3]", {"`seeds`", "from 0 to 10^15"});
  refused("[3, 1]", "[1000000000000001]", {"`seeds`", "from 0 to 10^15"});
  refused("\"train.batch=32\"", "\"train.seed=32\"", {"study.toml:9", "`set`", "no train.seed"});
  refused("baseline = \"in-batch\"", "baseline = \"nothing\"", {"`baseline`", "nothing"});
  refused("name = \"other\"", "name = \"../other\"", {"study.toml:12", "`name`", "../other"});
  refused("name = \"other\"", "name = \"+MBNS\"", {"+MBNS", "twice"});
  refused("name = \"other\"", "", {"study.toml:12", "`name`", "want a text"});
  refused("\"negatives.bank=64\"", "\"negatives.bnk=64\"", {"study.toml:9", "+MBNS", "negatives.bank"});
  refused("\"negatives.bank=64\"", "64", {"`set`", "list of texts"});
  refused("title = \"Negatives\"", "", {"`title`"});
  refused("title = \"Negatives\"", "title = ", {"study.toml:1", "not TOML"});
}

BOOST_AUTO_TEST_CASE(the_studies_of_the_project_load) {
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ARGOSY_SOURCE_DIR) / "recipes/studies")) {
    const auto plan = load_study(entry.path());
    BOOST_TEST(plan.ok(), plan.failure().text());
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there) { BOOST_TEST((load_study(folder / "none.toml").failure().code() == errc::not_found)); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
