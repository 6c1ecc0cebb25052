// What a run keeps in its folder: metrics, and the checkpoint it goes on from.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "actors/metrics_line.hpp"
#include "actors/run_folder.hpp"
#include "actors/step_log.hpp"
#include "schema/folder.hpp"
#include "tests/actors/tiny.hpp"
#include "tests/support/folders.hpp"

namespace argosy {
namespace {

training_progress progress(std::uint64_t step, double loss) {
  training_progress p;
  p.report.step = step;
  p.report.loss = loss;
  p.report.phase = phase::bank;
  p.of = 10;
  return p;
}

std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::string line;
  for (std::ifstream in(path); std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::vector<std::uint64_t> steps_of(const std::filesystem::path& path) {
  std::vector<std::uint64_t> steps;
  for (const auto& line : lines_of(path)) steps.push_back(line.at("step"));
  return steps;
}
using steps = std::vector<std::uint64_t>;

struct run_folder_fixture {
  test::scratch_folder folder;
  std::filesystem::path run = folder / "run", path = run / "metrics.jsonl";
  void log_steps(std::uint64_t first, std::uint64_t end) {
    auto log = step_log::open(path, first);
    BOOST_REQUIRE_MESSAGE(log.ok(), log.failure().text());
    for (auto step = first; step < end; ++step)
      BOOST_REQUIRE(log->write(metrics_line(progress(step, 1.0 / 3 + static_cast<double>(step)))).ok());
  }
};

BOOST_FIXTURE_TEST_SUITE(run_files, run_folder_fixture)

BOOST_AUTO_TEST_CASE(a_line_holds_every_key_and_reads_back_to_the_same_bits) {
  auto p = progress(3, .1 + .2);
  p.report.gradient_norm = 1e-300;
  const auto line = nlohmann::json::parse(metrics_line(p));
  for (const char* key : {"step",           "of",
                          "phase",          "loss",
                          "rate",           "gradient_norm",
                          "scale",          "negatives_product",
                          "negatives_bank", "hardness_product",
                          "hardness_bank",  "gate_image",
                          "pairs",          "tokens",
                          "pairs_per_s",    "tokens_per_s",
                          "idle_s",         "data_wait_s",
                          "step_s",         "forward_s",
                          "match_s",        "backward_s",
                          "exchange_s",     "update_s",
                          "gather_s",       "reduce_s",
                          "wait_s",         "real_tokens",
                          "loss_qpm",       "loss_keyword",
                          "loss_mlm_query", "loss_mlm_title",
                          "loss_mpm_r",     "loss_mpm",
                          "loss_qpc"})
    BOOST_TEST(line.contains(key), key);
  BOOST_TEST(line.size() == 35u);
  BOOST_TEST(line["loss"].get<double>() == .1 + .2);
  BOOST_TEST(line["gradient_norm"].get<double>() == 1e-300);
  BOOST_TEST(line["phase"] == "in-batch+bank");
}

BOOST_AUTO_TEST_CASE(the_loss_of_a_task_that_is_off_is_null) {
  auto p = progress(3, 1);
  p.report.task_loss[static_cast<std::size_t>(task::patches)] = std::numeric_limits<double>::quiet_NaN();
  const auto line = nlohmann::json::parse(metrics_line(p));
  BOOST_TEST(line["loss_mpm_r"].is_null());
  BOOST_TEST(line["loss_qpm"] == 0.0);
}

BOOST_AUTO_TEST_CASE(a_run_that_goes_on_drops_what_it_will_do_again_and_a_cut_line) {
  log_steps(0, 6);
  std::ofstream(path, std::ios::app) << R"({"step": 2, "los)";
  log_steps(4, 8);
  BOOST_TEST((steps_of(path) == steps{0, 1, 2, 3, 4, 5, 6, 7}));
  BOOST_TEST(lines_of(path)[3]["loss"].get<double>() == 1.0 / 3 + 3);
}

BOOST_AUTO_TEST_CASE(a_run_from_the_beginning_starts_an_empty_file) {
  log_steps(0, 3);
  log_steps(0, 2);
  BOOST_TEST((steps_of(path) == steps{0, 1}));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told) {
  log_steps(0, 1);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/full", path);
  auto log = step_log::append_to(path);
  BOOST_REQUIRE(log.ok());
  const auto written = log->write(metrics_line(progress(0, 1)));
  BOOST_TEST((written.code() == errc::io_error));
  BOOST_TEST(written.message() == path.string() + ": No space left on device");
}

checkpoint_facts facts() { return test::tiny_facts(test::tiny_recipe(2)); }

BOOST_AUTO_TEST_CASE(threads_and_checkpoint_choices_may_change) {
  auto now = facts();
  now.recipe.train.threads = 7;
  now.recipe.checkpoint = {.every = 1, .keep = 9};
  now.steps_done = 5;
  const auto same = check_same_run(facts(), now);
  BOOST_TEST(same.ok(), same.text());
}

BOOST_AUTO_TEST_CASE(what_differs_is_named) {
  auto now = facts();
  now.recipe.train.seed = 6;
  now.recipe.negatives.weight_bank = .5;
  const auto text = check_same_run(facts(), now).text();
  BOOST_TEST(text.find("seed = 5") != std::string::npos, text);
  BOOST_TEST(text.find("seed = 6") != std::string::npos, text);
  BOOST_TEST(text.find("weight_bank = 0.5") != std::string::npos, text);
  BOOST_TEST(text.find("hidden") == std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(metrics_that_cannot_be_read_are_not_replaced) {
  std::filesystem::create_directories(path);
  BOOST_TEST((step_log::open(path, 3).failure().code() == errc::io_error));
  BOOST_TEST(std::filesystem::is_directory(path));
}

BOOST_AUTO_TEST_CASE(other_data_another_number_of_workers_and_of_steps_are_refused) {
  auto now = facts();
  now.data_fingerprint = 0xabc;
  BOOST_TEST(check_same_run(facts(), now).message().find("want the data with fingerprint 0000000000000007, got 0000000000000abc") !=
             std::string::npos);
  now = facts();
  now.workers = now.recipe.train.workers = 3;
  BOOST_TEST(check_same_run(facts(), now).message().find("want train.workers = 2, got 3") != std::string::npos);
  now = facts();
  now.of = 9;
  BOOST_TEST(check_same_run(facts(), now).message() == "want a run of 8 steps, got 9");
}

training_job job_in(const std::filesystem::path& run, bool resume) { return {.data = nullptr, .recipe = {}, .run = run, .resume = resume}; }

BOOST_AUTO_TEST_CASE(a_folder_without_checkpoints_starts_at_the_beginning_resumed_or_not) {
  for (const bool resume : {false, true}) {
    const auto from = starting_point(job_in(run, resume));
    BOOST_REQUIRE_MESSAGE(from.ok(), from.failure().text());
    BOOST_TEST((*from == nullptr));
  }
}

BOOST_AUTO_TEST_CASE(a_sealed_folder_is_no_place_for_a_run) {
  std::filesystem::create_directories(run);
  BOOST_REQUIRE(replace_file(run / "MANIFEST", "").ok());
  for (const bool resume : {false, true}) BOOST_TEST((starting_point(job_in(run, resume)).failure().code() == errc::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_folder_with_checkpoints_is_refused_unless_resumed) {
  std::filesystem::create_directories(run / "checkpoints" / "00000003");
  const auto from = starting_point(job_in(run, false));
  BOOST_TEST((from.failure().code() == errc::invalid_argument));
  BOOST_TEST(from.failure().message().find("--resume") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(checkpoints_of_which_none_verifies_are_no_beginning) {
  std::filesystem::create_directories(run / "checkpoints" / "00000003");
  BOOST_TEST(!starting_point(job_in(run, true)).ok());
}

BOOST_AUTO_TEST_CASE(what_a_killed_writer_left_is_no_checkpoint) {
  std::filesystem::create_directories(run / "checkpoints" / "00000003.partial-77-1");
  const auto from = starting_point(job_in(run, false));
  BOOST_REQUIRE_MESSAGE(from.ok(), from.failure().text());
  BOOST_TEST((*from == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
