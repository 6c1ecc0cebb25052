#include "actors/serving.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <exception>
#include <stop_token>
#include <utility>
#include <vector>

#include "actors/catalogue_actor.hpp"
#include "actors/change_actor.hpp"
#include "actors/compaction_actor.hpp"
#include "index/live_store.hpp"
#include "index/store.hpp"
#include "search/compaction.hpp"
#include "search/terms_of.hpp"

namespace argosy {
namespace {

constexpr std::size_t compactions_kept = 2;  // ours: the current one, and one to go back to

struct serving_config : actor_config {
  serving_config() { set("scheduler.max-threads", std::size_t{1}); }  // every actor that computes has a thread of its own
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
  std::optional<compaction_actor> compacting;  // none where nothing is written
  std::stop_source stop;                       // of a compaction

  void take_note(const std::shared_ptr<const searcher>& of) {
    metrics.count_switch(changed_rows_of(of->live()));
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
    const change_actor writing = actors->spawn<caf::detached>(changes, changing);
    crew.push_back(caf::actor_cast<caf::actor>(writing));
    compact_beside(writing);
    return {};
  }

  void compact_beside(const change_actor& writing) {
    const compaction_options how{.threads = options.compact_threads, .show = {}, .stop = stop.get_token()};
    const builder_parts making{.make = [store = options.store, how](const live_mark& from) { return make_compacted(store, from, how); },
                               .prune = [store = options.store] { return prune_compacted(store, compactions_kept); },
                               .yields = true};
    const compaction_builder builder = actors->spawn<caf::detached>(build_compacted, making);
    crew.push_back(caf::actor_cast<caf::actor>(builder));
    compacting = actors->spawn(compacts, compaction_parts{.changes = writing,
                                                          .builder = builder,
                                                          .clock = time,
                                                          .metrics = &metrics,
                                                          .after = options.compact_after,
                                                          .stop = stop.get_token()});
    crew.push_back(caf::actor_cast<caf::actor>(*compacting));
  }
};

serving::serving(std::unique_ptr<impl> made) : impl_(std::move(made)) {}

serving::~serving() {
  impl_->stop.request_stop();
  impl_->compacting.reset();
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

void serving::compact(tell_compaction tell) {
  caf::anon_send(*impl_->compacting, compact_atom_v, std::make_shared<tell_compaction>(std::move(tell)));
}

std::size_t serving::waiting() const { return impl_->questions->size(); }
serving_metrics& serving::metrics() noexcept { return impl_->metrics; }
slow_queries serving::slow() const noexcept { return slow_queries(impl_->options.slow); }
const clock_source& serving::clock() const noexcept { return *impl_->time; }
std::shared_ptr<const searcher> serving::newest() const { return impl_->newest.load(); }
const std::shared_ptr<fields_of_generations>& serving::fields() const noexcept { return impl_->fields; }

}  // namespace argosy
