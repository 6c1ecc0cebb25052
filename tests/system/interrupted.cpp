// Ctrl-C and SIGTERM, while there is much left to do: the exit status says so, and what was whole stays whole.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <functional>
#include <set>

#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
namespace fs = std::filesystem;
using words = std::vector<std::string>;

namespace {

// Sends the signal once `seen`, and demands that the command ends by it.
void interrupt_when(const words& arguments, int signal, const std::function<bool()>& seen) {
  background_argosy running(arguments);
  for (int waits = 0; waits < 4000 && !seen(); ++waits) BOOST_REQUIRE(!running.wait_for(std::chrono::milliseconds(5)));
  running.signal(signal);
  BOOST_TEST(running.wait() == 130);
}

// Without refused.tsv, which says of the catalogue what was refused, published or not.
std::set<std::string> paths_in(const fs::path& store) {
  std::set<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(store)) {
    if (entry.path() != store / "refused.tsv") paths.insert(entry.path());
  }
  return paths;
}

// So many that reading them, and embedding them, takes far longer than a signal.
void write_large_catalogue(const fs::path& file) {
  std::ofstream out(file);
  out << "id\ttitle\timage\n";
  for (int i = 0; i < 120'000; ++i) out << 'p' << i << "\tlong red summer dress of cotton with black leather\t\n";
}

// Whether the catalogue that a publication reads into its store is at that stage.
bool catalogue_has(const fs::path& store, const char* stage) {
  for (const auto& entry : fs::directory_iterator(store)) {
    if (entry.path().filename().string().starts_with("catalogue.") && fs::exists(entry.path() / stage)) return true;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(interrupted)

BOOST_AUTO_TEST_CASE(a_training_run_leaves_a_checkpoint) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const words training{"train", "--data",       shop.data, "--recipe",           shop.recipe,
                       "--run", folder / "run", "--set",   "train.steps=100000", "checkpoint.every=0"};
  interrupt_when(training, SIGTERM, [&] {
    std::error_code missing;
    const auto size = fs::file_size(folder / "run/metrics.jsonl", missing);
    return !missing && size > 0;
  });
  must_run({"publish", "--run", folder / "run", "--data", shop.data, "--store", folder / "store"});
}

BOOST_AUTO_TEST_CASE(a_publication_leaves_the_store_as_it_was) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const auto store = folder / "store", catalogue = folder / "products.tsv";
  write_large_catalogue(catalogue);
  must_run(publish_arguments(shop, store));
  const auto current = bytes_of_file(store / "CURRENT");
  const auto paths = paths_in(store);
  const words publication{"publish", "--run", shop.run, "--catalogue", catalogue, "--store", store, "--threads", "1"};
  for (const char* stage : {"", "prepared"}) {  // read, embed
    interrupt_when(publication, SIGINT, [&] { return catalogue_has(store, stage); });
    BOOST_TEST(bytes_of_file(store / "CURRENT") == current);
    BOOST_TEST(paths_in(store) == paths, boost::test_tools::per_element());
  }
  const auto answers = must_run({"search", "--store", store, "-k", "100", "--json", "red dress"});
  BOOST_TEST((answers.find("\"p1\"") == std::string::npos), answers);
}

BOOST_AUTO_TEST_SUITE_END()
