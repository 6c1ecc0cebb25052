// The hierarchical index through the program: published, tuned, measured.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "index/generation.hpp"
#include "index/hc_index.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy;
using namespace argosy::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct hc_store {
  scratch_folder folder;
  fs::path store = folder / "store";
  hc_store() {
    auto words = publish_arguments(shared_small_shop(), store);
    words.insert(words.end(), {"--index", "hc"});
    must_run(words);
  }
};

std::vector<std::string> ids_of(const std::string& answer) {
  std::vector<std::string> ids;
  const json line = json::parse(answer);
  for (const auto& each : line.at("results")) ids.push_back(each.at("id"));
  return ids;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hierarchical_index)

BOOST_AUTO_TEST_CASE(a_small_store_is_exact_unless_told_otherwise) {
  const auto exact = generation::open_current(shared_small_shop().store);
  BOOST_REQUIRE(exact.ok());
  BOOST_TEST(std::string(exact->index().kind()) == "index-flat");
  const hc_store of;
  const auto made = generation::open_current(of.store);
  BOOST_REQUIRE(made.ok());
  BOOST_TEST(std::string(made->index().kind()) == "index-hc");
  BOOST_TEST(made->verify().ok());
}

BOOST_AUTO_TEST_CASE(tuning_publishes_the_cheapest_search_that_finds_enough) {
  const hc_store of;
  const json tuned = json::parse(must_run({"tune", "--store", of.store, "--recall", "0.9", "-k", "5", "--json"}));
  BOOST_TEST(tuned.at("generation") == 2);
  BOOST_TEST(tuned.at("chosen").at("recall").get<double>() >= 0.9);
  BOOST_TEST(!tuned.at("tried").empty());
  const auto made = generation::open_current(of.store);
  BOOST_REQUIRE(made.ok());
  BOOST_TEST(made->number() == 2u);
  BOOST_TEST(made->index().effort().leaves == tuned.at("chosen").at("leaves").get<std::uint32_t>());
  BOOST_TEST(made->index().effort().rerank == tuned.at("chosen").at("rerank").get<std::uint32_t>());
}

BOOST_AUTO_TEST_CASE(all_products_are_found_when_all_are_asked_for) {
  const hc_store of;
  const auto all = [](const fs::path& store) {
    auto ids = ids_of(must_run({"search", "--store", store, "-k", "60", "--json", "red dress"}));
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  BOOST_TEST(all(of.store) == all(shared_small_shop().store), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_tuned_is_said) {
  const auto exact = run_argosy({"tune", "--store", shared_small_shop().store});
  BOOST_TEST(exact.exit_code == 1);
  BOOST_TEST((exact.err.find("the index is exact") != std::string::npos), exact.err);
  const hc_store of;
  const fs::path queries = of.folder / "queries.tsv";
  std::ofstream(queries) << "query_id\tquery\n1\t!!!\n";
  const auto none = run_argosy({"tune", "--store", of.store, "--queries", queries});
  BOOST_TEST(none.exit_code == 1);
  BOOST_TEST((none.err.find("want at least one query with words") != std::string::npos), none.err);
  BOOST_TEST(bytes_of_file(of.store / "CURRENT").starts_with("000001 "));
}

BOOST_AUTO_TEST_CASE(the_bench_prints_a_curve_and_filters) {
  const hc_store of;
  const fs::path chart = of.folder / "curves.svg";
  const json figures = json::parse(must_run({"bench", "index", "--store", of.store, "--products", "3000", "-k", "10", "--filters", "--svg",
                                             chart, "--folder", of.folder / "bench", "--json"}));
  BOOST_TEST(figures.at("vectors") == 3000);
  BOOST_REQUIRE(!figures.at("points").empty());
  for (const auto& point : figures.at("points")) {
    BOOST_TEST(point.at("index") == "hc");
    for (const char* key : {"recall", "qps", "bytes_per_vector", "build_s", "open_s", "recall_100", "recall_1000"})
      BOOST_TEST(point.at(key).get<double>() > 0, key);
  }
  BOOST_TEST(figures.at("filters").size() == 5u);
  for (const auto& cell : figures.at("filters")) BOOST_TEST(cell.at("not_allowed") == 0);
  BOOST_TEST(bytes_of_file(chart).starts_with("<svg"));
  BOOST_TEST(fs::is_empty(of.folder / "bench"));
}

// A script in place of peers.py, with the same arguments and lines.
BOOST_AUTO_TEST_CASE(points_of_others_stand_beside_ours) {
  const hc_store of;
  const fs::path script = of.folder / "others's.sh";
  std::ofstream(script) << "echo '{\"index\": \"usearch\", \"absent\": \"not installed\"}'\n"
                           "echo '{\"index\": \"hnswlib\", \"setting\": \"ef=10\", \"recall\": 0.5, \"qps\": 7, \"bytes_per_vector\": 9, "
                           "\"build_s\": 1, \"open_s\": 1}'\n"
                           "test -s \"$2\" && test -s \"$4\" && test -s \"$6\"\n";
  const json figures = json::parse(must_run({"bench", "index", "--store", of.store, "--peers", script, "--python", "sh", "--json"}));
  BOOST_TEST(figures.at("points").back().at("index") == "hnswlib");
  BOOST_TEST(figures.at("points").back().at("qps") == 7);
  BOOST_TEST(figures.at("absent").at(0) == "usearch: not measured, not installed");
  const auto broken = run_argosy({"bench", "index", "--store", of.store, "--peers", script, "--python", "false"});
  BOOST_TEST(broken.exit_code == 1);
  BOOST_TEST((broken.err.find("ended with") != std::string::npos), broken.err);
}

// By compaction too.
BOOST_AUTO_TEST_CASE(vectors_are_kept_as_asked) {
  const scratch_folder folder;
  write_bytes(folder / "ids.txt", "100001\n");
  for (const auto stored : {stored_vectors::packed, stored_vectors::float32}) {
    const fs::path store = folder / "store";
    auto publish = publish_arguments(shared_small_shop(), store);
    publish.insert(publish.end(), {"--index", "hc", "--vectors", stored == stored_vectors::packed ? "packed" : "float32"});
    must_run(publish);
    BOOST_TEST((stored_in(generation::open_current(store)->index()) == stored));
    must_run({"change", "--store", store, "--remove", folder / "ids.txt"});
    must_run({"compact", "--store", store});
    const auto compacted = generation::open_current(store);
    BOOST_TEST(compacted->products() == 59u);
    BOOST_TEST(compacted->index().kind() == "index-hc");
    BOOST_TEST((stored_in(compacted->index()) == stored));
  }
}

BOOST_AUTO_TEST_SUITE_END()
