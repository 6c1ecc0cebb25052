#include "tests/system/small_shop.hpp"

#include <fstream>
#include <stdexcept>

#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"

namespace argosy::test {
namespace {

namespace fs = std::filesystem;

// Behind tests/support/tiny_model.toml.
constexpr const char* tiny_training = R"(
[train]
batch = 16
steps = 60
workers = 2
threads = 2

[optimiser]
rate = 1e-3

[negatives]
bank = 64

[checkpoint]
every = 7
keep = 2
)";

small_shop make_shop(const fs::path& folder) {
  const fs::path shop = folder / "shop";
  must_run({"demo-shop", shop, "--products", "60", "--seed", "3", "--log-lines", "400"});
  small_shop made{shop / "products.jsonl.gz",
                  shop / "images.tar",
                  shop / "train_log.tsv.gz",
                  shop / "val_queries.tsv.gz",
                  shop / "val_qrels.tsv.gz",
                  folder / "data",
                  folder / "tiny.toml",
                  folder / "run",
                  folder / "store"};
  std::ofstream(made.recipe) << bytes_of_file(fs::path(ARGOSY_SOURCE_DIR) / "tests/support/tiny_model.toml") << tiny_training;
  must_run(prepare_arguments(made, made.data));
  must_run(train_arguments(made, made.run));
  must_run(publish_arguments(made, made.store));
  return made;
}

}  // namespace

const small_shop& shared_small_shop() {
  static const scratch_folder folder;
  static const small_shop shop = make_shop(folder.path());
  return shop;
}

std::string must_run(const std::vector<std::string>& arguments, const std::string& input) {
  const finished end = run_argosy(arguments, input);
  if (end.exit_code != 0) throw std::runtime_error(arguments.front() + " ended with " + std::to_string(end.exit_code) + ": " + end.err);
  return end.out;
}

std::vector<std::string> prepare_arguments(const small_shop& shop, const fs::path& out) {
  return {"prepare", "--catalogue", shop.catalogue, "--images", shop.images, "--log", shop.log, "--out", out, "--vocab-size", "500"};
}

std::vector<std::string> train_arguments(const small_shop& shop, const fs::path& run) {
  return {"train", "--data", shop.data, "--recipe", shop.recipe, "--run", run};
}

std::vector<std::string> publish_arguments(const small_shop& shop, const fs::path& store) {
  return {"publish", "--run", shop.run, "--data", shop.data, "--store", store};
}

std::vector<hit> nearest(searcher& from, std::string_view query, std::size_t k) {
  const std::vector<std::vector<std::int32_t>> tokens = {from.tokens(query).value()};
  const std::vector<float> vectors = from.embed(tokens).value();
  return from.live().search(view_of(vectors.data(), 1, static_cast<std::int64_t>(vectors.size())), {.k = k}).value().front();
}

}  // namespace argosy::test
