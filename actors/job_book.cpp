#include "actors/job_book.hpp"

#include <algorithm>
#include <cmath>

namespace argosy {
namespace {

constexpr int fruitless_groups = 3;  // ours: then there is a pause before the next

// What the rank itself was busy for, without waiting for others.
double own_s(const step_done& part) { return part.data_wait_s + part.step_s - part.report.exchange_s(); }

errc failure_code(const node_news& of) { return of.code == errc::ok ? errc::internal : of.code; }

// "host:process"; any other name is a machine's of its own.
std::string machine_of(const std::string& name) { return name.substr(0, name.rfind(':')); }

std::string seconds_text(double seconds) {
  std::string text = std::to_string(seconds);
  return text.substr(0, text.find('.') + 3) + " s";
}

}  // namespace

status job_past::take(const job_entry& entry) {
  switch (entry.kind) {
    case job_entry::what::group:
      if (!history.has(entry.mark))
        return {errc::corrupt, "group " + std::to_string(entry.group) + " begins after " + std::to_string(entry.mark.steps_done) +
                                   " steps that are not those of the groups before"};
      history.begin(entry.group, entry.mark);
      committed = entry.mark.steps_done;
      last_group = entry.members.size();
      break;
    case job_entry::what::step: committed = entry.mark.steps_done; break;
    case job_entry::what::checkpoint: saved = entry.mark; break;
    case job_entry::what::lost:
      if (saved == entry.mark) saved.reset();
      break;
    case job_entry::what::end: ended = true; break;
  }
  // A checkpoint of steps that were taken back since is none.
  if (saved && !history.has(*saved)) saved.reset();
  return {};
}

job_book::job_book(const job_settings& settings, job_past past, std::uint32_t term, steady_time now)
    : settings_(settings),
      history_(std::move(past.history)),
      term_(term),
      expected_(past.last_group > 0 ? past.last_group : settings.wanted),
      arrived_(now),
      committed_(past.committed),
      granted_(past.committed),
      saved_(past.saved) {}

// ---- who is there

std::vector<node_id> job_book::eligible(steady_time now) const {
  std::vector<node_id> all;
  for (const auto& [id, m] : members_)
    if (m.barred_until <= now) all.push_back(id);
  std::ranges::sort(all, {}, [this](node_id id) { return members_.at(id).joined; });
  const auto most = std::min<std::uint64_t>(settings_.wanted == 0 ? settings_.most_ranks : settings_.wanted, settings_.most_ranks);
  if (all.size() > most) all.resize(most);
  return all;
}

bool job_book::newcomer_waits(steady_time now) const {
  const auto those = eligible(now);
  return std::ranges::any_of(those, [this](node_id id) { return !in_group(members_.at(id)); });
}

bool job_book::all_of_group(group_stage least) const {
  return std::ranges::all_of(ranks_, [&](node_id id) {
    const node_news& news = members_.at(id).news;
    return news.group == group_ && news.stage >= least && news.stage != group_stage::broken;
  });
}

void job_book::take(const node_news& news, steady_time now) {
  const auto [found, is_new] = members_.try_emplace(news.node);
  member& m = found->second;
  if (is_new) {
    m.joined = ++joined_;
    arrived_ = now;
  }
  m.heard = now;
  m.tell = true;
  if (!is_new && news.number <= m.news.number) return;
  m.news = news;
  if (news.leaves) return gone(news.node, now);
  if (phase_ == phase::ended) return;
  if (in_group(m) && news.group == group_) absorb(m, now);
  go_on(now);
}

void job_book::gone(node_id node, steady_time now) {
  const auto found = members_.find(node);
  if (found == members_.end()) return;
  const bool of_group = in_group(found->second);
  if (of_group) remarks_.push_back(found->second.news.name + " is gone");
  if (of_group) dissolve(now);
  members_.erase(found);
  if (of_group && phase_ != phase::ended) form(now);
}

void job_book::bar(node_id node, const std::string& why, steady_time now) {
  member& m = members_.at(node);
  m.barred_until = now + settings_.times.barred;
  m.slow = 0;
  remarks_.push_back(m.news.name + " is taken out for " + seconds_text(std::chrono::duration<double>(settings_.times.barred).count()) +
                     ": " + why);
}

void job_book::bar_those_who_lack(group_stage stage, const std::string& why, steady_time now) {
  std::vector<node_id> lack;
  for (const node_id id : ranks_) {
    const node_news& news = members_.at(id).news;
    if (news.group != group_ || news.stage < stage) lack.push_back(id);
  }
  if (lack.size() == ranks_.size()) {
    remarks_.push_back("no node of the group: " + why);
    not_before_ = now + settings_.times.pause;
  } else {
    for (const node_id id : lack) bar(id, why, now);
  }
  form(now);
}

// ---- groups

void job_book::dissolve(steady_time now) {
  if (begun_ && !paused_since_) paused_since_ = now;
  if (begun_) fruitless_ = committed_ > from_.steps_done ? 0 : fruitless_ + 1;
  for (const node_id id : ranks_) members_.at(id).rank = -1;
  ranks_.clear();
  parts_.clear();
  begun_ = false;
  capturing_ = writing_ = failed_save_ = saves_ = 0;
}

std::vector<node_id> job_book::machines_apart(const std::vector<node_id>& nodes) const {
  std::vector<std::string> machines;
  for (const node_id id : nodes) machines.push_back(machine_of(members_.at(id).news.name));
  std::vector<node_id> by_rank;
  for (const std::size_t node : argosy::machines_apart(machines)) by_rank.push_back(nodes[node]);
  return by_rank;
}

void job_book::form(steady_time now) {
  dissolve(now);
  phase_ = phase::gathering;
  if (fruitless_ >= fruitless_groups) {
    not_before_ = now + settings_.times.pause;
    fruitless_ = 0;
  }
  const auto those = eligible(now);
  if (stopping_ && those.empty()) return finish({});  // with the last checkpoint that there is
  if (those.size() < least() || now < not_before_) return tell_all();
  group_ = group_number(term_, ++groups_);
  ranks_ = settings_.shard_moments ? machines_apart(those) : those;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    member& m = members_.at(ranks_[rank]);
    m.rank = static_cast<int>(rank);
    m.slow = 0;
  }
  phase_ = phase::forming;
  formed_ = now;
  tell_all();
}

// By shard, of replicas with that mark; empty where they lack one.
std::vector<std::int32_t> job_book::holders_of_shards(const job_mark& mark) const {
  std::vector<sharding> held;
  for (const node_id id : ranks_) {
    const node_news& news = members_.at(id).news;
    held.push_back(news.state == mark ? news.held : sharding{.of = 0});
  }
  return holders_of(held);
}

// All have said an address and what they have been trained on.
void job_book::begin_group(steady_time now) {
  std::optional<job_mark> best;
  std::uint64_t lacking = 0;  // steps of the latest replicas of whose shards one is nowhere
  source_ = -1;
  restores_ = false;
  const auto prefer = [&](const std::optional<job_mark>& mark, std::size_t rank, bool on_disk) {
    if (!mark || !history_.has(*mark) || (best && best->steps_done >= mark->steps_done)) return;
    if (settings_.shard_moments && !on_disk && holders_of_shards(*mark).empty()) {
      lacking = std::max(lacking, mark->steps_done);
      return;
    }
    best = mark;
    source_ = static_cast<int>(rank);
    restores_ = on_disk;
  };
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) prefer(at(rank).news.state, rank, false);
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) prefer(at(rank).news.checkpoint, rank, true);
  if (saved_ && (!best || best->steps_done < saved_->steps_done)) {
    remarks_.push_back("no node has the checkpoint after " + std::to_string(saved_->steps_done) +
                       " steps or anything later: waiting for one; if it is lost, begin the coordinator with --without-checkpoint");
    dissolve(now);
    phase_ = phase::gathering;
    not_before_ = now + settings_.times.pause;
    return tell_all();
  }
  from_ = best.value_or(history_.at(0));
  holders_.clear();
  if (settings_.shard_moments && restores_) holders_ = {source_};
  if (settings_.shard_moments && source_ >= 0 && !restores_) holders_ = holders_of_shards(from_);
  fed_.assign(ranks_.size(), 0);
  addresses_.clear();
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    const node_news& news = at(rank).news;
    addresses_.push_back(news.address);
    const bool lacks = source_ >= 0 && static_cast<int>(rank) != source_ && news.state != from_;
    // Not one with products of steps that were taken back, or are now (it may be ahead of shards that are all there), nor a shared one that
    // lacks those of steps it was not there for.
    const bool is_behind = news.state && history_.has(*news.state) && news.state->steps_done <= from_.steps_done;
    const bool keeps_its_bank = !settings_.shared_bank && is_behind && !restores_;
    if (lacks) fed_[rank] = keeps_its_bank ? fed : fed_with_bank;
  }
  if (lacking > from_.steps_done)
    remarks_.push_back("no node that is left has one of the shards of the moments after " + std::to_string(lacking) +
                       " steps: going on from " +
                       (restores_              ? "the checkpoint after " + std::to_string(from_.steps_done) + " steps"
                        : from_.steps_done > 0 ? "those after " + std::to_string(from_.steps_done)
                                               : "the beginning"));
  while (committed_ < from_.steps_done) commit_carried();
  if (committed_ > from_.steps_done)
    remarks_.push_back("steps " + std::to_string(from_.steps_done) + " to " + std::to_string(committed_ - 1) + " are done once more");
  committed_ = granted_ = from_.steps_done;
  history_.begin(group_, from_);
  if (saved_ && !history_.has(*saved_)) saved_.reset();
  job_entry entry{.kind = job_entry::what::group, .group = group_, .mark = from_, .members = {}, .pairs = 0, .why = {}};
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) entry.members.push_back(at(rank).news.name);
  entries_.push_back(std::move(entry));
  begun_ = true;
  phase_ = phase::running;
  formed_ = now;
  tell_all();
}

// ---- steps

void job_book::absorb(member& m, steady_time now) {
  const node_news& news = m.news;
  for (const step_done& part : news.done) {
    const std::uint64_t step = part.report.step;
    if (!begun_ || step < committed_ || step >= granted_) continue;
    auto& parts = parts_[step];
    parts.resize(ranks_.size());
    parts[static_cast<std::size_t>(m.rank)] = part;
    m.last = part;
  }
  if (m.rank == 0 && capturing_ != 0 && news.captured == saves_) writing_ = std::exchange(capturing_, 0);
  if (m.rank != 0 || writing_ == 0) return;
  if (news.checkpoint == history_.at(writing_)) {
    saved_ = news.checkpoint;
    writing_ = 0;
    unsaved_ = 0;
    entries_.push_back(
        {.kind = job_entry::what::checkpoint, .group = group_, .mark = *saved_, .members = {news.name}, .pairs = 0, .why = {}});
  } else if (news.not_saved == saves_) {
    unsaved_why_ = news.name + ": " + news.why;
    remarks_.push_back("checkpoint after " + std::to_string(writing_) + " steps by " + unsaved_why_);
    failed_save_ = std::exchange(writing_, 0);
    not_saved(m, now);
  }
}

// Another rank writes the next one; where each has tried in turn, after a pause.
void job_book::not_saved(member& by, steady_time now) {
  if (unsaved_++ == 0) unsaved_since_ = now;
  if (now - unsaved_since_ > settings_.times.unsaved && at_end())
    return finish(status(failure_code(by.news), by.news.why).within(by.news.name));
  const bool all_tried = unsaved_ % ranks_.size() == 0;
  if (all_tried) save_not_before_ = now + settings_.times.pause;
  if (ranks_.size() == 1) return;
  by.joined = ++joined_;
  form(now);
}

void job_book::commit_one(std::uint64_t pairs) {
  const group_id group = history_.group_of(committed_);
  ++committed_;
  entries_.push_back({.kind = job_entry::what::step, .group = group, .mark = {committed_, 0}, .members = {}, .pairs = pairs, .why = {}});
}

// Whoever has done it tells of it, though not all ranks can any more.
void job_book::commit_carried() {
  std::vector<step_done> told;
  for (const node_id id : ranks_)
    for (const step_done& part : members_.at(id).news.done)
      if (part.report.step == committed_ && members_.at(id).news.state == from_) told.push_back(part);
  if (!told.empty()) steps_.push_back(std::move(told));
  commit_one(0);
}

void job_book::commit(steady_time now) {
  for (auto first = parts_.begin(); first != parts_.end() && first->first == committed_; first = parts_.begin()) {
    std::vector<step_done> whole;
    for (const auto& part : first->second)
      if (part) whole.push_back(*part);
    if (whole.size() < ranks_.size()) return;
    std::uint64_t pairs = 0;
    for (const step_done& part : whole) pairs += part.report.pairs;
    parts_.erase(first);
    commit_one(pairs);
    if (paused_since_) {
      const double pause_s = seconds_between(*std::exchange(paused_since_, std::nullopt), now);
      remarks_.push_back(std::to_string(ranks_.size()) + " nodes train, " + seconds_text(pause_s) + " after the group before ended");
    }
    bar_slow(whole, now);
    steps_.push_back(std::move(whole));
    if (phase_ != phase::running) return;  // a slow one was taken out
  }
}

void job_book::bar_slow(const std::vector<step_done>& parts, steady_time now) {
  const bool told_times = std::ranges::all_of(parts, [](const step_done& part) { return std::isfinite(own_s(part)); });
  if (parts.size() < 2 || !told_times) return;
  std::vector<node_id> slow;
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    std::vector<double> others;
    for (std::size_t other = 0; other < parts.size(); ++other)
      if (other != rank) others.push_back(own_s(parts[other]));
    std::ranges::nth_element(others, others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2));
    const double middle = others[others.size() / 2], own = own_s(parts[rank]);
    member& m = members_.at(ranks_[rank]);
    const bool is_slow = own > settings_.times.slow_factor * middle && own - middle > settings_.times.slow_least_s;
    m.slow = is_slow ? m.slow + 1 : 0;
    if (m.slow >= settings_.times.slow_steps) slow.push_back(ranks_[rank]);
  }
  for (const node_id id : slow) bar(id, "it is far slower than the others", now);
  if (!slow.empty()) form(now);
}

// Everybody else waits within a step, and it does not. Where all wait, what they told each other was lost.
void job_book::bar_stuck(steady_time now) {
  std::vector<node_id> busy;
  double waited = settings_.times.stuck.count() / 1e3;
  for (const node_id id : ranks_) {
    const node_news& news = members_.at(id).news;
    if (!news.exchanging)
      busy.push_back(id);
    else if (news.stage_s < waited)
      return;
  }
  if (busy.size() == ranks_.size()) return;
  if (busy.empty()) remarks_.push_back("all nodes wait for each other: their group forms anew");
  for (const node_id id : busy) bar(id, "the others have waited for it in a step", now);
  form(now);
}

// Where the next checkpoint is made: at a multiple of save_every, at the end, or where the job is being stopped.
std::uint64_t job_book::next_save() const noexcept {
  const std::uint64_t begun = std::max({saved_ ? saved_->steps_done : 0, capturing_, writing_, failed_save_});
  std::uint64_t next = settings_.of;
  if (settings_.save_every > 0) next = std::min(next, (begun / settings_.save_every + 1) * settings_.save_every);
  return stopping_ ? std::min(next, granted_) : next;
}

bool job_book::at_end() const noexcept { return committed_ == settings_.of || (stopping_ && committed_ == granted_); }

void job_book::grant(steady_time now) {
  if (capturing_ != 0) return;
  const bool on_disk = saved_ && saved_->steps_done == committed_;
  if (at_end() && writing_ == 0 && (on_disk || committed_ == 0)) return finish({});
  const bool save_now =
      at_end() ? !on_disk && writing_ != committed_ : committed_ > 0 && committed_ >= next_save() && now >= save_not_before_;
  if (save_now) {
    if (writing_ != 0 || (at_end() && now < save_not_before_)) return;
    capturing_ = committed_;
    ++saves_;
    return tell_all();
  }
  if (at_end()) return;
  if (newcomer_waits(now)) {
    if (committed_ == granted_ && writing_ == 0) form(now);
    return;
  }
  const std::uint64_t until = std::min(next_save(), committed_ + settings_.ahead);
  if (until <= granted_) return;
  granted_ = until;
  tell_all();
}

// ---- what goes wrong

// The checkpoint that the group was to begin with is broken, and its node has set it aside: the next group begins with what there is then. Told
// once of each.
bool job_book::has_lost_its_checkpoint() {
  if (!begun_ || !restores_ || committed_ != from_.steps_done || lost_ == from_) return false;
  const node_news& news = members_.at(ranks_[static_cast<std::size_t>(source_)]).news;
  if (news.group != group_ || news.stage != group_stage::broken || news.code != errc::corrupt) return false;
  remarks_.push_back("the checkpoint after " + std::to_string(from_.steps_done) + " steps is broken: " + news.why);
  lost_ = from_;
  if (saved_ == from_) saved_.reset();
  entries_.push_back({.kind = job_entry::what::lost, .group = group_, .mark = from_, .members = {}, .pairs = 0, .why = news.why});
  return true;
}

void job_book::heed_failures(steady_time now) {
  std::vector<node_id> failed;
  bool any_broken = false;
  for (const node_id id : ranks_) {
    const node_news& news = members_.at(id).news;
    if (news.group != group_ || news.stage != group_stage::broken) continue;
    any_broken = true;
    if (!news.of_others) failed.push_back(id);
  }
  if (!any_broken) return;
  if (has_lost_its_checkpoint()) return form(now);
  if (failed.size() == ranks_.size()) {
    const node_news& first = members_.at(ranks_.front()).news;
    return finish(status(failure_code(first), first.why).within(first.name));
  }
  for (const node_id id : failed) bar(id, members_.at(id).news.why, now);
  form(now);
}

void job_book::finish(status how) {
  if (phase_ == phase::ended) return;
  phase_ = phase::ended;
  end_ = std::move(how);
  entries_.push_back({.kind = job_entry::what::end,
                      .group = group_,
                      .mark = {committed_, 0},
                      .members = {},
                      .pairs = 0,
                      .why = end_.ok() ? std::string() : end_.text()});
  tell_all();
}

void job_book::stop(steady_time now) {
  if (stopping_ || phase_ == phase::ended) return;
  stopping_ = true;
  if (phase_ == phase::gathering) return finish({});
  go_on(now);
}

void job_book::go_on(steady_time now) {
  if (phase_ == phase::forming || phase_ == phase::running) heed_failures(now);
  if (phase_ == phase::forming && all_of_group(group_stage::gathered)) begin_group(now);
  if (phase_ != phase::running) return;
  commit(now);
  if (phase_ == phase::running && all_met()) grant(now);
}

void job_book::look(steady_time now) {
  if (phase_ == phase::ended) return;
  std::vector<node_id> silent;
  for (const auto& [id, m] : members_)
    if (now - m.heard > settings_.times.silence) silent.push_back(id);
  for (const node_id id : silent) {
    remarks_.push_back(members_.at(id).news.name + " is silent");
    gone(id, now);
  }
  const bool late = now - formed_ > settings_.times.forming;
  if (phase_ == phase::forming && late) bar_those_who_lack(group_stage::gathered, "it did not come to its group", now);
  if (phase_ == phase::running && late && !all_met()) bar_those_who_lack(group_stage::met, "it did not meet its group", now);
  if (phase_ == phase::running && all_met()) bar_stuck(now);
  if (phase_ == phase::gathering) {
    const auto those = eligible(now);
    const bool all_back = expected_ > 0 && those.size() >= expected_;
    const bool may = now >= not_before_ && those.size() >= least();
    if (may && (all_back || now - arrived_ >= settings_.times.settle)) form(now);
  }
  if (phase_ != phase::ended) go_on(now);
}

// ---- orders

void job_book::tell_all() {
  for (auto& [id, m] : members_) m.tell = true;
}

node_order job_book::order_for(const member& m) const {
  node_order order;
  if (phase_ == phase::ended) {
    order.stage = order_stage::end;
    order.code = end_.code();
    order.why = end_.message();
  }
  if (phase_ == phase::ended || phase_ == phase::gathering || !in_group(m)) return order;
  order.stage = phase_ == phase::forming ? order_stage::form : order_stage::run;
  order.group = group_;
  order.rank = m.rank;
  order.size = static_cast<int>(ranks_.size());
  if (phase_ == phase::forming) return order;
  order.addresses = addresses_;
  order.from = from_;
  order.source = source_;
  order.restores = restores_;
  order.holders = holders_;
  order.fed = fed_;
  order.until = granted_;
  order.save = capturing_ == 0 ? 0 : saves_;
  order.committed = committed_;
  return order;
}

std::vector<std::pair<node_id, node_order>> job_book::take_orders() {
  std::vector<std::pair<node_id, node_order>> orders;
  for (auto& [id, m] : members_) {
    if (!std::exchange(m.tell, false)) continue;
    orders.emplace_back(id, order_for(m));
    orders.back().second.number = std::uint64_t{term_} << 32 | ++orders_;
  }
  return orders;
}

std::optional<unsaved_view> job_book::unsaved(steady_time now) const {
  if (unsaved_ == 0) return std::nullopt;
  return unsaved_view{unsaved_, seconds_between(unsaved_since_, now), unsaved_why_};
}

std::vector<node_view> job_book::nodes(steady_time now) const {
  std::vector<node_view> all;
  for (const auto& [id, m] : members_)
    all.push_back({m.news.name, m.rank, m.barred_until > now, seconds_between(m.heard, now), m.news.stage, m.last, m.news.actors});
  std::ranges::sort(all, {}, [](const node_view& one) { return std::pair(one.rank < 0, one.rank); });
  return all;
}

}  // namespace argosy
