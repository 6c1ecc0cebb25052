// A store of five products of the small shop's model, with fields that restrict and an answer that is kept, for tests of libargosy.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/folders.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {

class small_store {
public:
  small_store() { publish(); }

  const std::filesystem::path& path() const { return store_; }

  // Another generation of the same products, without answers kept.
  void publish() const {
    const auto catalogue = write("products.tsv",
                                 "1\tzorro running shoes\trun.jpg\tZorro\tSports Shoes\t100\n"
                                 "2\tzorro casual shoes\t\tZorro\tCasual Shoes\t200\n"
                                 "3\tmaxima casual shoes\t\tMaxima\tCasual Shoes\t300\n"
                                 "4\tzorro bag\t\tZorro\tBags\t400\n"
                                 "5\tmaxima 包\t\tMaxima\tBags\t500\n");
    must_run({"publish", "--run", shared_small_shop().run, "--catalogue", catalogue, "--store", store_});
  }
  // The answers of one query, `red things`, are kept.
  void keep_pairs() const {
    std::ofstream(folder_ / "log.tsv") << "query\tproduct_id\nred things\t1\n";
    must_run({"pairs", "--store", store_, "--log", folder_ / "log.tsv", "--top", "5"});
  }
  void put(const std::string& lines) const { must_run({"change", "--store", store_, "--put", write("put.tsv", lines)}); }
  void remove(const std::string& id) const {
    std::ofstream(folder_ / "ids.txt") << id << '\n';
    must_run({"change", "--store", store_, "--remove", folder_ / "ids.txt"});
  }

  // What `argosy search` prints.
  nlohmann::json searched(std::vector<std::string> arguments) const {
    std::vector<std::string> command{"search", "--store", store_, "--json", "--threads", "1"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return nlohmann::json::parse(must_run(command));
  }

private:
  std::filesystem::path write(const char* name, const std::string& lines) const {
    std::ofstream(folder_ / name) << "id\ttitle\timage\tbrand\tcategory\tprice\n" << lines;
    return folder_ / name;
  }
  scratch_folder folder_;
  std::filesystem::path store_ = folder_ / "store";
};

}  // namespace argosy::test
