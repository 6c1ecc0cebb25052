#include "actors/serving.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "actors/catalogue_actor.hpp"
#include "actors/change_actor.hpp"
#include "index/live_store.hpp"
#include "search/terms_of.hpp"

namespace argosy {
namespace {

struct serving_config : actor_config {
  serving_config() { set("scheduler.max-threads", std::size_t{1}); }  // every actor has a thread of its own
};

result<searcher_ptr> open_for_one(const live_generation& live, compute arithmetic) {
  ARGOSY_ASSIGN(searcher opened, searcher::open(live, 1, arithmetic));
  return std::make_shared<searcher>(std::move(opened));
}

}  // namespace

struct serving::impl {
  impl(const serving_options& chosen, const clock_source& clock)
      : options(chosen),
        time(&clock),
        questions(std::make_shared<question_queue>(chosen.waiting)),
        requests(std::make_shared<change_queue>(chosen.waiting_bytes)) {}

  serving_options options;
  const clock_source* time;
  std::shared_ptr<question_queue> questions;
  std::shared_ptr<change_queue> requests;
  serving_metrics metrics;
  std::shared_ptr<fields_of_generations> fields = std::make_shared<fields_of_generations>();
  std::atomic<std::shared_ptr<const searcher>> newest;
  serving_config config;
  std::unique_ptr<caf::actor_system> actors;
  std::vector<caf::actor> crew;

  void take_note(const std::shared_ptr<const searcher>& of) {
    metrics.count_switch(of->current().number(), of->live().products());
    newest.store(of);
    fields->keep_only(of->current());
  }

  status begin() {
    std::shared_ptr<product_writer> writer;  // before the store is read: it makes the journal where there is none
    if (options.writes) {
      ARGOSY_ASSIGN(writer, product_writer::open(options.store, *options.writes));
    }
    ARGOSY_ASSIGN(std::string state, state_of_store(options.store));
    ARGOSY_ASSIGN(live_mark from, open_mark(options.store, rules_of));
    catalogue_parts parts{.state = [store = options.store] { return state_of_store(store); },
                          .read_on = [store = options.store](const live_mark& before) { return read_on(store, rules_of, before); },
                          .open = [arithmetic = options.arithmetic](const live_generation& live) { return open_for_one(live, arithmetic); },
                          .opened = std::move(state),
                          .from = std::make_shared<const live_mark>(std::move(from)),
                          .searches = {},
                          .opened_anew = [this](const searcher_ptr& of) { take_note(of); },
                          .changed = [this](const live_generation& to) { take_note(std::make_shared<searcher>(newest.load()->at(to))); }};
    actors = std::make_unique<caf::actor_system>(config);
    for (int i = 0; i < options.searches; ++i) {
      ARGOSY_ASSIGN(searcher_ptr opened, parts.open(parts.from->moment));
      if (i == 0) take_note(opened);
      parts.searches.push_back(actors->spawn<caf::detached>(search, search_parts{questions, std::move(opened), time}));
      crew.push_back(caf::actor_cast<caf::actor>(parts.searches.back()));
    }
    const catalogue_actor switching = actors->spawn<caf::detached>(catalogue, parts);
    crew.push_back(caf::actor_cast<caf::actor>(switching));
    if (!writer) return {};
    const change_parts changing{.requests = requests, .writer = std::move(writer), .catalogue = switching, .yields = true};
    crew.push_back(caf::actor_cast<caf::actor>(actors->spawn<caf::detached>(changes, changing)));
    return {};
  }
};

serving::serving(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

serving::~serving() {
  for (const auto& member : impl_->crew) caf::anon_send_exit(member, caf::exit_reason::user_shutdown);
  impl_->crew.clear();
}

result<std::unique_ptr<serving>> serving::start(const serving_options& options, const clock_source& clock) {
  std::unique_ptr<serving> made(new serving(std::make_unique<impl>(options, clock)));
  try {
    ARGOSY_TRY(made->impl_->begin());
  } catch (const std::exception& why) {                // no thread for an actor, or no memory
    static_cast<void>(made->impl_->actors.release());  // CAF counts an actor that got no thread among the running, and would wait for it
    return status(errc::unavailable, std::string("the actors of serving cannot be started: ") + why.what());
  }
  return made;
}

bool serving::ask(question&& asked) {
  asked.deadline = impl_->time->now() + std::min(asked.patience, impl_->options.deadline);
  return impl_->questions->push(std::move(asked));
}

bool serving::writes() const noexcept { return impl_->options.writes.has_value(); }

bool serving::change(change_request&& one) {
  const std::size_t weight = one.body.size() + one.id.size() + sizeof(change_request);
  return impl_->requests->push(std::move(one), weight);
}

std::size_t serving::waiting() const { return impl_->questions->size(); }
serving_metrics& serving::metrics() noexcept { return impl_->metrics; }
slow_queries serving::slow() const noexcept { return slow_queries(impl_->options.slow); }
const clock_source& serving::clock() const noexcept { return *impl_->time; }
std::shared_ptr<const searcher> serving::newest() const { return impl_->newest.load(); }
const std::shared_ptr<fields_of_generations>& serving::fields() const noexcept { return impl_->fields; }

}  // namespace argosy
