// What libargosy's C functions stand on: a store in the user's process, whose answers are copies that outlive it.
// Threads   one at a time.   Errors   of searcher and product_search.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "search/product_search.hpp"
#include "search/searcher.hpp"

namespace argosy {

struct kept_product {
  std::string id, title, image;
};

struct kept_result {
  std::string id, title;
  double score;
  std::uint32_t channels;
  bool within;
};

struct kept_answer {
  std::uint64_t generation = 0;
  bool from_pairs = false;
  std::vector<kept_result> results;
  std::vector<restriction> restricted;
};

class embedded_store {
public:
  // `threads` as searcher::open.
  static result<embedded_store> open(const std::filesystem::path& store, int threads);

  // Whether it had changed, and is opened anew. After a failure it is as it was.
  result<bool> refresh();

  // Whether anything can be asked so: a filter that is wrong is not the fault of a query.
  status check(const search_request&);
  // An answer or a refusal a query. `live`: the pair table is not asked.
  result<std::vector<result<kept_answer>>> answer(std::span<const std::string> queries, const search_request&, bool live);

  // not_found.
  result<kept_product> product(const std::string& id) const;

  std::uint64_t generation() const noexcept { return searcher_.current().number(); }
  std::size_t products() const noexcept { return searcher_.live().products(); }

private:
  embedded_store(std::filesystem::path, int threads, std::string state, searcher);
  kept_answer kept(const search_answer&) const;
  std::filesystem::path path_;
  int threads_;
  std::string state_;  // read before the store was opened: what came between is taken up by the next refresh()
  searcher searcher_;
};

}  // namespace argosy
