// Five products of two brands in a store of their own, for tests that change them: those that a table in their code can name.
#pragma once

#include <filesystem>
#include <fstream>

#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {

inline void publish_to(const std::filesystem::path& store, const scratch_folder& folder) {
  std::ofstream(folder / "products.tsv") << "id\ttitle\timage\tbrand\tcategory\tprice\n"
                                            "1\tzorro running shoes\t\tZorro\tSports Shoes\t100\n"
                                            "2\tzorro casual shoes\t\tZorro\tCasual Shoes\t200\n"
                                            "3\tmaxima casual shoes\t\tMaxima\tCasual Shoes\t300\n"
                                            "4\tzorro bag\t\tZorro\tBags\t400\n"
                                            "5\tmaxima bag\t\tMaxima\tBags\t500\n";
  must_run({"publish", "--run", shared_small_shop().run, "--catalogue", folder / "products.tsv", "--store", store});
}

struct written_shop {
  scratch_folder folder;
  std::filesystem::path store = folder / "store";
  written_shop() { publish_to(store, folder); }
};

}  // namespace argosy::test
