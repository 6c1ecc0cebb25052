// A training job of many nodes: coordinator and workers are the real program, and die.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/bytes.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/machine_name.hpp"
#include "tests/support/numbered_weights.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

std::vector<json> lines_of(const fs::path& file) {
  std::vector<json> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

class running_job {
public:
  explicit running_job(const fs::path& run, std::vector<std::string> sets = {}, std::vector<std::string> more = {})
      : run_(run), sets_(std::move(sets)), more_(std::move(more)) {
    begin("127.0.0.1:0");
  }

  // At the same address, where nodes look for it.
  void begin(const std::string& address) {
    fs::remove(folder_ / "address");
    std::vector<std::string> words{"coordinator",
                                   "--data",
                                   shared_small_shop().data,
                                   "--recipe",
                                   shared_small_shop().recipe,
                                   "--run",
                                   run_,
                                   "--listen",
                                   address,
                                   "--nodes",
                                   "0",
                                   "--address-file",
                                   folder_ / "address"};
    words.insert(words.end(), more_.begin(), more_.end());
    if (!sets_.empty()) words.emplace_back("--set");
    words.insert(words.end(), sets_.begin(), sets_.end());
    coordinator = std::make_unique<background_argosy>(words, folder_ / "coordinator.err");
    for (int i = 0; i < 1000 && !fs::exists(folder_ / "address"); ++i) std::this_thread::sleep_for(10ms);
    BOOST_REQUIRE_MESSAGE(fs::exists(folder_ / "address"), told());
    std::ifstream(folder_ / "address") >> address_;
  }
  // What the next coordinator is told too.
  void more(const std::vector<std::string>& words) { more_.insert(more_.end(), words.begin(), words.end()); }
  std::unique_ptr<background_argosy> node(const std::vector<std::string>& more = {}) const { return node_at(run_, more); }
  std::unique_ptr<background_argosy> node_at(const fs::path& checkpoints, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"worker",    "--data", shared_small_shop().data, "--run", checkpoints, "--join", address_,
                                   "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return std::make_unique<background_argosy>(words, folder_ / "worker.err");
  }
  json standing() const { return json::parse(must_run({"status", address_, "--json"})); }
  bool soon(const std::function<bool(const json&)>& as_wanted, std::chrono::seconds patience = 12s) const {
    for (int i = 0; i < patience / 20ms; ++i) {
      const auto asked = run_argosy({"status", address_, "--json"});
      if (asked.exit_code == 0 && as_wanted(json::parse(asked.out))) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }
  bool soon_at_step(std::uint64_t step) const {
    return soon([step](const json& now) { return now.at("step").get<std::uint64_t>() >= step; });
  }
  json ledger() const { return json::parse(must_run({"ledger", "--run", run_, "--json"})); }
  std::string told() const { return bytes_of_file(folder_ / "coordinator.err") + bytes_of_file(folder_ / "worker.err"); }
  const std::string& address() const noexcept { return address_; }
  const fs::path& run() const noexcept { return run_; }

  std::unique_ptr<background_argosy> coordinator;

private:
  scratch_folder folder_;
  fs::path run_;
  std::vector<std::string> sets_, more_;
  std::string address_;
};

BOOST_AUTO_TEST_SUITE(jobs)

// 16 pairs on all nodes together; with the products of all after half of the steps.
void check_two_processes(const std::string& set) {
  const small_shop& shop = shared_small_shop();  // trained by two workers, gradients summed after backward, moments whole
  const scratch_folder folder;
  running_job job(folder / "run", {set}, {"--least", "2"});
  const auto one = job.node(), other = job.node();
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(one->wait() == 0);
  BOOST_TEST(other->wait() == 0);
  const auto together = lines_of(shop.run / "metrics.jsonl"), apart = lines_of(job.run() / "metrics.jsonl");
  BOOST_TEST_REQUIRE(together.size() == 60u);
  BOOST_TEST_REQUIRE(apart.size() == 60u);
  for (std::size_t i = 0; i < 60; ++i)
    for (const char* key : {"loss", "gradient_norm", "negatives_product", "negatives_bank", "pairs"})
      BOOST_TEST(together[i].at(key) == apart[i].at(key), key << " of step " << i);
  BOOST_TEST((apart[0].at("loss_mpm").is_null() && together[0].at("loss_mpm").is_null()));  // that task is off
  BOOST_TEST(apart.front().at("negatives_product").get<double>() < 8);
  BOOST_TEST(apart.back().at("negatives_product").get<double>() > 8);
  const auto ledger = job.ledger();
  BOOST_TEST(ledger.at("steps") == 60u);
  BOOST_TEST(ledger.at("groups") == 1u);
  must_run({"publish", "--run", job.run(), "--data", shop.data, "--store", folder / "store"});
}

BOOST_AUTO_TEST_CASE(two_processes_train_as_two_workers_of_one_do) { check_two_processes("train.bucket_kib=0"); }
BOOST_AUTO_TEST_CASE(two_processes_that_sum_in_many_buckets_too) { check_two_processes("train.bucket_kib=1"); }
BOOST_AUTO_TEST_CASE(two_processes_that_hold_shards_of_the_moments_too) { check_two_processes("train.shard_moments=true"); }

// Weights that fill each tensor with its own number, for the recipe and the data of the small shop.
fs::path made_initial_weights(const fs::path& folder, float of_positions = .1F) {
  const small_shop& shop = shared_small_shop();
  const auto data = prepared_data::open(shop.data);
  const auto chosen = load_recipe(shop.recipe, {});
  BOOST_REQUIRE((data.ok() && chosen.ok()));
  initial_weights weights = numbered_weights(*chosen, data->vocab());
  for (auto& tensor : weights.tensors)
    if (tensor.name == "position")
      tensor = {tensor.name, 64, tensor.cols, std::vector<float>(static_cast<std::size_t>(64 * tensor.cols), of_positions)};
  BOOST_REQUIRE(write_initial_weights(folder, weights).ok());
  return folder;
}

BOOST_AUTO_TEST_CASE(a_job_starts_from_initial_weights_that_all_nodes_have) {
  const small_shop& shop = shared_small_shop();
  const scratch_folder folder;
  const std::string initial = made_initial_weights(folder / "initial");
  must_run(
      {"train", "--data", shop.data, "--recipe", shop.recipe, "--run", folder / "one", "--initial", initial, "--set", "train.workers=2"});
  running_job job(folder / "run", {}, {"--least", "2", "--initial", initial});
  const std::string others = made_initial_weights(folder / "others", .2F);
  const auto is_refused = [](std::vector<std::string> words, const std::vector<std::string>& more, const char* why) {
    words.insert(words.end(), more.begin(), more.end());
    const auto ended = run_argosy(words);
    BOOST_TEST(ended.exit_code == 1);
    BOOST_TEST(ended.err.find(why) != std::string::npos, ended.err);
  };
  const std::vector<std::string> joins{"worker", "--data", shop.data, "--run", job.run(), "--join", job.address()};
  is_refused(joins, {}, "want the weights that the coordinator's --initial names, got none");
  is_refused(joins, {"--initial", others}, "want the weights that the coordinator's --initial names, got others");
  const auto one = job.node({"--initial", initial}), other = job.node({"--initial", initial});
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(one->wait() == 0);
  BOOST_TEST(other->wait() == 0);
  const auto together = lines_of(folder / "one/metrics.jsonl"), apart = lines_of(job.run() / "metrics.jsonl");
  BOOST_TEST_REQUIRE(apart.size() == together.size());
  for (std::size_t i = 0; i < apart.size(); ++i)
    for (const char* key : {"loss", "gradient_norm"}) BOOST_TEST(apart[i].at(key) == together[i].at(key), key << " of step " << i);
  BOOST_TEST(apart[0].at("loss") != lines_of(shop.run / "metrics.jsonl")[0].at("loss"));
  const std::vector<std::string> again{"coordinator", "--data", shop.data, "--recipe", shop.recipe, "--run", job.run()};
  must_run(again);
  is_refused(again, {"--initial", others}, "the job began from other initial weights");
  running_job plain(folder / "plain");
  is_refused({"worker", "--data", shop.data, "--run", plain.run(), "--join", plain.address()}, {"--initial", initial},
             "the job starts from no initial weights");
}

BOOST_AUTO_TEST_CASE(nodes_that_are_killed_or_stand_still_are_done_without_and_others_join) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=4000", "checkpoint.every=1000"}, {"--least", "2"});
  std::vector<std::unique_ptr<background_argosy>> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(job.node());
  BOOST_TEST_REQUIRE(job.soon_at_step(20), job.told());
  for (int kills = 0; kills < 4; ++kills) {
    const auto before = job.standing().at("step").get<std::uint64_t>();
    nodes[static_cast<std::size_t>(kills % 3)] = nullptr;  // kill -9
    nodes[static_cast<std::size_t>(kills % 3)] = job.node();
    BOOST_TEST_REQUIRE(job.soon_at_step(before + 20), job.told());
  }
  BOOST_TEST(job.soon([](const json& now) { return now.at("nodes").size() == 3u && now.at("nodes")[2].at("rank") == 2; }));
  nodes[0]->signal(SIGSTOP);
  const auto before = job.standing().at("step").get<std::uint64_t>();
  BOOST_TEST(job.soon_at_step(before + 50), job.told());
  nodes[0]->signal(SIGCONT);
  BOOST_TEST(job.soon([](const json& now) { return now.at("nodes").size() == 3u && now.at("nodes")[2].at("rank") == 2; }), job.told());
  const auto all_have_worked = [](const json& now) {
    return std::ranges::all_of(now.at("nodes"), [](const json& node) {
      return std::ranges::all_of(node.at("actors"),
                                 [](const json& actor) { return actor.at("name") == "checkpointer" || actor.at("handled") > 0; });
    });
  };
  BOOST_TEST(job.soon(all_have_worked), job.told());
  const json standing = job.standing();
  for (const json& node : standing.at("nodes")) {
    BOOST_TEST_REQUIRE(node.at("actors").size() == 5u, node.dump());
    for (const json& actor : node.at("actors")) {
      BOOST_TEST(actor.at("starts").get<std::uint64_t>() > 0, actor.dump());
      BOOST_TEST(actor.at("busy_s").get<double>() >= actor.at("longest_s").get<double>());
    }
  }
  job.coordinator->signal(SIGTERM);
  BOOST_TEST(job.coordinator->wait() == 130, job.told());
  const auto ledger = job.ledger();
  BOOST_TEST(ledger.at("taken_back") == 0u);
  BOOST_TEST(ledger.at("steps") == lines_of(job.run() / "metrics.jsonl").size());
}

// A neighbour has a copy of every shard.
BOOST_AUTO_TEST_CASE(nodes_with_shards_of_the_moments_are_killed_and_the_others_go_on) {
  const small_shop& shop = shared_small_shop();
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=400", "checkpoint.every=150", "train.shard_moments=true"}, {"--least", "2"});
  std::vector<std::unique_ptr<background_argosy>> nodes;
  for (int i = 0; i < 4; ++i) nodes.push_back(job.node());
  BOOST_TEST_REQUIRE(job.soon([](const json& now) { return now.at("step") >= 10u && now.at("nodes").size() == 4u; }), job.told());
  for (std::size_t kills = 0; kills < 3; ++kills) {
    const auto before = job.standing().at("step").get<std::uint64_t>();
    nodes[kills] = nullptr;  // kill -9
    nodes[kills] = job.node();
    BOOST_TEST_REQUIRE(job.soon_at_step(before + 20), job.told());
  }
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  const auto ledger = job.ledger();
  BOOST_TEST(ledger.at("steps") == 400u);
  // A node killed between the last word of all and the first update takes a shard of that step with it: then it is told.
  const bool is_told = job.told().find("no node that is left has one of the shards") != std::string::npos;
  BOOST_TEST((ledger.at("taken_back") > 0u) == is_told, job.told());
  BOOST_TEST(ledger.at("groups") > 3u);
  must_run({"publish", "--run", job.run(), "--data", shop.data, "--store", folder / "store"});
}

std::size_t times_in(const std::string& text, std::string_view what) {
  std::size_t times = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++times;
  return times;
}

// Neighbours are of different machines, so two nodes that go with theirs take no shard with them.
BOOST_AUTO_TEST_CASE(machines_with_shards_of_the_moments_die_and_the_others_go_on) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=4000", "train.shard_moments=true"}, {"--least", "2"});
  std::vector<std::unique_ptr<background_argosy>> nodes;
  const auto begin_two = [&](const std::string& machine) {
    const machine_name name(machine);
    for (int i = 0; name && i < 2; ++i) nodes.push_back(job.node());
    return static_cast<bool>(name);
  };
  if (!begin_two("first")) return;
  const auto trains_with = [&](std::size_t count) {
    return job.soon([=](const json& now) { return now.at("step") >= 1u && now.at("nodes").size() == count; });
  };
  BOOST_TEST_REQUIRE(trains_with(2), job.told());
  BOOST_TEST_REQUIRE(begin_two("second"));
  constexpr std::size_t deaths = 3;
  for (std::size_t death = 0; death < deaths; ++death) {
    const auto all_train = [](const json& now) {
      const auto& those = now.at("nodes");
      return those.size() == 4u && std::ranges::all_of(those, [](const json& node) { return !node.at("rank").is_null(); });
    };
    BOOST_TEST_REQUIRE(job.soon(all_train), job.told());
    const json now = job.standing();
    for (std::size_t rank = 0; rank < 4; ++rank) {
      const auto machine_of = [&](std::size_t of) { return now.at("nodes")[of % 4].at("name").get<std::string>().substr(0, 5); };
      BOOST_TEST(machine_of(rank) != machine_of(rank + 1), now.dump());
    }
    BOOST_TEST_REQUIRE(job.soon_at_step(now.at("step").get<std::uint64_t>() + 10), job.told());
    nodes[0]->signal(SIGKILL);
    nodes[1]->signal(SIGKILL);
    nodes.erase(nodes.begin(), nodes.begin() + 2);
    const auto two_train = [](const json& left) { return left.at("nodes").size() == 2u; };
    BOOST_TEST_REQUIRE(job.soon(two_train), job.told());
    BOOST_TEST_REQUIRE(job.soon_at_step(job.standing().at("step").get<std::uint64_t>() + 10), job.told());
    BOOST_TEST_REQUIRE(begin_two(death % 2 == 0 ? "first" : "second"));
  }
  job.coordinator->signal(SIGTERM);
  BOOST_TEST(job.coordinator->wait() == 130, job.told());
  // But where they go in the moment between the last word of all and the first update: once, with bad luck.
  const auto lost = times_in(job.told(), "no node that is left has one of the shards");
  BOOST_TEST(lost <= 1u, job.told());
  BOOST_TEST((lost > 0 || job.ledger().at("taken_back") == 0u), job.told());
}

// Of two nodes that go at once, of three, one had the copy of the other's shard.
BOOST_AUTO_TEST_CASE(a_shard_that_nobody_has_left_takes_the_job_back_to_its_checkpoint) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=4000", "checkpoint.every=100", "train.shard_moments=true"});
  std::vector<std::unique_ptr<background_argosy>> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(job.node());
  const auto has_saved = [](const json& now) { return now.at("step") >= 130u && now.at("nodes").size() == 3u; };
  BOOST_TEST_REQUIRE(job.soon(has_saved, 60s), job.told());
  nodes[0]->signal(SIGKILL);
  nodes[1]->signal(SIGKILL);
  BOOST_TEST_REQUIRE(job.soon([](const json& now) { return now.at("nodes").size() == 1u && now.at("nodes")[0].at("rank") == 0; }),
                     job.told());
  const auto before = job.standing().at("step").get<std::uint64_t>();
  BOOST_TEST(job.soon_at_step(before + 20), job.told());
  job.coordinator->signal(SIGTERM);
  BOOST_TEST(job.coordinator->wait() == 130, job.told());
  BOOST_TEST(job.ledger().at("taken_back") > 0u);
  const auto other = run_argosy({"coordinator", "--data", shared_small_shop().data, "--recipe", shared_small_shop().recipe, "--run",
                                 job.run(), "--listen", "127.0.0.1:0", "--set", "train.steps=4000", "checkpoint.every=100"});
  BOOST_TEST(other.exit_code == 1);
  BOOST_TEST(other.err.find("train.shard_moments: the job began with true") != std::string::npos, other.err);
  BOOST_TEST(job.told().find("no node that is left has one of the shards of the moments after ") != std::string::npos, job.told());
}

// Runs a process for a moment of every few, until it goes.
class slowed {
public:
  slowed(std::chrono::milliseconds run, std::chrono::milliseconds stand, background_argosy& what)
      : thread_([run, stand, &what](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            what.signal(SIGSTOP);
            std::this_thread::sleep_for(stand);
            what.signal(SIGCONT);
            std::this_thread::sleep_for(run);
          }
        }) {}

private:
  std::jthread thread_;
};

BOOST_AUTO_TEST_CASE(a_node_far_slower_than_the_others_is_done_without) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=100000", "checkpoint.every=1000", "model.hidden=64", "model.feed_forward=256"},
                  {"--least", "2"});
  std::vector<std::unique_ptr<background_argosy>> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(job.node());
  BOOST_TEST_REQUIRE(job.soon_at_step(20), job.told());
  {
    const slowed one(10ms, 300ms, *nodes[1]);
    const auto is_told = [&](const json&) { return job.told().find("it is far slower than the others") != std::string::npos; };
    BOOST_TEST(job.soon(is_told, 60s), job.told());
    BOOST_TEST(job.soon_at_step(job.standing().at("step").get<std::uint64_t>() + 50), job.told());
  }
  job.coordinator->signal(SIGTERM);
  BOOST_TEST(job.coordinator->wait() == 130, job.told());
  const auto ledger = job.ledger();
  BOOST_TEST((ledger.at("stopped") == true && ledger.at("ended") == false), ledger.dump());
  BOOST_TEST(ledger.at("taken_back") == 0u);
  BOOST_TEST(ledger.at("steps") == lines_of(job.run() / "metrics.jsonl").size());
}

BOOST_AUTO_TEST_CASE(a_node_whose_disk_is_full_hands_the_checkpoint_over) {
  const small_disk full(64 * 1024);
  if (!full) return;
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=200", "checkpoint.every=100"}, {"--least", "2"});
  const auto first = job.node_at(full / "run");  // so it is rank 0
  BOOST_TEST_REQUIRE(job.soon([](const json& now) { return now.at("nodes").size() == 1u; }), job.told());
  const auto other = job.node_at(folder / "other");
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(first->wait() == 0);
  BOOST_TEST(other->wait() == 0);
  BOOST_TEST(job.told().find("No space left on device") != std::string::npos, job.told());
  BOOST_TEST(fs::exists(folder / "other/checkpoints/00000200"));
  BOOST_TEST(job.ledger().at("steps") == 200u);
}

BOOST_AUTO_TEST_CASE(the_status_tells_that_nobody_can_write_a_checkpoint) {
  const small_disk full(64 * 1024);
  if (!full) return;
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=100000", "checkpoint.every=50"}, {"--least", "1"});
  const auto one = job.node_at(full / "run");
  BOOST_TEST_REQUIRE(job.soon([](const json& now) { return now.contains("unsaved") && now.at("unsaved").is_object(); }), job.told());
  BOOST_TEST(job.standing().at("checkpoint").is_null());
  const auto shown = run_argosy({"status", job.address()});
  BOOST_TEST(shown.out.find("no checkpoint for ") != std::string::npos, shown.out);
  BOOST_TEST(shown.out.find("No space left on device") != std::string::npos, shown.out);
}

BOOST_AUTO_TEST_CASE(a_coordinator_that_is_killed_is_followed_by_another_and_nodes_hold_meanwhile) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=600", "checkpoint.every=100"}, {"--least", "2"});
  const auto one = job.node(), other = job.node();
  BOOST_TEST_REQUIRE(job.soon_at_step(150), job.told());
  job.coordinator->signal(SIGKILL);
  BOOST_TEST(job.coordinator->wait() == 128 + SIGKILL);
  std::this_thread::sleep_for(300ms);
  job.begin(job.address());
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(one->wait() == 0);
  BOOST_TEST(other->wait() == 0);
  const auto ledger = job.ledger();
  BOOST_TEST(ledger.at("steps") == 600u);
  BOOST_TEST(ledger.at("coordinators") == 2u);
  BOOST_TEST(ledger.at("taken_back") == 0u);
  BOOST_TEST(lines_of(job.run() / "metrics.jsonl").size() == 600u);
}

// Nobody has a replica any more: it goes on from the checkpoint, with all that was trained after it once more.
BOOST_AUTO_TEST_CASE(a_job_of_which_every_process_was_killed_goes_on_from_its_checkpoint) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=300", "checkpoint.every=50"}, {"--least", "2"});
  auto one = job.node(), other = job.node();
  BOOST_TEST_REQUIRE(job.soon([](const json& now) { return now.at("checkpoint").is_number() && now.at("checkpoint") >= 100; }), job.told());
  one = nullptr;
  other = nullptr;
  job.coordinator->signal(SIGKILL);
  job.coordinator->wait();
  job.begin(job.address());
  one = job.node();
  other = job.node();
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  const auto ledger = job.ledger();
  BOOST_TEST(ledger.at("steps") == 300u);
  const auto lines = lines_of(job.run() / "metrics.jsonl");
  BOOST_TEST_REQUIRE(lines.size() == 300u);
  for (std::size_t i = 0; i < lines.size(); ++i) BOOST_TEST(lines[i].at("step") == i);
}

// Of the newest checkpoint; the one before is whole.
BOOST_AUTO_TEST_CASE(a_flipped_byte_of_a_checkpoint_costs_the_steps_since_the_one_before) {
  const small_shop& shop = shared_small_shop();
  const scratch_folder folder;
  const std::vector<std::string> sets{"train.steps=2000", "checkpoint.every=50", "checkpoint.keep=2"};
  running_job job(folder / "run", sets, {"--least", "2"});
  auto one = job.node(), other = job.node();
  BOOST_TEST_REQUIRE(job.soon_at_step(120), job.told());
  const auto train = [&] {
    std::vector<std::string> words{"train", "--data", shop.data, "--recipe", shop.recipe, "--run", job.run(), "--resume", "--set"};
    words.insert(words.end(), sets.begin(), sets.end());
    return run_argosy(words);
  };
  const auto beside = train();
  BOOST_TEST(beside.exit_code == 1);
  BOOST_TEST(beside.err.find("a job of many nodes trains here") != std::string::npos, beside.err);
  job.coordinator->signal(SIGTERM);
  BOOST_TEST(job.coordinator->wait() == 130, job.told());
  one->wait();
  other->wait();

  fs::path newest;
  for (const auto& each : fs::directory_iterator(job.run() / "checkpoints")) newest = std::max(newest, each.path());
  std::string bytes = bytes_of_file(newest / "model.safetensors");
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(newest / "model.safetensors", std::ios::binary) << bytes;
  const std::uint64_t steps = std::stoull(newest.filename().string());
  job.begin("127.0.0.1:0");
  one = job.node(), other = job.node();
  BOOST_TEST_REQUIRE(job.soon_at_step(steps + 20), job.told());
  job.coordinator->signal(SIGTERM);
  BOOST_TEST(job.coordinator->wait() == 130, job.told());
  one->wait();
  other->wait();
  BOOST_TEST(job.told().find("the checkpoint after " + std::to_string(steps) + " steps is broken") != std::string::npos, job.told());
  BOOST_TEST(fs::exists(newest.string() + ".broken"));
  BOOST_TEST(job.ledger().at("taken_back").get<std::uint64_t>() > 0u);

  // Its last checkpoint has the banks of two, and goes on in one process too.
  const auto alone = train();
  BOOST_TEST(alone.exit_code == 0, alone.err);
  BOOST_TEST(alone.err.find("which cannot go on here") != std::string::npos, alone.err);
  BOOST_TEST(lines_of(job.run() / "metrics.jsonl").size() == 2000u);
}

BOOST_AUTO_TEST_CASE(a_job_goes_on_without_a_checkpoint_that_is_lost_when_it_is_told_to) {
  const scratch_folder folder;
  running_job job(folder / "run", {"train.steps=4000"});
  auto one = job.node();
  BOOST_TEST_REQUIRE(job.soon_at_step(10), job.told());
  const auto taken = run_argosy({"coordinator", "--data", shared_small_shop().data, "--recipe", shared_small_shop().recipe, "--run",
                                 folder / "other", "--listen", job.address()});
  BOOST_TEST(taken.exit_code == 1);
  BOOST_TEST(taken.err.find(job.address() + ": cannot listen there: the port is taken") != std::string::npos, taken.err);
  job.coordinator->signal(SIGTERM);
  job.coordinator->wait();
  one->wait();
  fs::remove_all(job.run() / "checkpoints");
  job.begin("127.0.0.1:0");
  one = job.node();
  for (int i = 0; i < 1000 && job.told().find("waiting for one; if it is lost") == std::string::npos; ++i)
    std::this_thread::sleep_for(10ms);
  BOOST_TEST(job.told().find("waiting for one; if it is lost, begin the coordinator with --without-checkpoint") != std::string::npos,
             job.told());
  job.coordinator->signal(SIGKILL);
  job.coordinator->wait();
  job.more({"--without-checkpoint"});
  job.begin(job.address());
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(one->wait() == 0);
  const auto ledger = job.ledger();
  BOOST_TEST(ledger.at("steps") == 4000u);
  BOOST_TEST(ledger.at("taken_back").get<std::uint64_t>() >= 10u);
}

BOOST_AUTO_TEST_CASE(nodes_without_the_secret_or_with_other_data_do_not_join) {
  const scratch_folder folder;
  const auto secret = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text << '\n';
    fs::permissions(folder / name, fs::perms::owner_read | fs::perms::owner_write);
    return (folder / name).string();
  };
  const std::string right = secret("right", "of-all-nodes-of-this-job-0123456789abcdef");
  const std::string wrong = secret("wrong", "of-nobody-at-all-0123456789abcdef0123456");
  running_job job(folder / "run", {"train.steps=200"}, {"--least", "2", "--node-secret", right});
  const auto stranger = job.node({"--node-secret", wrong}), plain = job.node();
  BOOST_TEST(run_argosy({"status", job.address(), "--json", "--node-secret", wrong}).exit_code == 1);
  const auto one = job.node({"--node-secret", right}), other = job.node({"--node-secret", right});
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(one->wait() == 0);
  BOOST_TEST(other->wait() == 0);
  BOOST_TEST(!stranger->wait_for(0ms).has_value());  // looks for a coordinator that would have it
  BOOST_TEST(!plain->wait_for(0ms).has_value());
  BOOST_TEST(job.told().find("a node was not let in") != std::string::npos, job.told());
  BOOST_TEST(job.ledger().at("groups") == 1u);

  const small_shop& shop = shared_small_shop();
  must_run({"demo-shop", folder / "shop", "--products", "40", "--seed", "4", "--log-lines", "100"});
  must_run({"prepare", "--catalogue", folder / "shop/products.jsonl.gz", "--images", folder / "shop/images.tar", "--log",
            folder / "shop/train_log.tsv.gz", "--out", folder / "other"});
  running_job second(folder / "second");
  const auto refused = run_argosy({"worker", "--data", folder / "other", "--run", folder / "elsewhere", "--join", second.address()});
  BOOST_TEST(refused.exit_code == 1);
  BOOST_TEST(refused.err.find("want the data with fingerprint") != std::string::npos, refused.err);
  const auto again = run_argosy({"coordinator", "--data", shop.data, "--recipe", shop.recipe, "--run", second.run()});
  BOOST_TEST(again.exit_code == 1);
  BOOST_TEST(again.err.find("ledger.journal") != std::string::npos, again.err);
}

BOOST_AUTO_TEST_CASE(a_node_on_another_kind_of_device_than_the_job_s_is_refused_before_it_joins) {
  const scratch_folder folder;
  for (const auto& [of_job, own] : {std::pair{"cpu", "cuda"}, std::pair{"cuda", "cpu"}}) {
    running_job job(folder / of_job, {std::string("train.device=\"") + of_job + '"'});
    const auto refused =
        run_argosy({"worker", "--data", shared_small_shop().data, "--run", job.run(), "--join", job.address(), "--device", own});
    BOOST_TEST(refused.exit_code == 1);
    BOOST_TEST(refused.err.find(std::string("--device ") + own + ": the job's recipe has train.device = \"" + of_job) != std::string::npos,
               refused.err);
    BOOST_TEST(job.standing().at("nodes").empty());
  }
}

BOOST_AUTO_TEST_CASE(nodes_that_another_authority_signed_do_not_join) {
  const scratch_folder folder;
  const certificate_authority ours(folder.path(), "ours"), theirs(folder.path(), "theirs");
  const auto of = [](const certificate_authority& signs, const std::string& name, const certificate_authority& trusts) {
    const tls_files made = signs.issue(name, "IP:127.0.0.1");
    return std::vector<std::string>{"--node-certificate", made.certificate,    "--node-key", made.key,
                                    "--node-authority",   trusts.certificate()};
  };
  std::vector<std::string> of_coordinator = of(ours, "coordinator", ours);
  of_coordinator.insert(of_coordinator.end(), {"--least", "2"});
  running_job job(folder / "run", {"train.steps=200"}, of_coordinator);
  const auto stranger = job.node(of(theirs, "stranger", theirs)), liar = job.node(of(theirs, "liar", ours));
  const auto one = job.node(of(ours, "one", ours)), other = job.node(of(ours, "other", ours));
  BOOST_TEST(job.coordinator->wait() == 0, job.told());
  BOOST_TEST(one->wait() == 0);
  BOOST_TEST(other->wait() == 0);
  BOOST_TEST(!stranger->wait_for(0ms).has_value());  // they look for a coordinator that would have them
  BOOST_TEST(!liar->wait_for(0ms).has_value());
  BOOST_TEST(job.ledger().at("groups") == 1u);
}

BOOST_AUTO_TEST_CASE(beyond_this_machine_a_secret_is_wanted) {
  const small_shop& shop = shared_small_shop();
  const scratch_folder folder;
  const auto open =
      run_argosy({"coordinator", "--data", shop.data, "--recipe", shop.recipe, "--run", folder / "run", "--listen", "0.0.0.0:0"});
  BOOST_TEST(open.exit_code == 1);
  BOOST_TEST(open.err.find("needs a secret or certificates") != std::string::npos, open.err);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::test
