#include "actors/job_coordinator.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <nlohmann/json.hpp>

#include "actors/error.hpp"
#include "actors/step_progress.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

using pointer = caf::stateful_actor<job_coordinator_state>*;

const char* name_of(group_stage stage) {
  switch (stage) {
    case group_stage::none: return "waits";
    case group_stage::gathered: return "meets";
    case group_stage::met: return "trains";
    case group_stage::broken: return "broken";
  }
  return "";
}

nlohmann::ordered_json row_of(const node_view& node) {
  nlohmann::ordered_json row = {{"rank", node.rank < 0 ? nlohmann::json() : nlohmann::json(node.rank)},
                                {"name", node.name},
                                {"phase", node.barred     ? "barred"
                                          : node.rank < 0 ? "reserve"
                                                          : name_of(node.stage)},
                                {"heard_s_ago", node.silent_s},
                                {"actors", nlohmann::json::array()}};
  for (const actor_figures& one : node.actors)
    row["actors"].push_back({{"name", one.name},
                             {"waiting", one.waiting},
                             {"handled", one.handled},
                             {"busy_s", one.busy_s},
                             {"longest_s", one.longest_s},
                             {"starts", one.starts},
                             {"cause", one.cause}});
  if (!node.last) return row;
  const step_done& last = *node.last;
  const step_report& r = last.report;
  row["step"] = r.step;
  row["pairs_per_s"] = per_second(r.pairs, last.data_wait_s + last.step_s);
  row["negatives_product"] = r.negatives_product;
  row["negatives_bank"] = r.negatives_bank;
  const std::pair<const char*, double> parts[] = {{"idle", last.idle_s},  {"data", last.data_wait_s}, {"forward", r.forward_s},
                                                  {"match", r.match_s},   {"backward", r.backward_s}, {"update", r.update_s},
                                                  {"gather", r.gather_s}, {"reduce", r.reduce_s},     {"wait", r.wait_s}};
  const auto slowest = std::ranges::max_element(parts, {}, &std::pair<const char*, double>::second);
  for (const auto& [part, seconds] : parts) row["seconds"][part] = seconds;
  row["slowest"] = slowest->first;
  return row;
}

std::string standing(const job_coordinator_state& s) {
  const steady_time now = s.parts.clock->now();
  const job_book& book = *s.parts.book;
  nlohmann::ordered_json object = {{"job", hex_text(s.parts.ledger->past().facts.job)},
                                   {"term", s.parts.ledger->past().term},
                                   {"group", book.group() & 0xFFFFFFFF},
                                   {"phase", book.ended()     ? "ended"
                                             : book.running() ? "training"
                                                              : "gathering"},
                                   {"step", book.committed()},
                                   {"of", s.parts.settings.of},
                                   {"checkpoint", book.saved() ? nlohmann::json(book.saved()->steps_done) : nlohmann::json()},
                                   {"unsaved", nlohmann::json()},
                                   {"ledger", s.refused_by_disk.empty() ? nlohmann::json() : nlohmann::json(s.refused_by_disk)},
                                   {"loss", s.last_loss},
                                   {"pairs_per_s", s.pairs_per_s},
                                   {"nodes", nlohmann::json::array()}};
  if (const auto unsaved = book.unsaved(now))
    object["unsaved"] = {{"times", unsaved->times}, {"since_s", unsaved->since_s}, {"why", unsaved->why}};
  for (const node_view& node : book.nodes(now)) object["nodes"].push_back(row_of(node));
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string greet(const job_coordinator_state& s, const std::string& text) {
  const auto who = read_greeting(text);
  if (!who.ok()) return refusal_text(who.failure());
  if (who->wish == caller_wish::status) return standing(s);
  const job_facts& facts = s.parts.ledger->past().facts;
  if (who->data_fingerprint != facts.data_fingerprint)
    return refusal_text({errc::invalid_argument, "want the data with fingerprint " + hex_text(facts.data_fingerprint) + ", got " +
                                                     hex_text(who->data_fingerprint)});
  return welcome_of(facts);
}

// ---- what the book says

bool write_entries(job_coordinator_state& s) {
  for (job_entry& entry : s.parts.book->take_entries()) s.unwritten.push_back(std::move(entry));
  if (s.unwritten.empty()) return true;
  const status written = s.parts.ledger->write(s.unwritten);
  if (!written.ok()) {
    if (s.refused_by_disk != written.text()) s.parts.remark("nothing goes on until the ledger can be written: " + written.text());
    s.refused_by_disk = written.text();
    return false;
  }
  s.refused_by_disk.clear();
  return true;
}

void show_steps(job_coordinator_state& s) {
  for (const auto& parts : s.parts.book->take_steps()) {
    training_progress progress = progress_of_ranks(parts, s.parts.settings.of);
    const auto done = progress.report.step + 1 - s.first_step;
    const double each_s = seconds_between(s.began, s.parts.clock->now()) / static_cast<double>(std::max<std::uint64_t>(done, 1));
    progress.seconds_left = each_s * static_cast<double>(s.parts.settings.of - progress.report.step - 1);
    s.pairs += progress.report.pairs;
    s.last_loss = progress.report.loss;
    s.pairs_per_s = progress.pairs_per_s;
    const status shown = s.parts.sink(progress);
    if (!shown.ok() && s.refused_by_sink != shown.text()) s.parts.remark(shown.text());
    s.refused_by_sink = shown.text();
  }
}

void end_if_over(pointer self) {
  auto& s = self->state;
  const job_book& book = *s.parts.book;
  if (!book.ended() || !s.running || s.told) return;
  const steady_time now = s.parts.clock->now();
  if (s.ended_at == steady_time{}) s.ended_at = now;
  if (!s.unwritten.empty()) {
    if (now - s.ended_at < s.parts.farewell) return;
    s.told = true;
    s.promise.deliver(error_of({errc::io_error, s.refused_by_disk}));
    return;
  }
  if (!s.nodes.empty() && now - s.ended_at < s.parts.farewell) return;
  s.told = true;
  if (!book.end().ok()) {
    s.promise.deliver(error_of(book.end()));
    return;
  }
  const double seconds = seconds_between(s.began, now);
  s.promise.deliver(training_end{.steps_done = book.committed(),
                                 .of = s.parts.settings.of,
                                 .interrupted = book.committed() < s.parts.settings.of,
                                 .saved = book.saved() && book.saved()->steps_done == book.committed(),
                                 .seconds = seconds,
                                 .last_loss = s.last_loss,
                                 .pairs_per_s = per_second(s.pairs, seconds)});
}

void go_on(pointer self) {
  auto& s = self->state;
  for (const std::string& remark : s.parts.book->take_remarks()) s.parts.remark(remark);
  if (write_entries(s)) {
    show_steps(s);
    for (const auto& [id, order] : s.parts.book->take_orders())
      if (const auto node = s.nodes.find(id); node != s.nodes.end()) self->send(node->second, order_atom_v, order);
  }
  end_if_over(self);
}

void take(pointer self, const node_news& news) {
  auto& s = self->state;
  const auto from = caf::actor_cast<caf::actor>(self->current_sender());
  if (!from || news.stage > group_stage::broken || news.code > errc::internal) return;
  caf::actor& known = s.nodes[news.node];
  if (known != from) self->monitor(from);
  known = from;
  s.parts.book->take(news, s.parts.clock->now());
  if (news.leaves) s.nodes.erase(news.node);
  go_on(self);
}

void lose(pointer self, const caf::down_msg& down) {
  auto& s = self->state;
  const auto found = std::ranges::find_if(s.nodes, [&](const auto& one) { return one.second.address() == down.source; });
  if (found == s.nodes.end()) return;
  s.parts.book->gone(found->first, s.parts.clock->now());
  s.nodes.erase(found);
  go_on(self);
}

caf::result<training_end> run(pointer self) {
  auto& s = self->state;
  if (s.running) return error_of({errc::invalid_argument, "this job has been started before"});
  s.running = true;
  s.promise = self->make_response_promise<training_end>();
  return s.promise;
}

}  // namespace

caf::behavior job_coordinator(pointer self, job_coordinator_parts parts) {
  auto& s = self->state;
  s.parts = std::move(parts);
  s.began = s.parts.clock->now();
  s.first_step = s.parts.book->committed();
  self->set_down_handler([self](const caf::down_msg& down) { lose(self, down); });
  self->delayed_send(self, s.parts.pause, look_atom_v);
  return {
      [self](const std::string& text) { return greet(self->state, text); },
      [self](news_atom, const node_news& news) { take(self, news); },
      [self](look_atom) {
        self->state.parts.book->look(self->state.parts.clock->now());
        go_on(self);
        self->delayed_send(self, self->state.parts.pause, look_atom_v);
      },
      [self](stop_atom) {
        self->state.parts.book->stop(self->state.parts.clock->now());
        go_on(self);
      },
      [self](run_atom) { return run(self); },
  };
}

}  // namespace argosy
