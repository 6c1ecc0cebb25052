#include "library/embedded_store.hpp"

#include <optional>
#include <utility>

#include "index/live_store.hpp"

namespace argosy {

embedded_store::embedded_store(std::filesystem::path path, int threads, std::string state, searcher from)
    : path_(std::move(path)), threads_(threads), state_(std::move(state)), searcher_(std::move(from)) {}

result<embedded_store> embedded_store::open(const std::filesystem::path& store, int threads) {
  ARGOSY_ASSIGN(std::string state, state_of_store(store));
  ARGOSY_ASSIGN(searcher from, searcher::open(store, threads));
  return embedded_store(store, threads, std::move(state), std::move(from));
}

result<bool> embedded_store::refresh() {
  ARGOSY_ASSIGN(const std::string state, state_of_store(path_));
  if (state == state_) return false;
  ARGOSY_ASSIGN(embedded_store now, open(path_, threads_));
  *this = std::move(now);
  return true;
}

kept_answer embedded_store::kept(const search_answer& found) const {
  kept_answer answer{generation(), found.from_pairs, {}, found.restricted};
  for (const found_product& one : found.products) {
    const product_facts facts = searcher_.live().facts(one.row);
    answer.results.push_back({std::string(facts.id), std::string(facts.title), one.score, one.channels, one.within});
  }
  return answer;
}

status embedded_store::check(const search_request& request) {
  std::uint64_t wordless = 0;
  return product_search(searcher_).answer({}, request, &wordless).failure();
}

namespace {

// What is wrong with a query is its own; a store that cannot be read, or lacks what is asked for, is everybody's.
bool of_all(const status& failure) { return !failure.ok() && failure.code() != errc::invalid_argument; }

}  // namespace

// The pair table first; what it does not know is embedded together.
result<std::vector<result<kept_answer>>> embedded_store::answer(std::span<const std::string> queries, const search_request& request,
                                                                bool live) {
  product_search products(searcher_);
  std::vector<std::optional<result<kept_answer>>> answers(queries.size());
  std::vector<std::size_t> left;
  std::vector<asked_query> asked;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto known = live ? result(std::optional<search_answer>()) : products.known(queries[q], request);
    if (of_all(known.failure())) return known.failure();
    if (!known.ok()) {
      answers[q] = known.failure();
    } else if (known.value()) {
      answers[q] = kept(**known);
    } else {
      left.push_back(q);
      asked.push_back({queries[q], &request});
    }
  }
  ARGOSY_ASSIGN(const auto searched, products.answer_each(asked));
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (of_all(searched[i].failure())) return searched[i].failure();
    answers[left[i]] = searched[i].ok() ? result(kept(searched[i].value())) : result<kept_answer>(searched[i].failure());
  }
  std::vector<result<kept_answer>> all;
  for (auto& one : answers) all.push_back(std::move(*one));
  return all;
}

result<kept_product> embedded_store::product(const std::string& id) const {
  const auto row = searcher_.live().row_of(id);
  if (!row) return status(errc::not_found, "no product is called " + id);
  const product_facts facts = searcher_.live().facts(*row);
  return kept_product{std::string(facts.id), std::string(facts.title), std::string(facts.image)};
}

}  // namespace argosy
