// Argosy embedded, for C++17: search a store in this process. Over the C functions of argosy.h alone, so that a program and a libargosy.so
// of different compilers go together; argosy.h says what is searched how, and which options there are.
//
//     argosy::store store("store");
//     for (const argosy::found& one : store.search("red dress").results) std::cout << one.id << ' ' << one.title << '\n';
//
// Failure   argosy::error is thrown, with a message that names file or option, what was wanted and what was found.
// Texts     UTF-8; what is passed in has no NUL in it.
// Threads   a store is used by one thread at a time; different stores are independent. An answer is a value.
#pragma once

#include <argosy.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace argosy {

class error : public std::runtime_error {
public:
  error(argosy_code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  argosy_code code() const noexcept { return code_; }  // ARGOSY_NOT_FOUND, ...

private:
  argosy_code code_;
};

struct query_options {
  std::size_t k = 10;
  std::string filter = {};  // colour:red AND price<500
  std::string channel = "semantic";
  bool restricts = true;
  bool live = false;
};

struct found {
  std::string id, title;
  double score = 0;
  bool semantic = false, lexical = false;  // the channels that found it
  bool within = true;                      // has what the names in the query ask for
};

struct restricted_by {
  std::string text, field;
  std::vector<std::string> values;  // any of them
};

struct answer {
  std::vector<found> results;  // best first
  std::vector<restricted_by> restricted;
  std::string source;  // "index" or "pair table"
  std::uint64_t generation = 0;
  std::string refusal;  // of search_many: why there is no answer to the query; else empty
  argosy_code refusal_code = ARGOSY_OK;
  std::uint32_t shards = 0,
                shards_answered = 0;  // of a server that asks shards (argosy_client.hpp); fewer answered: of a part of the products
};

struct product {
  std::string id, title, image;
};

class store {
public:
  // threads of a search; 0: one for each core.
  explicit store(const std::string& path, int threads = 1) {
    argosy_open_options options = ARGOSY_OPEN_OPTIONS;
    options.threads = threads;
    argosy_store* opened = nullptr;
    call([&](argosy_error** why) { return argosy_open(text(path), &options, &opened, why); });
    store_.reset(opened);
  }

  answer search(const std::string& query, const query_options& how = {}) {
    const argosy_search_options options = of(how);
    argosy_answer* made = nullptr;
    call([&](argosy_error** why) { return argosy_search(store_.get(), text(query), &options, &made, why); });
    return copied(owned<argosy_answer, argosy_answer_free>(made).get());
  }

  // Together, which is faster. A query that cannot be answered has an answer with a refusal.
  std::vector<answer> search_many(const std::vector<std::string>& queries, const query_options& how = {}) {
    const argosy_search_options options = of(how);
    std::vector<const char*> texts;
    for (const std::string& query : queries) texts.push_back(text(query));
    answers_made made(queries.size());
    call(
        [&](argosy_error** why) { return argosy_search_many(store_.get(), texts.data(), queries.size(), &options, made.all.data(), why); });
    std::vector<answer> answers;
    for (std::size_t q = 0; q < queries.size(); ++q) answers.push_back(copied(made.all[q]));
    return answers;
  }

  // None when no product has the id.
  std::optional<argosy::product> product(const std::string& id) const {
    argosy_product* opened = nullptr;
    const bool there =
        call([&](argosy_error** why) { return argosy_product_open(store_.get(), text(id), &opened, why); }, ARGOSY_NOT_FOUND);
    if (!there) return std::nullopt;
    const owned<argosy_product, argosy_product_free> kept(opened);
    argosy_product_facts facts = ARGOSY_PRODUCT_FACTS;
    call([&](argosy_error** why) { return argosy_product_get(opened, &facts, why); });
    return argosy::product{string(facts.id), string(facts.title), string(facts.image)};
  }

  // Takes up what was published or changed since; whether there was something. Cheap when there was not.
  bool refresh() {
    std::int32_t changed = 0;
    call([&](argosy_error** why) { return argosy_refresh(store_.get(), &changed, why); });
    return changed == 1;
  }

  std::uint64_t generation() const { return facts().generation; }
  std::uint64_t products() const { return facts().products; }

private:
  template <class Handle, void (*Free)(Handle*)>
  struct freed_by {
    void operator()(Handle* handle) const { Free(handle); }
  };
  template <class Handle, void (*Free)(Handle*)>
  using owned = std::unique_ptr<Handle, freed_by<Handle, Free>>;

  struct answers_made {
    explicit answers_made(std::size_t count) : all(count) {}
    ~answers_made() {
      for (argosy_answer* one : all) argosy_answer_free(one);
    }
    answers_made(const answers_made&) = delete;
    answers_made& operator=(const answers_made&) = delete;
    std::vector<argosy_answer*> all;
  };

  // False when the function ends with `expected`; any other failure is thrown.
  template <class Function>
  static bool call(Function function, argosy_code expected = ARGOSY_OK) {
    argosy_error* why = nullptr;
    const argosy_code code = function(&why);
    const owned<argosy_error, argosy_error_free> kept(why);
    if (code == ARGOSY_OK) return true;
    if (code == expected) return false;
    throw error(code, why == nullptr ? "no memory is left" : argosy_error_message(why));
  }

  static const char* text(const std::string& given) {
    if (given.find('\0') != std::string::npos) throw error(ARGOSY_INVALID_ARGUMENT, "want a text without a NUL in it, found one with");
    return given.c_str();
  }
  static std::string string(const argosy_text& from) { return {from.bytes, from.length}; }

  static argosy_search_options of(const query_options& how) {
    argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
    options.k = how.k;
    options.filter = text(how.filter);
    options.channel = text(how.channel);
    options.restricts = how.restricts ? 1 : 0;
    options.live = how.live ? 1 : 0;
    return options;
  }

  static answer copied(const argosy_answer* from) {
    argosy_answer_facts facts = ARGOSY_ANSWER_FACTS;
    call([&](argosy_error** why) { return argosy_answer_get(from, &facts, why); });
    answer made;
    made.source = facts.source;
    made.generation = facts.generation;
    if (const argosy_error* refusal = argosy_answer_refusal(from)) {
      made.refusal = argosy_error_message(refusal);
      made.refusal_code = argosy_error_code(refusal);
    }
    for (std::size_t place = 0; place < facts.results; ++place) made.results.push_back(result_of(from, place));
    for (std::size_t place = 0; place < facts.restrictions; ++place) made.restricted.push_back(restriction_of(from, place));
    return made;
  }

  static found result_of(const argosy_answer* from, std::size_t place) {
    argosy_result one = ARGOSY_RESULT;
    call([&](argosy_error** why) { return argosy_answer_result(from, place, &one, why); });
    const bool semantic = (one.channels & ARGOSY_SEMANTIC) != 0, lexical = (one.channels & ARGOSY_LEXICAL) != 0;
    return {string(one.id), string(one.title), one.score, semantic, lexical, one.within == 1};
  }

  static restricted_by restriction_of(const argosy_answer* from, std::size_t place) {
    argosy_restriction one = ARGOSY_RESTRICTION;
    call([&](argosy_error** why) { return argosy_answer_restriction(from, place, &one, why); });
    restricted_by made{string(one.text), string(one.field), {}};
    for (std::size_t v = 0; v < one.count; ++v) made.values.push_back(string(one.values[v]));
    return made;
  }

  argosy_store_facts facts() const {
    argosy_store_facts made = ARGOSY_STORE_FACTS;
    call([&](argosy_error** why) { return argosy_store_get(store_.get(), &made, why); });
    return made;
  }

  owned<argosy_store, argosy_close> store_;
};

}  // namespace argosy
