// A demo shop of sixty products, prepared, trained for some steps and published by the `argosy` binary: made once for all tests of the
// program. Tests that damage something copy it first.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "index/vector_index.hpp"
#include "search/searcher.hpp"
#include "tests/support/process.hpp"

namespace argosy::test {

struct small_shop {
  std::filesystem::path catalogue, images, log, queries, qrels;
  std::filesystem::path data, recipe, run, store;
};

// Throws when a command fails.
const small_shop& shared_small_shop();

// `argosy ARGUMENTS...`, which has to succeed; its standard output.
std::string must_run(const std::vector<std::string>& arguments, const std::string& input = {});

std::vector<std::string> prepare_arguments(const small_shop&, const std::filesystem::path& out);
std::vector<std::string> train_arguments(const small_shop&, const std::filesystem::path& run);
std::vector<std::string> publish_arguments(const small_shop&, const std::filesystem::path& store);

// The best `k` of the store for a query by its vectors alone. Throws where there is none.
std::vector<hit> nearest(searcher& from, std::string_view query, std::size_t k);

}  // namespace argosy::test
