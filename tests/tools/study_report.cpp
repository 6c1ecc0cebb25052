#include "tools/study_report.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

using namespace argosy;
using namespace argosy::test;
namespace fs = std::filesystem;

namespace {

const auto near = boost::test_tools::tolerance(1e-12);

template <class T>
T must(result<T> found) {
  require_ok(found.failure());
  return std::move(found).value();
}

// A run of 4 steps with evaluations after 2 and 4 of them.
struct small_run {
  std::vector<std::string> ranks = {"1", "2", "null", "40"};  // of the first relevant product, a query each
  double step_s = 30;
  double loss = 2;
  std::string precision = "0.5";
  bool says_images = true;  // the second and the third query need the image
  int products = 100;
};

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void replace(const fs::path& path, const std::string& what, const std::string& by) {
  std::string text = read(path);
  const auto at = text.find(what);
  BOOST_TEST_REQUIRE(at != text.npos, what << " is not in " << path);
  write(path, text.replace(at, what.size(), by));
}

std::string metrics_of(const small_run& run) {
  std::string text;
  for (int step = 0; step < 4; ++step) {
    text += "{\"step\":" + std::to_string(step) + ",\"loss\":9,\"loss_qpm\":" + std::to_string(run.loss - 0.25 * step) +
            ",\"negatives_product\":" + std::to_string(100 + step) +
            ",\"negatives_bank\":7.5,\"pairs\":64,\"data_wait_s\":0.5,\"step_s\":" + std::to_string(run.step_s - 0.5) + "}\n";
  }
  return text;
}

std::string evaluation_of(const small_run& run, int step, double recall) {
  const std::string queries = std::to_string(run.ranks.size());
  return "{\"step\":" + std::to_string(step) + ",\"of\":4,\"products\":" + std::to_string(run.products) +
         ",\"all\":{\"queries\":" + queries + ",\"recall@1\":0.25,\"recall@10\":" + std::to_string(recall) +
         ",\"recall@100\":0.75,\"precision@10\":0.5}}\n";
}

std::string outcomes_of(const small_run& run) {
  std::string text = "{\"step\":4,\n\"queries\":[";
  for (std::size_t q = 0; q < run.ranks.size(); ++q) {
    text += std::string(q > 0 ? ",\n" : "\n") + "{\"query\":\"query " + std::to_string(q) + "\"" +
            (run.says_images ? std::string(",\"needs_image\":") + (q == 1 || q == 2 ? "true" : "false") : "") +
            ",\"first\":" + run.ranks[q] + ",\"precision@10\":" + run.precision + "}";
  }
  return text + "]}\n";
}

fs::path write_run(const fs::path& folder, const small_run& run = {}) {
  write(folder / "metrics.jsonl", metrics_of(run));
  write(folder / "evaluation.jsonl", evaluation_of(run, 2, 0.25) + evaluation_of(run, 4, 0.5));
  write(folder / "outcomes.json", outcomes_of(run));
  return folder;
}

study_outline small_outline() {
  return {"Negatives <compared>", "Small & quick.", {{"base", {}}, {"bank", {"bank.entries=64"}}, {"all", {}}}, "base", {1, 2}};
}

// base and bank with both seeds; bank finds more.
std::vector<study_run> two_rows(const scratch_folder& scratch) {
  return {{"base", 1, write_run(scratch / "base-1")},
          {"base", 2, write_run(scratch / "base-2", {.ranks = {"1", "20", "null", "40"}, .step_s = 60, .loss = 4})},
          {"bank", 1, write_run(scratch / "bank-1", {.ranks = {"1", "1", "5", "40"}})},
          {"bank", 2, write_run(scratch / "bank-2", {.ranks = {"2", "3", "11", "1"}})}};
}

study_figures two_row_figures() {
  const scratch_folder scratch;
  return must(figures_of(small_outline(), two_rows(scratch)));
}

const measured& measure(const row_figures& row, std::string_view part, std::string_view key) {
  for (std::size_t m = 0; m < study_measure_count; ++m) {
    if (study_measures[m].part == part && study_measures[m].key == key) return row.measures[m].value();
  }
  throw std::out_of_range("no such measure");
}

// Refused with all of these words.
void check_study_refused(const study_outline& outline, const std::vector<study_run>& runs, const std::vector<std::string>& words) {
  const auto found = figures_of(outline, runs);
  BOOST_TEST_REQUIRE(!found.ok());
  for (const auto& word : words) BOOST_TEST(found.failure().message().find(word) != std::string::npos, found.failure().message());
}

struct breakage {
  const char *file, *what, *by;
  std::vector<std::string> words;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(study_reports)

BOOST_AUTO_TEST_CASE(measures_are_means_over_seeds_with_the_least_and_the_most) {
  const auto figures = two_row_figures();
  BOOST_TEST(figures.queries == 4u);
  BOOST_TEST(figures.needing_image == 2u);
  BOOST_TEST(figures.products == 100u);
  const measured& recall = measure(figures.rows[0], "all", "recall@10");
  BOOST_TEST(recall.by_seed == std::vector<double>({0.5, 0.25}), boost::test_tools::per_element());
  BOOST_TEST(recall.over_seeds.mean == 0.375);
  BOOST_TEST(recall.over_seeds.low == 0.25);
  BOOST_TEST(recall.over_seeds.high == 0.5);
  BOOST_TEST(measure(figures.rows[0], "all", "recall@1").over_seeds.mean == 0.25);
  BOOST_TEST(measure(figures.rows[0], "all", "recall@100").over_seeds.mean == 0.75);
  BOOST_TEST(measure(figures.rows[1], "all", "recall@100").over_seeds.mean == 1);
  BOOST_TEST(measure(figures.rows[1], "all", "precision@10").over_seeds.mean == 0.5);
  BOOST_TEST(measure(figures.rows[0], "needs_image", "recall@10").over_seeds.mean == 0.25);
  BOOST_TEST(measure(figures.rows[1], "needs_image", "recall@10").over_seeds.mean == 0.75);
}

// Recall@10, bank less base, query by query: seed 1 gives 0 0 1 0, seed 2 gives 0 1 0 1.
BOOST_AUTO_TEST_CASE(differences_are_paired_by_query_and_averaged_over_seeds) {
  const auto figures = two_row_figures();
  const interval expected = paired_bootstrap(std::vector<double>{0, 0.5, 0.5, 0.5}, study_resamples, 1);
  const auto found = measure(figures.rows[1], "all", "recall@10").difference;
  BOOST_TEST_REQUIRE(found.has_value());
  BOOST_TEST(found->mean == 0.375);
  BOOST_TEST(found->low == expected.low);
  BOOST_TEST(found->high == expected.high);
  BOOST_TEST(!measure(figures.rows[0], "all", "recall@10").difference.has_value());
}

BOOST_AUTO_TEST_CASE(only_seeds_that_both_rows_have_are_compared) {
  const scratch_folder scratch;
  auto runs = two_rows(scratch);
  runs.erase(runs.begin());  // base has seed 2 only
  const auto figures = must(figures_of(small_outline(), runs));
  BOOST_TEST(figures.rows[1].shared_seeds == std::vector<std::uint64_t>{2}, boost::test_tools::per_element());
  BOOST_TEST(measure(figures.rows[1], "all", "recall@10").difference->mean == 0.5);
  BOOST_TEST(study_page(figures).find("difference over 1 seed") != std::string::npos);
  runs.erase(runs.begin() + 2);
  const auto apart = must(figures_of(small_outline(), runs));  // bank has seed 1 only
  BOOST_TEST(!measure(apart.rows[1], "all", "recall@10").difference.has_value());
  BOOST_TEST(study_page(apart).find("no seed in common with the baseline") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_order_of_runs_does_not_matter) {
  const scratch_folder scratch;
  auto runs = two_rows(scratch);
  const std::string page = study_page(must(figures_of(small_outline(), runs)));
  std::reverse(runs.begin(), runs.end());
  BOOST_TEST((study_page(must(figures_of(small_outline(), runs))) == page));
}

BOOST_AUTO_TEST_CASE(steps_pairs_and_minutes_are_those_of_the_metrics) {
  const auto figures = two_row_figures();
  BOOST_TEST(figures.rows[0].steps.mean == 4);
  BOOST_TEST(figures.rows[0].pairs.mean == 256);
  BOOST_TEST(figures.rows[0].minutes.low == 2, near);
  BOOST_TEST(figures.rows[0].minutes.mean == 3, near);
  BOOST_TEST(figures.rows[0].minutes.high == 4, near);
}

BOOST_AUTO_TEST_CASE(curves_are_means_over_seeds_with_a_band) {
  const auto figures = two_row_figures();
  const row_curves& curves = figures.rows[0].curves;
  BOOST_TEST_REQUIRE(curves.loss.size() == 4u);
  BOOST_TEST(curves.loss[1].x == 1);
  BOOST_TEST(curves.loss[1].y == 2.75, near);
  BOOST_TEST(curves.loss[1].low == 1.75, near);
  BOOST_TEST(curves.loss[1].high == 3.75, near);
  BOOST_TEST_REQUIRE(curves.recall.size() == 2u);
  BOOST_TEST(curves.recall[0].x == 1.5, near);  // two steps of 30 s, two of 60 s
  BOOST_TEST(curves.recall[0].y == 0.25, near);
  BOOST_TEST(curves.recall[1].x == 3, near);
  BOOST_TEST(curves.negatives_product[3].y == 103);
  BOOST_TEST(curves.negatives_bank[3].y == 7.5);
}

BOOST_AUTO_TEST_CASE(a_single_seed_has_no_band_and_a_missing_loss_is_a_gap) {
  const scratch_folder scratch;
  const auto folder = write_run(scratch / "base-1");
  replace(folder / "metrics.jsonl", "\"loss_qpm\":1.750000", "\"loss_qpm\":null");
  const auto figures = must(figures_of(small_outline(), std::vector<study_run>{{"base", 1, folder}}));
  const auto& loss = figures.rows[0].curves.loss;
  BOOST_TEST(std::isnan(loss[0].low));
  BOOST_TEST(loss[0].y == 2);
  BOOST_TEST(std::isnan(loss[1].y));
}

BOOST_AUTO_TEST_CASE(curves_keep_to_the_steps_that_every_seed_has) {
  const scratch_folder scratch;
  const auto runs = two_rows(scratch);
  const std::string whole = read(runs[0].folder / "metrics.jsonl");
  write(runs[0].folder / "metrics.jsonl", whole.substr(0, whole.find("{\"step\":3")));
  BOOST_TEST(must(figures_of(small_outline(), runs)).rows[0].curves.loss.size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_page_is_whole_and_escaped) {
  const std::string page = study_page(two_row_figures());
  for (const char* part : {"<!doctype html>", "<h1>Negatives &lt;compared&gt;</h1>", "Small &amp; quick.", "<code>bank.entries=64</code>",
                           "base (baseline)", "no run is finished", "0.375<small>0.250 &ndash; 0.500</small>", "+0.375<br>[", "2 of 2",
                           "0 of 2", "4 queries over 100 products", "10,000 resamples", "</html>"}) {
    BOOST_TEST(page.find(part) != page.npos, part << " is missing");
  }
  for (const char* part : {"<script", "<compared>", "src=", "href=", "url(", "nan"}) BOOST_TEST(page.find(part) == page.npos, part);
}

BOOST_AUTO_TEST_CASE(bold_is_an_interval_without_zero_grey_one_with_it) {
  const std::string page = study_page(two_row_figures());
  BOOST_TEST(page.find("<span class=\"grey\">0.000<br>[0.000, 0.000]</span>") != page.npos);  // precision
  const scratch_folder scratch;
  const std::vector<study_run> runs{{"base", 1, write_run(scratch / "a", {.ranks = {"9", "9", "9", "9"}})},
                                    {"bank", 1, write_run(scratch / "b", {.ranks = {"30", "30", "30", "30"}})}};
  BOOST_TEST(study_page(must(figures_of(small_outline(), runs))).find("<b>-1.000<br>[-1.000, -1.000]</b>") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_table_has_the_same_figures) {
  const auto figures = two_row_figures();
  const std::string table = study_table(figures);
  const interval difference = *measure(figures.rows[1], "all", "recall@10").difference;
  const std::string ends = signed_text(difference.low, 3) + ", " + signed_text(difference.high, 3);
  for (const std::string part :
       {"recall@100", "needs_image recall@10", "0.375", "0.250 - 0.500", "+0.375", "all: no run is finished", ends.c_str()}) {
    BOOST_TEST(table.find(part) != table.npos, part << " is missing from\n" << table);
  }
}

BOOST_AUTO_TEST_CASE(the_json_has_the_same_figures) {
  const auto object = nlohmann::json::parse(study_json(two_row_figures()));
  BOOST_TEST(object.at("baseline") == "base");
  BOOST_TEST(object.at("queries") == 4);
  const auto& bank = object.at("rows").at(1);
  BOOST_TEST(bank.at("set").at(0) == "bank.entries=64");
  BOOST_TEST(bank.at("all").at("recall@10").at("mean") == 0.75);
  BOOST_TEST(bank.at("all").at("recall@10").at("by_seed").size() == 2u);
  BOOST_TEST(bank.at("all").at("recall@10").at("difference").at("mean") == 0.375);
  BOOST_TEST(bank.at("needs_image").at("recall@10").at("low") == 0.5);
  BOOST_TEST(object.at("rows").at(0).at("all").at("recall@1").at("difference").is_null());
  BOOST_TEST(object.at("rows").at(2).at("all").at("recall@1").is_null());
  BOOST_TEST(object.at("rows").at(2).at("minutes").is_null());
}

BOOST_AUTO_TEST_CASE(queries_that_do_not_say_whether_they_need_the_image_leave_that_column_empty) {
  const scratch_folder scratch;
  const std::vector<study_run> runs{{"base", 1, write_run(scratch / "a", {.says_images = false})}};
  const auto figures = must(figures_of(small_outline(), runs));
  BOOST_TEST(figures.needing_image == 0u);
  BOOST_TEST(!figures.rows[0].measures[4].has_value());
  BOOST_TEST(study_page(figures).find("<td>&ndash;</td>") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_study_without_a_finished_run_has_a_page) {
  const std::string page = study_page(must(figures_of(small_outline(), {})));
  BOOST_TEST(page.find("no figures") != page.npos);
  BOOST_TEST(page.find("nan") == page.npos);
}

BOOST_AUTO_TEST_CASE(an_outline_or_run_that_makes_no_sense_is_refused) {
  const scratch_folder scratch;
  const auto runs = two_rows(scratch);
  auto outline = small_outline();
  outline.baseline = "nobody";
  check_study_refused(outline, runs, {"baseline", "`nobody`"});
  outline = small_outline();
  outline.rows.push_back({"bank", {}});
  check_study_refused(outline, runs, {"row bank", "twice"});
  outline = small_outline();
  outline.seeds = {1, 2, 1};
  check_study_refused(outline, runs, {"seed 1", "twice"});
  check_study_refused(small_outline(), {runs[0], runs[0]}, {"`base` with seed 1", "twice"});
  check_study_refused(small_outline(), {{"base", 3, runs[0].folder}}, {"`base` with seed 3"});
  check_study_refused(small_outline(), {{"other", 1, runs[0].folder}}, {"`other` with seed 1"});
}

BOOST_AUTO_TEST_CASE(runs_over_other_queries_or_products_are_refused_with_both_files) {
  const scratch_folder scratch;
  const auto runs = two_rows(scratch);
  const std::vector<std::string> files{(scratch / "base-1/outcomes.json").string(), (scratch / "bank-2/outcomes.json").string()};
  const auto with_files = [&](std::vector<std::string> words) {
    words.insert(words.end(), files.begin(), files.end());
    return words;
  };
  replace(runs[3].folder / "outcomes.json", "query 1", "another");
  check_study_refused(small_outline(), runs, with_files({"query 2", "`query 1`", "`another`"}));
  write_run(runs[3].folder, {.says_images = false});
  check_study_refused(small_outline(), runs, with_files({"query 2", "needs the image"}));
  write_run(runs[3].folder, {.ranks = {"1", "1", "1"}});
  check_study_refused(small_outline(), runs, with_files({"4 and 3"}));
  write_run(runs[3].folder, {.products = 99});
  check_study_refused(small_outline(), runs, {"base-1/evaluation.jsonl", "bank-2/evaluation.jsonl", "100 and 99"});
}

BOOST_AUTO_TEST_CASE(missing_files_are_refused_by_name) {
  for (const char* name : {"metrics.jsonl", "evaluation.jsonl", "outcomes.json"}) {
    const scratch_folder scratch;
    const auto folder = write_run(scratch / "run");
    fs::remove(folder / name);
    check_study_refused(small_outline(), {{"base", 1, folder}}, {(folder / name).string()});
    write(folder / name, "");
    check_study_refused(small_outline(), {{"base", 1, folder}}, {(folder / name).string() + " line 1"});
  }
}

BOOST_AUTO_TEST_CASE(broken_files_are_refused_by_name_and_line) {
  const std::vector<breakage> breakages = {
      {"metrics.jsonl", "{\"step\":2", "{\"step\"2", {"metrics.jsonl line 3", "JSON object"}},
      {"metrics.jsonl", "\"step\":2", "\"step\":1", {"metrics.jsonl line 3", "step", "more than 1", "got 1"}},
      {"metrics.jsonl", "\"step\":0", "\"step\":-1", {"metrics.jsonl line 1", "step", "a whole number", "got -1"}},
      {"metrics.jsonl", "\"loss_qpm\":2.000000", "\"loss_qpm\":\"x\"", {"metrics.jsonl line 1", "loss_qpm", "got \"x\""}},
      {"metrics.jsonl", "\"negatives_bank\"", "\"other\"", {"metrics.jsonl line 1", "negatives_bank", "got none"}},
      {"metrics.jsonl", "\"data_wait_s\":0.5", "\"data_wait_s\":-0.5", {"metrics.jsonl line 1", "data_wait_s", "got -0.5"}},
      {"evaluation.jsonl", "\"all\":{", "\"all\":7,\"x\":{", {"evaluation.jsonl line 1", "all", "got 7"}},
      {"evaluation.jsonl", "\"recall@10\":0.5", "\"recall@10\":1.5", {"evaluation.jsonl line 2", "recall@10", "got 1.5"}},
      {"evaluation.jsonl", "\"step\":4", "\"step\":3", {"outcomes.json", "step", "want 3", "got 4"}},
      {"outcomes.json", "\"query 1\"", "\"query 1", {"outcomes.json line 4"}},
      {"outcomes.json", "\"first\":2", "\"first\":0", {"outcomes.json: query 2", "first", "got 0"}},
      {"outcomes.json", "\"first\":2,", "", {"outcomes.json: query 2", "first", "got none"}},
      {"outcomes.json", "\"precision@10\":0.5", "\"precision@10\":1e999", {"outcomes.json"}},
      {"outcomes.json", "\"query\":\"query 0\"", "\"query\":[]", {"outcomes.json: query 1", "query", "got array"}},
      {"outcomes.json", "\"queries\":[", "\"queries\":[{\"query\":\"q\",\"first\":1,\"precision@10\":1},", {"want 4 queries", "got 5"}},
      {"outcomes.json", "\"queries\":[", "\"queries\":[3,", {"outcomes.json: query 1", "got 3"}}};
  for (const auto& broken : breakages) {
    const scratch_folder scratch;
    const auto folder = write_run(scratch / "run");
    replace(folder / broken.file, broken.what, broken.by);
    check_study_refused(small_outline(), {{"base", 1, folder}}, broken.words);
  }
}

BOOST_AUTO_TEST_CASE(signs_are_shown_but_for_what_rounds_to_zero) {
  BOOST_TEST(signed_text(0.0124, 3) == "+0.012");
  BOOST_TEST(signed_text(-0.0124, 3) == "-0.012");
  BOOST_TEST(signed_text(-0.0001, 3) == "0.000");
  BOOST_TEST(leaves_out_zero({0.1, 0.01, 0.2}));
  BOOST_TEST(leaves_out_zero({-0.1, -0.2, -0.01}));
  BOOST_TEST(!leaves_out_zero({0.1, 0, 0.2}));
}

BOOST_AUTO_TEST_SUITE_END()
