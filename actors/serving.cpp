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
#include "index/live_store.hpp"

namespace argosy {
namespace {

struct serving_config : actor_config {
  serving_config() { set("scheduler.max-threads", std::size_t{1}); }  // every actor has a thread of its own
};

result<searcher_ptr> open_for_one(const std::filesystem::path& store) {
  ARGOSY_ASSIGN(searcher opened, searcher::open(store, 1));
  return std::make_shared<searcher>(std::move(opened));
}

}  // namespace

struct serving::impl {
  impl(const serving_options& chosen, const clock_source& clock)
      : options(chosen), time(&clock), questions(std::make_shared<question_queue>(chosen.waiting)) {}

  serving_options options;
  const clock_source* time;
  std::shared_ptr<question_queue> questions;
  serving_metrics metrics;
  std::atomic<std::shared_ptr<const searcher>> newest;
  serving_config config;
  std::unique_ptr<caf::actor_system> actors;
  std::vector<caf::actor> crew;

  void take_note(const searcher_ptr& of) {
    metrics.count_switch(of->current().number(), of->live().products());
    newest.store(of);
  }

  status begin() {
    ARGOSY_ASSIGN(std::string opened, state_of_store(options.store));
    catalogue_parts parts{.state = [store = options.store] { return state_of_store(store); },
                          .open = [store = options.store] { return open_for_one(store); },
                          .opened = std::move(opened),
                          .searches = {},
                          .switched = [this](const searcher_ptr& of) { take_note(of); }};
    actors = std::make_unique<caf::actor_system>(config);
    for (int i = 0; i < options.searches; ++i) {
      ARGOSY_ASSIGN(searcher_ptr from, parts.open());
      if (i == 0) take_note(from);
      parts.searches.push_back(actors->spawn<caf::detached>(search, search_parts{questions, std::move(from), time}));
      crew.push_back(caf::actor_cast<caf::actor>(parts.searches.back()));
    }
    crew.push_back(caf::actor_cast<caf::actor>(actors->spawn<caf::detached>(catalogue, parts)));
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

std::size_t serving::waiting() const { return impl_->questions->size(); }
serving_metrics& serving::metrics() noexcept { return impl_->metrics; }
const clock_source& serving::clock() const noexcept { return *impl_->time; }
std::shared_ptr<const searcher> serving::newest() const { return impl_->newest.load(); }

}  // namespace argosy
