// Queries with the products judged relevant to them, from the files of data/records.hpp. A grade of 0 is not relevant.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct judged_query {
  std::string text;
  bool needs_image = false;
  std::vector<std::string> relevant;  // product ids
};

struct judgements {
  std::vector<judged_query> queries;
  bool has_needs_image = false;
  std::uint64_t refused_lines = 0;    // of both files
  std::uint64_t unknown_queries = 0;  // lines of the judgements whose query is not in the query file
  // Of the queries and what is relevant to each: tells whether two evaluations asked the same.
  std::uint64_t fingerprint() const;
};

// Refuses a query file without a good line, and a query id that is there twice.
result<judgements> read_judgements(const std::filesystem::path& queries, const std::filesystem::path& qrels);

}  // namespace argosy
