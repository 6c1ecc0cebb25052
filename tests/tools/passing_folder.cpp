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
  constexpr auto nobody = "catalogue.4194305";  // above Linux's largest process id
  for (const char* name : {nobody, "catalogue.1", "catalogue.", "catalogue.12x", "generations"}) fs::create_directory(parent / name);
  const auto folder = passing_folder::make(parent.path(), "catalogue");
  BOOST_REQUIRE(folder.ok());
  BOOST_TEST(!fs::exists(parent / nobody));
  for (const char* name : {"catalogue.1", "catalogue.", "catalogue.12x", "generations"}) BOOST_TEST(fs::exists(parent / name));
}

BOOST_AUTO_TEST_SUITE_END()
