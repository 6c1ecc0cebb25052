// An index of any kind over a file, and what has to hold of its answers.
#pragma once

#include <cmath>
#include <filesystem>

#include "index/vector_index.hpp"
#include "tests/fuzz/files.hpp"

namespace argosy::fuzz {

inline void check_hits(const std::vector<hit>& hits, const search_options& options, std::size_t rows) {
  ARGOSY_CHECK(hits.size() <= options.k);
  std::vector<bool> seen(rows);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    ARGOSY_CHECK(hits[i].row < rows && !seen[hits[i].row]);
    seen[hits[i].row] = true;
    ARGOSY_CHECK(options.allowed == nullptr || options.allowed->contains(hits[i].row));
    ARGOSY_CHECK(i == 0 || !(hits[i].score > hits[i - 1].score));
  }
}

inline void check_index(const std::filesystem::path& path) {
  const auto opened = open_index(path);
  if (!opened.ok()) return;
  const vector_index& index = **opened;
  require(index.verify());
  const std::size_t rows = index.size(), columns = index.columns();
  if (rows * columns <= 1 << 16) ARGOSY_CHECK(required(index.restore(0, rows)).size() == rows * columns);
  if (columns > 1 << 12 || rows > 1 << 16) return;
  std::vector<float> queries(2 * columns);
  for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = static_cast<float>(static_cast<int>(i % 7) - 3);
  row_set odd(rows);
  for (std::uint32_t row = 1; row < rows; row += 2) odd.insert(row);
  constexpr struct {
    std::size_t k;
    search_effort effort;
  } asked[] = {{1, {1, 1}}, {3, {6, 80}}, {1000, {}}};
  for (const auto& [k, effort] : asked) {
    for (const row_set* allowed : {static_cast<const row_set*>(nullptr), static_cast<const row_set*>(&odd)}) {
      const search_options options{.k = k, .allowed = allowed, .effort = effort};
      const auto found = required(index.search(view_of(queries.data(), 2, static_cast<std::int64_t>(columns)), options));
      ARGOSY_CHECK(found.size() == 2);
      for (const auto& hits : found) check_hits(hits, options, rows);
    }
  }
}

}  // namespace argosy::fuzz
