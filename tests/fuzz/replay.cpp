// What fuzzers begin with, and what they found (regressions/TARGET/*), by every target.
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/fuzz/target.hpp"
#include "tests/support/bytes.hpp"

namespace argosy::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path regressions = fs::path(ARGOSY_SOURCE_DIR) / "tests/fuzz/regressions";

const target* named(const std::string& name) {
  const auto found = std::find_if(targets().begin(), targets().end(), [&](const target& one) { return one.name == name; });
  return found == targets().end() ? nullptr : &*found;
}

BOOST_AUTO_TEST_SUITE(fuzz)

BOOST_AUTO_TEST_CASE(every_target_takes_its_seeds_whole_and_cut) {
  BOOST_TEST(targets().size() == 14u);
  for (const target& one : targets()) {
    BOOST_TEST_MESSAGE(one.name);
    const auto seeds = one.seeds();
    BOOST_TEST(!seeds.empty());
    one.take({});
    for (const bytes& seed : seeds) {
      one.take(seed);
      one.take(std::span(seed).first(seed.size() / 2));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_fuzzers_found_is_taken) {
  for (const auto& entry : fs::recursive_directory_iterator(regressions)) {
    if (!entry.is_regular_file()) continue;
    BOOST_TEST_CONTEXT(entry.path().string()) {
      const target* one = named(entry.path().parent_path().filename().string());
      BOOST_TEST_REQUIRE(one != nullptr);
      one->take(bytes_of(test::bytes_of_file(entry.path())));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy::fuzz
