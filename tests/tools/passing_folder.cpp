#include "tools/passing_folder.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/folders.hpp"

using namespace argosy;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(passing_folders)

BOOST_AUTO_TEST_CASE(it_goes_with_its_object) {
  const test::scratch_folder parent;
  fs::path path;
  {
    auto folder = passing_folder::make(parent / "store", "catalogue");
    BOOST_REQUIRE(folder.ok());
    path = folder->path();
    BOOST_TEST(fs::is_directory(path));
  }
  BOOST_TEST(!fs::exists(path));
}

BOOST_AUTO_TEST_CASE(what_killed_processes_left_is_removed_and_nothing_else) {
  const test::scratch_folder parent;
  const auto living = passing_folder::make(parent.path(), "catalogue");
  BOOST_REQUIRE(living.ok());
  for (const char* name : {"catalogue.partial-77-1", "catalogue.partial-2024", "catalogue.1", "generations"})
    fs::create_directory(parent / name);
  const auto folder = passing_folder::make(parent.path(), "catalogue");
  BOOST_REQUIRE(folder.ok());
  BOOST_TEST(!fs::exists(parent / "catalogue.partial-77-1"));
  for (const char* name : {"catalogue.partial-2024", "catalogue.1", "generations"}) BOOST_TEST(fs::exists(parent / name));
  BOOST_TEST(fs::exists(living->path()));
}

BOOST_AUTO_TEST_SUITE_END()
