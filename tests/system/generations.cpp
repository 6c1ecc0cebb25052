// `argosy generations` as it is typed.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
namespace fs = std::filesystem;

namespace {

// A store of its own with three generations.
struct three_generations {
  scratch_folder folder;
  fs::path store = folder / "store";
  three_generations() {
    for (int i = 0; i < 3; ++i) must_run(publish_arguments(shared_small_shop(), store));
  }
  std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all{"generations", "--store", store};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  nlohmann::json list() const { return nlohmann::json::parse(must_run(words({"list", "--json"}))).at("generations"); }
  std::vector<int> numbers() const {
    std::vector<int> found;
    for (const auto& one : list()) found.push_back(one.at("number"));
    return found;
  }
  int current() const {
    for (const auto& one : list())
      if (one.at("current")) return one.at("number");
    return 0;
  }
};

void flip_a_byte(const fs::path& path) {
  std::string bytes = bytes_of_file(path);
  bytes[bytes.size() / 2] ^= 1;
  write_bytes(path, bytes);
}

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(generations_command)

BOOST_AUTO_TEST_CASE(a_list_for_people_and_for_programs) {
  const three_generations shop;
  const auto list = shop.list();
  BOOST_REQUIRE(list.size() == 3u);
  BOOST_TEST(list[2].at("current") == true);
  BOOST_TEST(list[0].at("current") == false);
  BOOST_TEST(list[0].at("products") == 60);
  BOOST_TEST(list[0].at("index") == "index-flat");
  BOOST_TEST(list[0].at("sealed").get<std::string>().size() == 20u);
  BOOST_TEST(list[0].at("bytes").get<std::uint64_t>() > 1000u);
  const std::string table = must_run(shop.words({}));
  BOOST_TEST((holds(table, "current") && holds(table, "index-flat") && holds(table, "60")), table);
  BOOST_TEST(must_run({"generations", "list", "--store", shop.store}) == table);
}

BOOST_AUTO_TEST_CASE(verify_rollback_and_prune) {
  const three_generations shop;
  BOOST_TEST(holds(must_run(shop.words({"verify"})), "generation 3: whole"));
  flip_a_byte(shop.store / "generations/000002/model.safetensors");
  const finished verified = run_argosy(shop.words({"verify"}));
  BOOST_TEST(verified.exit_code == 1);
  BOOST_TEST((holds(verified.out, "generation 1: whole") && holds(verified.out, "generation 2: corrupt") && holds(verified.err, "1 of 3")));
  BOOST_TEST(run_argosy(shop.words({"verify", "--generation", "3"})).exit_code == 0);

  const finished refused = run_argosy(shop.words({"rollback"}));
  BOOST_TEST(refused.exit_code == 1);
  BOOST_TEST(holds(refused.err, "model.safetensors"), refused.err);
  BOOST_TEST(shop.current() == 3);
  must_run(shop.words({"rollback", "--to", "1"}));
  BOOST_TEST(shop.current() == 1);
  must_run({"search", "--store", shop.store, "red dress"});

  must_run(shop.words({"prune", "--keep", "1"}));
  BOOST_TEST((shop.numbers() == std::vector<int>{1, 3}));
  BOOST_TEST(shop.current() == 1);
}

BOOST_AUTO_TEST_CASE(verify_reads_what_changed_since) {
  const three_generations shop;
  const std::string id = nlohmann::json::parse(must_run({"search", "--store", shop.store, "--json", "red dress"}))["results"][0]["id"];
  write_bytes(shop.folder / "ids.txt", id + "\n");
  must_run({"change", "--store", shop.store, "--remove", shop.folder / "ids.txt"});
  BOOST_TEST(holds(must_run(shop.words({"verify"})), "generation 3: whole"));

  // Another publish's products have not changed: that is said.
  const finished rolled = run_argosy(shop.words({"rollback", "--to", "1"}));
  BOOST_TEST(
      holds(rolled.err, "1 change since generation 3 was published, of which generation 1 has 0: `argosy generations rollback --to 3`"),
      rolled.err);
  BOOST_TEST(run_argosy(shop.words({"rollback", "--to", "3"})).err == "");
  const small_shop& made = shared_small_shop();
  const finished published = run_argosy({"publish", "--run", made.run, "--data", made.data, "--store", shop.store});
  BOOST_TEST(holds(published.err, "1 change since generation 3 was published, of which generation 4 has 0"), published.err);

  flip_a_byte(shop.store / "changes/000003.journal");
  const finished verified = run_argosy(shop.words({"verify"}));
  BOOST_TEST(verified.exit_code == 1);
  BOOST_TEST(holds(verified.out, "generation 3: corrupt"), verified.out);
}

BOOST_AUTO_TEST_CASE(a_backup_replaces_no_device) {
  const three_generations shop;
  const finished refused = run_argosy(shop.words({"backup", "--out", "/dev/null"}));
  BOOST_TEST(refused.exit_code == 1);
  BOOST_TEST(holds(refused.err, "/dev/null: want a regular file"), refused.err);
}

BOOST_AUTO_TEST_CASE(backup_and_restore) {
  const three_generations shop;
  const auto tar = shop.folder / "shop.tar";
  BOOST_TEST(holds(must_run(shop.words({"backup", "--out", tar})), "generation 3"));
  const std::string answer = must_run({"search", "--store", shop.store, "--json", "red dress"});
  fs::remove_all(shop.store);
  BOOST_TEST(holds(must_run(shop.words({"restore", "--from", tar})), "generation 1 is current"));
  BOOST_TEST(must_run({"search", "--store", shop.store, "--json", "red dress"}) == answer);
  BOOST_TEST(run_argosy(shop.words({"restore", "--from", shared_small_shop().images})).exit_code == 1);
  BOOST_TEST(shop.current() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
