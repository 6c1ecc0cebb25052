// `argosy change` and `argosy compact`: products put and removed are found, or not, by the next search; killed, nothing that was said is lost.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

using nlohmann::json;
using words = std::vector<std::string>;
namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct changing_shop {
  scratch_folder folder;
  fs::path store = folder / "store";

  changing_shop() {
    write("products.tsv",
          "1\tzorro running shoes\t\tZorro\tSports Shoes\t100\n"
          "2\tzorro casual shoes\t\tZorro\tCasual Shoes\t200\n"
          "3\tmaxima casual shoes\t\tMaxima\tCasual Shoes\t300\n"
          "4\tzorro bag\t\tZorro\tBags\t400\n"
          "5\tmaxima bag\t\tMaxima\tBags\t500\n");
    must_run({"publish", "--run", shared_small_shop().run, "--catalogue", folder / "products.tsv", "--store", store});
  }

  fs::path write(const char* name, const std::string& lines) const {
    std::ofstream(folder / name) << "id\ttitle\timage\tbrand\tcategory\tprice\n" << lines;
    return folder / name;
  }
  fs::path list(const std::string& ids) const {
    write_bytes(folder / "ids.txt", ids);
    return folder / "ids.txt";
  }
  words change(words more) const {
    words all{"change", "--store", store};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string put(const std::string& lines) const { return must_run(change({"--put", write("put.tsv", lines)})); }
  std::string remove(const std::string& ids) const { return must_run(change({"--remove", list(ids)})); }

  json answer(words arguments) const {
    words command{"search", "--store", store, "--json"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return json::parse(must_run(command));
  }
  // Of the products within the restriction, or of all.
  std::set<std::string> found(words arguments) const {
    std::set<std::string> ids;
    const json answered = answer(std::move(arguments));
    for (const auto& one : answered.at("results"))
      if (one.at("within") == true) ids.insert(one.at("id"));
    return ids;
  }
  json current() const {
    const json all = json::parse(must_run({"generations", "--store", store, "list", "--json"})).at("generations");
    for (const auto& one : all)
      if (one.at("current") == true) return one;
    return {};
  }
};

using ids = std::set<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(changes)

BOOST_AUTO_TEST_CASE(what_is_put_and_removed_is_searched_at_once_and_after_compaction) {
  const changing_shop shop;
  const std::string said = shop.put(
      "6\tzorro sandals\t\tZorro\tSandals\t150\n"
      "2\tmaxima boots\t\tMaxima\tBoots\t250\n");
  BOOST_TEST(holds(said, "2 products put, of which 1 replaced others"), said);
  BOOST_TEST(holds(shop.remove("5\nnot-there\n"), "1 removed, 1 to remove were not there"));
  const auto check = [&] {
    BOOST_TEST(shop.found({"--no-restrict", "shoes"}) == (ids{"1", "2", "3", "4", "6"}));
    BOOST_TEST(shop.found({"--filter", "brand:zorro", "things"}) == (ids{"1", "4", "6"}));
    BOOST_TEST(shop.found({"--filter", "price:[150 TO 250]", "shoes"}) == (ids{"2", "6"}));
    BOOST_TEST(shop.found({"--no-restrict", "--channel", "lexical", "boots"}) == (ids{"2"}));
    BOOST_TEST(shop.found({"--no-restrict", "--channel", "lexical", "bag"}) == (ids{"4"}));
    BOOST_TEST(shop.found({"--no-restrict", "--channel", "hybrid", "zorro"}) == (ids{"1", "2", "3", "4", "6"}));
    BOOST_TEST(shop.found({"maxima things"}) == (ids{"2", "3"}));
  };
  check();
  BOOST_TEST(shop.current().at("changes") == 3);  // what was not there is no change
  const std::string compacted = must_run({"compact", "--store", shop.store});
  BOOST_TEST(holds(compacted, "generation 2, 5 products, 2 put and 2 gone"), compacted);
  BOOST_TEST(shop.current().at("changes") == 0);
  check();
  BOOST_TEST(shop.found({"--filter", "category:sandals", "shoes"}) == (ids{"6"}));
  must_run({"generations", "--store", shop.store, "verify"});
  BOOST_TEST(holds(must_run({"compact", "--store", shop.store}), "nothing has changed"));
  BOOST_TEST(shop.current().at("number") == 2);
}

BOOST_AUTO_TEST_CASE(counts_are_of_products_and_ids_are_text) {
  const changing_shop shop;
  BOOST_TEST(holds(shop.remove("5\n5\n4\nnone\nnone\n"), "2 removed, 1 to remove were not there"));
  const fs::path both = shop.write("put.tsv", "3\tnew shoes\t\tMaxima\tShoes\t1\n");
  const std::string said = must_run(shop.change({"--remove", shop.list("3\n1\n"), "--put", both}));
  BOOST_TEST(holds(said, "1 product put, of which 1 replaced others; 1 removed, 0 to remove were not there"), said);
  const finished binary = run_argosy(shop.change({"--remove", shop.list("2\n\xff\xfe\n")}));
  BOOST_TEST(binary.exit_code == 1);
  BOOST_TEST(holds(binary.err, "ids.txt:2: want an id, found bytes that are no UTF-8"), binary.err);
  BOOST_TEST(shop.found({"--no-restrict", "shoes"}) == (ids{"2", "3"}));
}

// A field that the generation does not know is kept, and found once it is compacted.
BOOST_AUTO_TEST_CASE(new_fields_come_with_compaction) {
  const changing_shop shop;
  std::ofstream(shop.folder / "new.jsonl") << R"({"id":"7","title":"zorro cap","brand":"Zorro","price":50,"colour":"red"})" << '\n';
  must_run(shop.change({"--put", shop.folder / "new.jsonl"}));
  BOOST_TEST(shop.found({"--filter", "brand:zorro", "things"}) == (ids{"1", "2", "4", "7"}));
  BOOST_TEST(run_argosy({"search", "--store", shop.store, "--filter", "colour:red", "shoes"}).exit_code != 0);
  must_run({"compact", "--store", shop.store});
  BOOST_TEST(shop.found({"--filter", "colour:red", "shoes"}) == (ids{"7"}));
}

BOOST_AUTO_TEST_CASE(a_bad_line_is_counted_and_with_strict_changes_nothing) {
  const changing_shop shop;
  const fs::path put = shop.write("put.tsv",
                                  "8\tzorro cap\t\tZorro\tCaps\tcheap\n"
                                  "9\tzorro hat\t\tZorro\tHats\t60\n");
  const finished strict = run_argosy(shop.change({"--put", put, "--strict"}));
  BOOST_TEST(strict.exit_code == 1);
  BOOST_TEST(holds(strict.err, "field price: want a number"), strict.err);
  BOOST_TEST(holds(strict.err, "nothing has changed"), strict.err);
  BOOST_TEST(shop.current().at("changes") == 0);
  const finished lax = run_argosy(shop.change({"--put", put}));
  BOOST_TEST(lax.exit_code == 0);
  BOOST_TEST(holds(lax.out, "1 product put, of which 0 replaced others; 0 removed, 0 to remove were not there; 1 refused"), lax.out);
  BOOST_TEST(shop.found({"--filter", "price:60", "shoes"}) == (ids{"9"}));
  must_run({"compact", "--store", shop.store});
  BOOST_TEST(shop.found({"--filter", "price:[50 TO 70]", "shoes"}) == (ids{"9"}));
}

// Answers that were kept follow the products: a replaced one stays in its place, a removed one goes, through compaction too.
BOOST_AUTO_TEST_CASE(the_pair_table_follows) {
  const changing_shop shop;
  const fs::path log = shop.folder / "log.tsv";
  std::ofstream(log) << "query\tproduct_id\nred things\t1\n";
  must_run({"pairs", "--store", shop.store, "--log", log, "--top", "5"});
  const json before = shop.answer({"-k", "3", "red things"});
  BOOST_TEST(before.at("source") == "pair table");
  const std::string best = before["results"][0]["id"], second = before["results"][1]["id"], third = before["results"][2]["id"];
  shop.put(second + "\tanother title\t\tZorro\tBags\t10\n");
  shop.remove(best + "\n");
  const auto check = [&] {
    const json now = shop.answer({"-k", "3", "red things"});
    BOOST_TEST(now.at("source") == "pair table");
    BOOST_TEST(now["results"][0]["id"] == second);
    BOOST_TEST(now["results"][0]["title"] == "another title");
    BOOST_TEST(now["results"][1]["id"] == third);
  };
  check();
  must_run({"compact", "--store", shop.store});
  check();
  shop.remove(second + "\n" + third + "\n");
  must_run({"compact", "--store", shop.store});
  shop.put("8\tzorro cap\t\tZorro\tCaps\t10\n9\tzorro hat\t\tZorro\tHats\t10\n");
  const json few = shop.answer({"-k", "4", "red things"});
  BOOST_TEST(few.at("source") == "index");
  BOOST_TEST(few.at("results").size() == 4u);
}

BOOST_AUTO_TEST_CASE(killed_at_any_moment_the_store_answers_and_compaction_goes_on) {
  const changing_shop shop;
  std::string lines;
  for (int i = 100; i < 400; ++i) lines += std::to_string(i) + "\tzorro shoes number " + std::to_string(i) + "\t\tZorro\tBoots\t9\n";
  shop.put(lines);
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(shop.found({"--filter", "category:boots", "-k", "1000", "shoes"}).size() == 300u);
  const auto once = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  for (int i = 0; i < 8; ++i) {
    background_argosy compaction({"compact", "--store", shop.store});
    (void)compaction.wait_for(once * i / 4);
    compaction.signal(SIGKILL);
    (void)compaction.wait();
    BOOST_TEST(shop.found({"--filter", "category:boots", "-k", "1000", "shoes"}).size() == 300u);
    if (shop.current().at("changes") == 0) shop.put("100\tzorro shoes number 100\t\tZorro\tBoots\t9\n");
  }
  must_run({"compact", "--store", shop.store});
  BOOST_TEST(shop.found({"--filter", "category:boots", "-k", "1000", "shoes"}).size() == 300u);
}

BOOST_AUTO_TEST_CASE(a_damaged_journal_is_named_and_left_alone) {
  const changing_shop shop;
  shop.remove("1\n");
  const fs::path journal = shop.store / "changes/000001.journal";
  std::string bytes = bytes_of_file(journal);
  bytes[90] ^= 1;
  write_bytes(journal, bytes);
  for (const words& command : {words{"search", "--store", shop.store, "shoes"}, shop.change({"--remove", shop.list("2\n")})}) {
    const finished refused = run_argosy(command);
    BOOST_TEST(refused.exit_code == 1);
    BOOST_TEST(holds(refused.err, "000001.journal: offset"), refused.err);
  }
  BOOST_TEST(bytes_of_file(journal) == bytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test
