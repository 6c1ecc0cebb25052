#include "library/argosy.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/status.hpp"
#include "library/embedded_store.hpp"

struct argosy_error {
  argosy::status why;
};

struct argosy_store {
  argosy::embedded_store opened;
};

struct argosy_product {
  argosy::kept_product kept;
};

struct argosy_answer {
  argosy::kept_answer kept;
  std::vector<std::vector<argosy_text>> values;  // of each restriction
  std::optional<argosy_error> refusal;
};

namespace argosy {
namespace {

std::atomic<bool> log_wanted = false;
constexpr std::int32_t most_threads = 1024;
constexpr std::size_t most_results = 1'000'000;

static_assert(ARGOSY_INVALID_ARGUMENT == static_cast<int>(errc::invalid_argument) && ARGOSY_CORRUPT == static_cast<int>(errc::corrupt) &&
              ARGOSY_UNAVAILABLE == static_cast<int>(errc::unavailable) && ARGOSY_INTERNAL == static_cast<int>(errc::internal));
argosy_code code_of(const status& end) noexcept { return static_cast<argosy_code>(end.code()); }

argosy_code tell(const status& end, argosy_error** error) {
  if (!end.ok() && error != nullptr) *error = new argosy_error{end};
  return code_of(end);
}

// Runs the work of one C function: what goes wrong becomes its code and its error, exceptions of libraries among it.
template <class Work>
argosy_code run(argosy_error** error, Work work) noexcept {
  if (error != nullptr) argosy_error_free(std::exchange(*error, nullptr));
  try {
    try {
      return tell(work(), error);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& thrown) {
      return tell({errc::internal, thrown.what()}, error);
    }
  } catch (...) {
    return ARGOSY_NO_MEMORY;
  }
}

status is_null(const char* name) { return {errc::invalid_argument, std::string(name) + ": want an address, found NULL"}; }

// The handles and places of a call, by name.
struct wanted {
  const char* name;
  const void* given;
};
status want(std::initializer_list<wanted> all) {
  for (const wanted& one : all)
    if (one.given == nullptr) return is_null(one.name);
  return {};
}

template <class Struct>
status check_size(const Struct& given, const char* macro) {
  if (given.size == sizeof(Struct)) return {};
  return {errc::invalid_argument, "size: want " + std::to_string(sizeof(Struct)) + ", which " + macro + " sets, found " +
                                      std::to_string(given.size) + ": another version, or not set"};
}

status check_range(const char* name, std::uint64_t least, std::uint64_t most, std::int64_t found) {
  if (found >= 0 && static_cast<std::uint64_t>(found) >= least && static_cast<std::uint64_t>(found) <= most) return {};
  return {errc::invalid_argument,
          std::string(name) + ": want " + std::to_string(least) + " to " + std::to_string(most) + ", found " + std::to_string(found)};
}

argosy_text as_text(const std::string& text) noexcept { return {text.c_str(), text.size()}; }

result<int> threads_of(const argosy_open_options* given) {
  constexpr argosy_open_options usual = ARGOSY_OPEN_OPTIONS;
  const argosy_open_options& options = given == nullptr ? usual : *given;
  ARGOSY_TRY(check_size(options, "ARGOSY_OPEN_OPTIONS"));
  ARGOSY_TRY(check_range("threads", 0, most_threads, options.threads));
  ARGOSY_TRY(check_range("reserved", 0, 0, options.reserved));
  return options.threads;
}

struct asked {
  search_request request;
  bool live;
};

result<asked> asked_for(const argosy_search_options* given) {
  constexpr argosy_search_options usual = ARGOSY_SEARCH_OPTIONS;
  const argosy_search_options& options = given == nullptr ? usual : *given;
  ARGOSY_TRY(check_size(options, "ARGOSY_SEARCH_OPTIONS"));
  if (options.k == 0 || options.k > most_results)
    return status(errc::invalid_argument, "k: want 1 to " + std::to_string(most_results) + ", found " + std::to_string(options.k));
  ARGOSY_TRY(check_range("restricts", 0, 1, options.restricts));
  ARGOSY_TRY(check_range("live", 0, 1, options.live));
  const std::string named = options.channel == nullptr ? "semantic" : options.channel;
  const auto channel = channel_named(named);
  if (!channel) return status(errc::invalid_argument, "channel: want semantic, lexical or hybrid, found " + named);
  asked made{{}, options.live == 1};
  made.request.k = options.k;
  made.request.filter = options.filter == nullptr ? "" : options.filter;
  made.request.channel = *channel;
  made.request.restricts = options.restricts == 1;
  return made;
}

std::unique_ptr<argosy_answer> answer_of(result<kept_answer> found) {
  auto made = std::make_unique<argosy_answer>();
  if (!found.ok()) {
    made->refusal = argosy_error{found.failure()};
    return made;
  }
  made->kept = std::move(found).value();
  for (const restriction& one : made->kept.restricted) {
    made->values.emplace_back();
    for (const std::string& value : one.values) made->values.back().push_back(as_text(value));
  }
  return made;
}

status no_place(const char* what, std::size_t place, std::size_t count) {
  return {errc::not_found, std::string("place: want one of ") + std::to_string(count) + " " + what + ", found " + std::to_string(place)};
}

}  // namespace
}  // namespace argosy

using argosy::run, argosy::status, argosy::want;

extern "C" {

const char* argosy_version(void) { return ARGOSY_VERSION; }

const char* argosy_error_message(const argosy_error* error) { return error == nullptr ? "" : error->why.message().c_str(); }
argosy_code argosy_error_code(const argosy_error* error) { return error == nullptr ? ARGOSY_OK : argosy::code_of(error->why); }
void argosy_error_free(argosy_error* error) { delete error; }

void argosy_log(std::int32_t wanted) {
  argosy::log_wanted = wanted != 0;
  (void)run(nullptr, [&] { return argosy::log::enable(wanted != 0), status(); });
}

argosy_code argosy_open(const char* path, const argosy_open_options* options, argosy_store** store, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"path", path}, {"store", store}}));
    *store = nullptr;
    ARGOSY_ASSIGN(const int threads, argosy::threads_of(options));
    argosy::log::enable(argosy::log_wanted);
    ARGOSY_ASSIGN(auto opened, argosy::embedded_store::open(path, threads));
    *store = new argosy_store{std::move(opened)};
    return {};
  });
}

void argosy_close(argosy_store* store) { delete store; }

argosy_code argosy_refresh(argosy_store* store, std::int32_t* changed, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"store", store}}));
    ARGOSY_ASSIGN(const bool has, store->opened.refresh());
    if (changed != nullptr) *changed = has ? 1 : 0;
    return {};
  });
}

argosy_code argosy_store_get(const argosy_store* store, argosy_store_facts* facts, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"store", store}, {"facts", facts}}));
    ARGOSY_TRY(argosy::check_size(*facts, "ARGOSY_STORE_FACTS"));
    facts->generation = store->opened.generation();
    facts->products = store->opened.products();
    return {};
  });
}

argosy_code argosy_search(argosy_store* store, const char* query, const argosy_search_options* options, argosy_answer** answer,
                          argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"store", store}, {"query", query}, {"answer", answer}}));
    *answer = nullptr;
    ARGOSY_ASSIGN(const argosy::asked how, argosy::asked_for(options));
    const std::string text = query;
    ARGOSY_ASSIGN(auto found, store->opened.answer(std::span(&text, 1), how.request, how.live));
    ARGOSY_TRY(found.front().failure());
    *answer = argosy::answer_of(std::move(found.front())).release();
    return {};
  });
}

argosy_code argosy_search_many(argosy_store* store, const char* const* queries, std::size_t count, const argosy_search_options* options,
                               argosy_answer** answers, argosy_error** error) {
  return run(error, [&]() -> status {
    if (answers != nullptr) std::fill_n(answers, count, nullptr);
    ARGOSY_TRY(want({{"store", store}}));
    if (count > 0) ARGOSY_TRY(want({{"queries", queries}, {"answers", answers}}));
    ARGOSY_ASSIGN(const argosy::asked how, argosy::asked_for(options));
    std::vector<std::string> texts;
    for (std::size_t q = 0; q < count; ++q) {
      ARGOSY_TRY(want({{"query", queries[q]}}).within("place " + std::to_string(q)));
      texts.emplace_back(queries[q]);
    }
    ARGOSY_TRY(store->opened.check(how.request));
    ARGOSY_ASSIGN(auto found, store->opened.answer(texts, how.request, how.live));
    std::vector<std::unique_ptr<argosy_answer>> made;
    for (auto& one : found) made.push_back(argosy::answer_of(std::move(one)));
    for (std::size_t q = 0; q < count; ++q) answers[q] = made[q].release();
    return {};
  });
}

void argosy_answer_free(argosy_answer* answer) { delete answer; }

const argosy_error* argosy_answer_refusal(const argosy_answer* answer) {
  return answer == nullptr || !answer->refusal ? nullptr : &*answer->refusal;
}

argosy_code argosy_answer_get(const argosy_answer* answer, argosy_answer_facts* facts, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"answer", answer}, {"facts", facts}}));
    ARGOSY_TRY(argosy::check_size(*facts, "ARGOSY_ANSWER_FACTS"));
    const argosy::kept_answer& kept = answer->kept;
    *facts = {sizeof(*facts), kept.generation, kept.from_pairs ? "pair table" : "index", kept.results.size(), kept.restricted.size()};
    return {};
  });
}

argosy_code argosy_answer_result(const argosy_answer* answer, std::size_t place, argosy_result* result, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"answer", answer}, {"result", result}}));
    ARGOSY_TRY(argosy::check_size(*result, "ARGOSY_RESULT"));
    const auto& all = answer->kept.results;
    if (place >= all.size()) return argosy::no_place("results", place, all.size());
    const argosy::kept_result& one = all[place];
    *result = {sizeof(*result), argosy::as_text(one.id), argosy::as_text(one.title), one.score, one.channels, one.within ? 1 : 0};
    return {};
  });
}

argosy_code argosy_answer_restriction(const argosy_answer* answer, std::size_t place, argosy_restriction* restriction,
                                      argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"answer", answer}, {"restriction", restriction}}));
    ARGOSY_TRY(argosy::check_size(*restriction, "ARGOSY_RESTRICTION"));
    const auto& all = answer->kept.restricted;
    if (place >= all.size()) return argosy::no_place("restrictions", place, all.size());
    const auto& values = answer->values[place];
    *restriction = {sizeof(*restriction), argosy::as_text(all[place].text), argosy::as_text(all[place].field), values.data(),
                    values.size()};
    return {};
  });
}

argosy_code argosy_product_open(const argosy_store* store, const char* id, argosy_product** product, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"store", store}, {"id", id}, {"product", product}}));
    *product = nullptr;
    ARGOSY_ASSIGN(auto kept, store->opened.product(id));
    *product = new argosy_product{std::move(kept)};
    return {};
  });
}

argosy_code argosy_product_get(const argosy_product* product, argosy_product_facts* facts, argosy_error** error) {
  return run(error, [&]() -> status {
    ARGOSY_TRY(want({{"product", product}, {"facts", facts}}));
    ARGOSY_TRY(argosy::check_size(*facts, "ARGOSY_PRODUCT_FACTS"));
    const argosy::kept_product& kept = product->kept;
    *facts = {sizeof(*facts), argosy::as_text(kept.id), argosy::as_text(kept.title), argosy::as_text(kept.image)};
    return {};
  });
}

void argosy_product_free(argosy_product* product) { delete product; }

}  // extern "C"
