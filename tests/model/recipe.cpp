#include "model/recipe.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "model/schedule.hpp"

namespace {

using argosy::errc;

argosy::status refused(const std::string& toml, std::vector<std::string> overrides = {}) {
  return argosy::parse_recipe(toml, "r.toml", overrides).failure();
}

bool mentions(const argosy::status& s, const std::string& text) { return s.message().find(text) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe)

BOOST_AUTO_TEST_CASE(an_empty_recipe_is_the_papers) {
  const auto r = argosy::parse_recipe("", "r.toml", {});
  BOOST_REQUIRE(r.ok());
  BOOST_TEST(r->model.hidden == 768);
  BOOST_TEST(r->model.query_layers == 12);
  BOOST_TEST(r->optimiser.rate == 1e-4);
  BOOST_TEST(r->negatives.weight_bank == .25);
  BOOST_TEST(r->negatives.cross_device_start == .5);
}

BOOST_AUTO_TEST_CASE(values_are_read_and_overridden) {
  const std::vector<std::string> overrides{"train.batch=64", "optimiser.rate=1e-3", "model.use_image=false"};
  const auto r = argosy::parse_recipe("[train]\nbatch = 32\n[model]\nhidden = 64\nheads = 4\n", "r.toml", overrides);
  BOOST_REQUIRE_MESSAGE(r.ok(), r.failure().text());
  BOOST_TEST(r->model.hidden == 64);
  BOOST_TEST(r->train.batch == 64U);
  BOOST_TEST(r->optimiser.rate == 1e-3);
  BOOST_TEST(!r->model.use_image);
}

BOOST_AUTO_TEST_CASE(its_text_reads_back_to_the_same_values) {
  const std::vector<std::string> overrides{"optimiser.rate=0.00037", "train.epochs=3", "negatives.scale=14.285714285714286"};
  const auto r = argosy::parse_recipe("", "r.toml", overrides);
  BOOST_REQUIRE(r.ok());
  const auto again = argosy::parse_recipe(argosy::recipe_text(*r), "again", {});
  BOOST_REQUIRE_MESSAGE(again.ok(), again.failure().text());
  BOOST_TEST(argosy::recipe_text(*again) == argosy::recipe_text(*r));
  BOOST_TEST(again->negatives.scale == 14.285714285714286);
  BOOST_TEST(again->optimiser.rate == 0.00037);
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_refused_with_the_nearest_name_and_the_line) {
  const auto s = refused("[model]\nhidden = 64\nheadz = 4\n");
  BOOST_TEST(mentions(s, "r.toml:3"));
  BOOST_TEST(mentions(s, "`model.headz`"));
  BOOST_TEST(mentions(s, "`model.heads`"));
  BOOST_TEST(mentions(refused("[train]\nrate = 1.0\n"), "`optimiser.rate`"));
  BOOST_TEST(mentions(refused("hidden = 3\n"), "`model.hidden`"));
  BOOST_TEST(mentions(refused("[trian]\n"), "[trian]"));
}

BOOST_AUTO_TEST_CASE(wrong_types_and_impossible_sizes_are_refused) {
  BOOST_TEST(mentions(refused("[model]\nhidden = \"64\"\n"), "want a whole number"));
  BOOST_TEST(mentions(refused("[model]\nhidden = 64.5\n"), "got 64.5"));
  BOOST_TEST(mentions(refused("[model]\nhidden = -1\n"), "got -1"));
  BOOST_TEST(mentions(refused("[model]\nuse_image = 1\n"), "want true or false"));
  BOOST_TEST(mentions(refused("[train]\ncompute = \"float16\"\n"), "want \"float32\" or \"bfloat16\" or \"fp8\""));
  BOOST_TEST(mentions(refused("[train]\nattention = \"flash\"\n"), "want \"argosy\" or \"cudnn\""));
  BOOST_TEST(mentions(refused("[train]\nattention = \"cudnn\"\ncompute = \"bfloat16\"\n"), "wants a GPU"));
  BOOST_TEST(mentions(refused("[train]\ncompute = \"fp8\"\n"), "wants a GPU"));
  BOOST_TEST(mentions(refused("[train]\ndevice = \"gpu\"\n"), "want \"cpu\", \"cuda\" or \"cuda:1\""));
  BOOST_TEST(mentions(refused("[model]\nhidden = 100\nheads = 12\n"), "not a multiple"));
  BOOST_TEST(mentions(refused("[model]\nuse_image = false\nuse_title = false\n"), "both false"));
  BOOST_TEST(mentions(refused("[train]\nbatch = 1\nworkers = 2\n"), "no pair"));
  BOOST_TEST(mentions(refused("[optimiser]\nrate = nan\n"), "want a number"));
  BOOST_TEST(mentions(refused("[model\n"), "not TOML"));
}

BOOST_AUTO_TEST_CASE(overrides_that_make_no_sense_are_refused) {
  BOOST_TEST(mentions(refused("", {"batch"}), "want table.key=value"));
  BOOST_TEST(mentions(refused("", {"train.batsh=3"}), "`train.batch`"));
  BOOST_TEST(mentions(refused("", {"train.batch=many"}), "not TOML"));
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_named) {
  const auto s = argosy::load_recipe("/nowhere/x.toml", {}).failure();
  BOOST_TEST(!s.ok());
  BOOST_TEST(mentions(s, "/nowhere/x.toml"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(schedule)

// Oracle 7.
BOOST_AUTO_TEST_CASE(the_rate_is_highest_at_a_fifth_and_zero_at_the_end) {
  argosy::optimiser_recipe o;
  o.rate = 1e-4;
  for (const std::uint64_t of : {5U, 100U, 1000U}) {
    std::uint64_t best = 0;
    for (std::uint64_t i = 0; i < of; ++i) {
      if (argosy::rate_at(o, i, of) > argosy::rate_at(o, best, of)) best = i;
    }
    BOOST_TEST(best == of / 5 - 1);
    BOOST_TEST(argosy::rate_at(o, best, of) == 1e-4, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(argosy::rate_at(o, of - 1, of) == 0.0);
  }
}

// Oracle 5, its arithmetic; that the negatives follow is tested in tests/actors/training_system.cpp.
BOOST_AUTO_TEST_CASE(phases_change_at_exactly_their_iteration) {
  argosy::recipe r;
  r.negatives.bank_start = .1;
  const std::uint64_t of = 100;
  for (std::uint64_t i = 0; i < of; ++i) {
    const auto p = argosy::plan_step(r, i, of).phase;
    BOOST_TEST(argosy::uses_bank(p) == (i >= 10));
    BOOST_TEST(argosy::crosses_devices(p) == (i >= 50));
  }
  r.negatives.bank = 0;
  BOOST_TEST(!argosy::uses_bank(argosy::plan_step(r, 99, of).phase));
}

BOOST_AUTO_TEST_CASE(steps_follow_from_epochs_rounded_up) {
  argosy::recipe r;
  r.train.batch = 64;
  r.train.epochs = 1.5;
  BOOST_TEST(argosy::total_steps(r, 100) == 3U);
  r.train.steps = 7;
  BOOST_TEST(argosy::total_steps(r, 100) == 7U);
}

BOOST_AUTO_TEST_SUITE_END()
