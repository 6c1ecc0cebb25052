// kill -9 at random moments: what was whole stays whole, and training goes on as if nothing had happened.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "data/prepared.hpp"
#include "model/checkpoint.hpp"
#include "search/searcher.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy;
using namespace argosy::test;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

constexpr int kills_of_each = 8;

milliseconds time_of(const std::vector<std::string>& arguments) {
  const system_clock_source clock;
  const auto start = clock.now();
  must_run(arguments);
  return milliseconds(1 + static_cast<int>(1e3 * seconds_between(start, clock.now())));
}

// Moments spread over the life of a command, the same in every run of the test but for the speed of the machine.
class random_moments {
public:
  random_moments(std::uint64_t seed, milliseconds life) : seed_(seed), life_(life) {}
  milliseconds next() {
    return milliseconds(static_cast<int>(static_cast<float>(life_.count()) * random_uniform({seed_, 0, 0}, 0, drawn_++)));
  }

private:
  std::uint64_t seed_;
  milliseconds life_;
  std::uint32_t drawn_ = 0;
};

// True when the command was killed, false when it had ended before.
bool kill_after(const std::vector<std::string>& arguments, milliseconds moment) {
  background_argosy running(arguments);
  if (running.wait_for(moment)) return false;
  running.signal(SIGKILL);
  return running.wait() == 128 + SIGKILL;
}

// `check` after each kill, until there were enough.
template <class Check>
void kill_often(const std::vector<std::string>& arguments, random_moments& moments, Check check) {
  int kills = 0;
  for (int tries = 0; kills < kills_of_each; ++tries) {
    BOOST_REQUIRE(tries < 10 * kills_of_each);
    kills += kill_after(arguments, moments.next()) ? 1 : 0;
    check();
  }
}

void check_checkpoints(const fs::path& run) {
  if (!fs::exists(run / "checkpoints")) return;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto state = read_checkpoint(entry.path());
    BOOST_TEST(state.ok(), state.failure().text());
  }
}

std::map<std::uint64_t, double> losses_of(const fs::path& run) {
  std::map<std::uint64_t, double> losses;
  std::ifstream lines(run / "metrics.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    const auto added = losses.emplace(object.at("step").get<std::uint64_t>(), object.at("loss").get<double>());
    BOOST_TEST(added.second, "step " << added.first->first << " is there twice");
  }
  return losses;
}

std::ptrdiff_t entries_of(const fs::path& folder) { return std::distance(fs::directory_iterator(folder), {}); }

bool ended_well(const std::vector<std::string>& arguments) { return run_argosy(arguments).exit_code == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(killed)

BOOST_AUTO_TEST_CASE(training_leaves_whole_checkpoints_and_resumes_to_the_same_losses) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const milliseconds life = time_of(train_arguments(shop, folder / "whole"));
  random_moments moments(1, life);
  const auto expected = losses_of(folder / "whole");
  BOOST_TEST(expected.size() == 60u);

  int kills = 0;
  for (int run = 0; kills < kills_of_each; ++run) {
    BOOST_REQUIRE(run < kills_of_each);
    const fs::path where = folder / ("run-" + std::to_string(run));
    auto arguments = train_arguments(shop, where);
    arguments.push_back("--resume");
    for (int tries = 0; tries < 4 && kills < kills_of_each; ++tries) {
      kills += kill_after(arguments, moments.next()) ? 1 : 0;
      check_checkpoints(where);
    }
    BOOST_TEST(ended_well(arguments));
    BOOST_TEST((losses_of(where) == expected));
    BOOST_TEST(entries_of(where / "checkpoints") == 2);  // what the recipe keeps, and nothing of the killed
  }
}

// Killed after its last checkpoint was written and before an old one was removed.
BOOST_AUTO_TEST_CASE(a_run_at_its_end_lets_go_of_what_a_kill_left) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const fs::path run = folder / "run", checkpoints = run / "checkpoints";
  fs::copy(shop.run, run, fs::copy_options::recursive);
  BOOST_REQUIRE(entries_of(checkpoints) == 2);
  fs::copy(checkpoints / "00000060", checkpoints / "00000001", fs::copy_options::recursive);
  auto arguments = train_arguments(shop, run);
  arguments.push_back("--resume");
  BOOST_TEST(ended_well(arguments));
  BOOST_TEST(entries_of(checkpoints) == 2);
  BOOST_TEST(!fs::exists(checkpoints / "00000001"));
}

BOOST_AUTO_TEST_CASE(preparing_leaves_the_old_data_or_the_new) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const fs::path data = folder / "data";
  const auto arguments = prepare_arguments(shop, data);
  random_moments moments(2, time_of(prepare_arguments(shop, folder / "timed")));
  bool was_there = false;
  kill_often(arguments, moments, [&] {
    const auto opened = prepared_data::open(data);
    BOOST_TEST((opened.ok() || (!was_there && opened.failure().code() == errc::not_found)), opened.failure().text());
    if (opened.ok()) BOOST_TEST(opened->verify().ok());
    if (!opened.ok()) return;
    was_there = true;
  });
  BOOST_REQUIRE(ended_well(arguments));
  const auto opened = prepared_data::open(data);
  BOOST_REQUIRE(opened.ok());
  BOOST_TEST(opened->verify().ok());
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    BOOST_TEST((entry.path().filename() == "data" || entry.path().filename() == "timed"), "left behind: " << entry.path());
  }
}

BOOST_AUTO_TEST_CASE(publishing_leaves_a_current_generation_that_answers) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const fs::path store = folder / "store";
  const std::vector<std::string> arguments{"publish",  "--run",     shop.run,  "--catalogue", shop.catalogue,
                                           "--images", shop.images, "--store", store};
  random_moments moments(3, time_of(arguments));
  kill_often(arguments, moments, [&] {
    auto from = searcher::open(store, 1);
    BOOST_REQUIRE_MESSAGE(from.ok(), from.failure().text());
    BOOST_TEST(from->current().verify().ok());
    BOOST_TEST(nearest(*from, "red dress", 5).size() == 5u);
  });
  BOOST_TEST(ended_well(arguments));
}

BOOST_AUTO_TEST_SUITE_END()
