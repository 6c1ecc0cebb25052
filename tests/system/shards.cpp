// A catalogue in shards: stores of one process, servers of others behind a router, replicas that die, shards that freeze, nodes without a
// certificate. All of them the real program.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "net/search_client.hpp"
#include "tests/support/bare_client.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/status.hpp"
#include "tests/system/running_server.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

struct sharded_shop {
  fs::path whole, part[2];
};

// The small shop's products, all together and in two stores.
const sharded_shop& shared_shards() {
  static const scratch_folder folder;
  static const sharded_shop made = [] {
    const small_shop& shop = shared_small_shop();
    const auto publish = [&](const fs::path& store, const std::string& shard) {
      std::vector<std::string> words{"publish",  "--run",     shop.run,  "--catalogue", shop.catalogue,
                                     "--images", shop.images, "--store", store};
      if (!shard.empty()) words.insert(words.end(), {"--shard", shard});
      must_run(words);
      return store;
    };
    return sharded_shop{publish(folder / "whole", ""), {publish(folder / "part0", "0/2"), publish(folder / "part1", "1/2")}};
  }();
  return made;
}

std::vector<std::string> node_words() { return {"--node", "127.0.0.1:0", "--threads", "1"}; }

bool is_ready(const http_answered& answered) { return answered.code == 200; }

json without_seconds(json answer) {
  for (const char* key : {"seconds", "generation", "partial", "shards"}) answer.erase(key);
  return answer;
}

// Scores travel as float32.
void check_same(const json& a, const json& b) {
  BOOST_REQUIRE(a.at("results").size() == b.at("results").size());
  for (std::size_t i = 0; i < a.at("results").size(); ++i) {
    json one = a.at("results")[i], other = b.at("results")[i];
    BOOST_TEST(one.at("score").get<float>() == other.at("score").get<float>());
    one.erase("score");
    other.erase("score");
    BOOST_TEST(one == other);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shards)

BOOST_AUTO_TEST_CASE(each_product_is_in_one_shard_and_together_they_answer_as_one_store) {
  const auto& shop = shared_shards();
  running_server whole(shop.whole);
  running_server both(shop.part[0], {"--store", shop.part[1]});
  running_server node0(shop.part[0], node_words()), node1(shop.part[1], node_words());
  running_server router("", {"--shard", node0.node(), "--shard", node1.node()});
  BOOST_TEST(router.soon("/readyz", is_ready));
  for (const std::string query : {"red+dress", "shoes", "blue+cotton+trousers"}) {
    for (const std::string how : {"&restrict=0&k=60", "&restrict=0&k=7", "&filter=category:shoes&restrict=0&k=9", "&k=12"}) {
      const std::string target = "/v1/search?q=" + query + how;
      const json wanted = whole.ask(target).object(), here = both.ask(target).object(), there = router.ask(target).object();
      BOOST_TEST(here.at("partial") == false);
      BOOST_TEST(there.at("shards").at("answered") == 2);
      BOOST_TEST(without_seconds(here) == without_seconds(there));
      if (how.find("restrict=0") != std::string::npos) check_same(here, wanted);
    }
  }
  // Every product is there once.
  auto ids = both.ids("/v1/search?q=red&restrict=0&k=60"), all = whole.ids("/v1/search?q=red&restrict=0&k=60");
  std::sort(ids.begin(), ids.end());
  std::sort(all.begin(), all.end());
  BOOST_TEST(ids == all, boost::test_tools::per_element());
  BOOST_TEST((router.end() == 0 && both.end() == 0));
}

BOOST_AUTO_TEST_CASE(messages_and_wrong_values_are_answered_by_a_router_too) {
  const auto& shop = shared_shards();
  running_server both(shop.part[0], {"--store", shop.part[1]});
  auto client = search_client::connect(both.messages());
  require_ok(client.failure());
  auto reply = client->search({.queries = {{.text = "red dress", .k = 3, .titles = true},
                                           {.text = ""},
                                           {.text = "shoes", .k = 4, .channel = wire_channel::hybrid},
                                           {.text = "shoes", .filter = "nosuch:1"}}},
                              60s);
  require_ok(reply.failure());
  BOOST_REQUIRE(reply->answers.size() == 4u);
  BOOST_TEST(reply->answers[0].results.size() == 3u);
  BOOST_TEST(reply->answers[0].shards_answered == 2u);
  BOOST_TEST(!reply->answers[0].results.front().title.empty());
  BOOST_TEST((reply->answers[1].code == wire_code::invalid && reply->answers[3].code == wire_code::invalid));
  BOOST_TEST(reply->answers[2].results.size() == 4u);
  std::vector<wire_query> hybrids(129, {.text = "shoes", .channel = wire_channel::hybrid});
  reply = client->search({.queries = hybrids}, 60s);
  require_ok(reply.failure());
  BOOST_TEST((reply->answers.size() == 129u && reply->answers[0].code == wire_code::invalid));

  BOOST_TEST(both.ask("/v1/search?q=red&filter=nosuch:1").code == 400);
  BOOST_TEST(both.ask("/v1/search?q=").code == 400);
  BOOST_TEST(both.ask("/v1/search?q=red&facets=1").object().at("parameter") == "facets");
  BOOST_TEST(both.ask("/v1/products/1").code == 404);
  BOOST_TEST(both.ask("/v1/search?q=red", "POST").code == 405);
  BOOST_TEST(both.ask("/metrics").body.find("argosy_replica_up{shard=\"1\"") != std::string::npos);
}

// Killed, and asked to end, in turn.
BOOST_AUTO_TEST_CASE(a_replica_that_goes_loses_no_query_and_is_asked_again_when_it_is_back) {
  const auto& shop = shared_shards();
  running_server node0(shop.part[0], node_words()), keeps(shop.part[1], node_words());
  auto goes = std::make_unique<running_server>(shop.part[1], node_words());
  const std::string address = goes->node();
  running_server router("", {"--shard", node0.node(), "--shard", keeps.node() + "," + address});
  const auto replica_answers = [&](bool wanted) {
    return [&address, wanted](const http_answered& answered) {
      const json told = answered.object();
      for (const json& one : told.at("replicas"))
        if (one.at("replica") == address) return one.at("answers") == wanted;
      return false;
    };
  };
  BOOST_TEST(router.soon("/readyz", replica_answers(true)));
  std::atomic<bool> done{false};
  std::atomic<int> whole{0}, others{0};
  std::vector<std::thread> askers;
  for (int t = 0; t < 3; ++t)
    askers.emplace_back([&] {
      while (!done) {
        const auto answered = router.ask("/v1/search?q=red+dress&k=3");
        const bool good = answered.code == 200 && answered.body.find("\"partial\":false") != std::string::npos;
        ++(good ? whole : others);
      }
    });
  for (int round = 0; round < 4; ++round) {
    const int before = whole;
    for (int waits = 0; waits < 6000 && whole < before + 100; ++waits) std::this_thread::sleep_for(10ms);
    if (round % 2 == 0) {
      goes->kill();
    } else {
      BOOST_TEST(goes->end() == 0);
    }
    goes.reset();
    BOOST_TEST(router.soon("/readyz", replica_answers(false)));
    for (int waits = 0; waits < 6000 && whole < before + 200; ++waits) std::this_thread::sleep_for(10ms);
    goes = std::make_unique<running_server>(shop.part[1], std::vector<std::string>{"--node", address, "--threads", "1"});
    BOOST_TEST(router.soon("/readyz", replica_answers(true)));
  }
  done = true;
  for (auto& one : askers) one.join();
  BOOST_TEST(others == 0);
  BOOST_TEST(whole >= 600);
}

BOOST_AUTO_TEST_CASE(a_frozen_shard_makes_partial_answers_within_the_deadline) {
  const auto& shop = shared_shards();
  running_server node0(shop.part[0], node_words()), freezes(shop.part[1], node_words());
  running_server router("", {"--shard", node0.node(), "--shard", freezes.node()});
  BOOST_TEST(router.soon("/readyz", is_ready));
  freezes.signal(SIGSTOP);
  for (int i = 0; i < 4; ++i) {
    const auto answered = router.ask("/v1/search?q=red+dress&k=3");
    BOOST_TEST(answered.code == 200);
    const json answer = answered.object();
    BOOST_TEST(answer.at("partial") == true);
    BOOST_TEST(answer.at("shards").at("answered") == 1);
    BOOST_TEST(answer.at("results").size() == 3u);
  }
  BOOST_TEST(router.ask("/readyz").code == 503);
  freezes.signal(SIGCONT);
  BOOST_TEST(router.soon("/v1/search?q=red+dress&k=3", [](const http_answered& one) { return one.object().at("partial") == false; }));
  freezes.kill();
  BOOST_TEST(router.soon("/readyz", [](const http_answered& one) { return one.code == 503; }));
  node0.kill();
  BOOST_TEST(router.soon("/v1/search?q=red+dress&k=3", [](const http_answered& one) { return one.code == 503; }));
}

BOOST_AUTO_TEST_CASE(nodes_beyond_this_machine_need_certificates) {
  const auto& shop = shared_shards();
  const auto refused = [](const std::vector<std::string>& words, const std::string& wanted) {
    const finished end = run_argosy(words);
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(end.err.find(wanted) != std::string::npos, end.err);
  };
  refused({"serve", "--store", shop.part[0], "--http", "127.0.0.1:0", "--node", "0.0.0.0:0"},
          "--node: `0.0.0.0` is not this machine: want --node-certificate");
  refused({"serve", "--http", "127.0.0.1:0", "--shard", "192.0.2.1:7000"}, "--shard: `192.0.2.1` is not this machine");
  refused({"serve", "--http", "127.0.0.1:0", "--shard", "127.0.0.1"}, "--shard: want HOST:PORT");
  refused({"serve", "--http", "127.0.0.1:0"}, "want --store, or --shard");
  refused({"serve", "--store", shop.part[0], "--store", shop.part[1], "--http", "127.0.0.1:0", "--writable"},
          "--writable, --images and --node");

  const scratch_folder folder;
  const certificate_authority ours(folder.path(), "ours"), theirs(folder.path(), "theirs");
  const auto with = [](const tls_files& own, const fs::path& trusted) {
    return std::vector<std::string>{"--node-certificate", own.certificate, "--node-key", own.key, "--node-authority", trusted};
  };
  const auto joined = [](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const std::string hosts = "IP:127.0.0.1";
  const tls_files of_node = ours.issue("node", hosts), of_router = ours.issue("router", hosts),
                  of_stranger = theirs.issue("stranger", hosts);
  refused(joined({"serve", "--store", shop.part[0], "--http", "127.0.0.1:0", "--node", "127.0.0.1:0"},
                 with({of_node.certificate, of_router.key}, ours.certificate())),
          "want the key of");
  refused({"serve", "--store", shop.part[0], "--http", "127.0.0.1:0", "--node", "127.0.0.1:0", "--node-key", of_node.key},
          "some of the three");
  refused(
      joined({"serve", "--store", shop.part[0], "--http", "127.0.0.1:0", "--node", "127.0.0.1:0"}, with(of_node, folder / "missing.pem")),
      "missing.pem");

  running_server node(shop.part[0], joined({"--node", "0.0.0.0:0", "--threads", "1"}, with(of_node, ours.certificate())));
  const std::string address = "127.0.0.1" + node.node().substr(node.node().rfind(':'));
  running_server router("", joined({"--shard", address}, with(of_router, ours.certificate())));
  BOOST_TEST(router.soon("/readyz", is_ready));
  BOOST_TEST(router.ask("/v1/search?q=red+dress&k=3").object().at("shards").at("answered") == 1);

  running_server stranger("", joined({"--shard", address}, with(of_stranger, theirs.certificate())));
  running_server deceived("", joined({"--shard", address}, with(of_stranger, ours.certificate())));
  running_server plain("", {"--shard", address});
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(4096, '\xff'), std::string("\x16\x03\x01\xff\xff", 5)}) {
    bare_client garbage(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    garbage.send(bytes);
  }
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(200ms);  // several attempts of each
    for (const running_server* one : {&stranger, &deceived, &plain}) {
      BOOST_TEST(one->ask("/readyz").code == 503);
      BOOST_TEST(one->ask("/v1/search?q=red+dress&k=3").code == 503);
    }
    BOOST_TEST(router.ask("/v1/search?q=red+dress&k=3").object().at("partial") == false);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test
