#include "cluster/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <vector>

#include "actors/job_book.hpp"
#include "actors/job_member.hpp"
#include "actors/lineage.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t job_number = 0x5EED;
constexpr std::uint64_t batch_pairs = 24;

// A replica is what it was trained on.
struct trained {
  std::vector<group_id> steps;  // the group of each
  job_mark mark{0, job_number};
  bool operator==(const trained&) const = default;
  void add(group_id group) {
    steps.push_back(group);
    mark = after_step(mark, group);
  }
};

class broken_invariant {
public:
  explicit broken_invariant(std::string what) : what_(std::move(what)) {}
  const std::string& what() const noexcept { return what_; }

private:
  std::string what_;
};

class draws {
public:
  explicit draws(std::uint64_t seed) : bits_(seed) {}
  double uniform() { return static_cast<double>(bits_() >> 11) * 0x1.0p-53; }
  bool chance(double p) { return uniform() < p; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  // Most are short, few are very long.
  double long_tailed(double typical) { return typical * -std::log(1 - uniform()) + (chance(.01) ? typical * 50 * uniform() : 0); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(uniform() * static_cast<double>(n)); }

private:
  std::mt19937_64 bits_;
};

class world {
public:
  world(std::uint64_t seed, const simulated_job& job, const std::function<void(const std::string&)>& log)
      : job_(job), draw_(seed), log_(log) {}

  simulation_figures run() {
    for (int n = 0; n < job_.nodes; ++n) {
      nodes_.push_back(std::make_unique<node>());
      nodes_.back()->place = n;
      start_node(n);
    }
    start_coordinator();
    if (!job_.quiet) at(draw_.between(.5, 4), [this] { fault(); });
    while (!ended_) {
      if (events_.empty()) violated("nothing will ever happen again");
      event next = events_.top();
      events_.pop();
      now_s_ = next.at_s;
      if (now_s_ > patience_s()) violated("the job has not ended");
      next.what();
    }
    check_end();
    figures_.seconds = now_s_;
    return figures_;
  }

private:
  // ---- time
  struct event {
    double at_s;
    std::uint64_t number;
    std::function<void()> what;
    bool operator>(const event& other) const { return std::pair(at_s, number) > std::pair(other.at_s, other.number); }
  };
  void at(double after_s, std::function<void()> what) { events_.push({now_s_ + after_s, ++event_number_, std::move(what)}); }
  steady_time now() const {
    return steady_time(std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(now_s_ + 1000)));
  }
  double patience_s() const { return job_.fault_s + 240 + 4 * static_cast<double>(job_.steps) * job_.step_s; }
  bool faulty() const { return !job_.quiet && now_s_ < job_.fault_s; }

  void tell(const std::string& line) {
    std::string whole = std::to_string(static_cast<std::uint64_t>(now_s_ * 1e6)) + " us  " + line;
    for (const char c : whole) figures_.digest = (figures_.digest ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
    if (log_) log_(whole);
  }
  [[noreturn]] void violated(const std::string& what) {
    tell("broken: " + what);
    throw broken_invariant("after " + std::to_string(now_s_) + " s: " + what);
  }

  // ---- processes. A life is one process; what is meant for an earlier one falls on nobody.
  struct barrier_key {
    group_id group;
    std::uint64_t number;
    auto operator<=>(const barrier_key&) const = default;
  };
  struct engine {
    std::uint64_t job = 0;  // of what it is doing: what was begun for another is dropped
    std::vector<engine_task> waiting;
    bool busy = false;
    bool whole = false;  // has a replica
    trained replica;
    group_id group = 0;
    int rank = 0, size = 1;
    std::uint64_t barriers = 0;                          // passed in this group
    std::vector<int> others;                             // places, by rank
    std::map<barrier_key, std::map<int, trained>> came;  // contributions, by rank
    std::function<void(const std::map<int, trained>&)> waits_for;
    barrier_key wanted{};
    group_id dead_group = 0;  // its connections broke
  };
  struct node {
    int place = 0;
    std::uint64_t life = 0;
    bool alive = false;
    double frozen_until = 0, slow = 1;
    bool disk_full = false;
    std::unique_ptr<job_member> member;
    engine works;
    std::optional<trained> disk;  // the newest whole checkpoint
  };
  struct coordinator {
    bool alive = false;
    std::uint64_t life = 0;
    double frozen_until = 0;
    std::unique_ptr<job_book> book;
    std::map<node_id, int> places;
  };

  static constexpr int of_coordinator = -1;
  node_id id_of(const node& n) const { return static_cast<node_id>(n.place + 1) * 1000 + n.life; }
  bool is_cut(int a, int b) const { return cut_.contains({std::min(a, b), std::max(a, b)}); }

  // Something that a process does at a time; a frozen one does it later, a dead one never.
  template <class What>
  void of_node(int place, double after_s, What what) {
    const std::uint64_t life = nodes_[static_cast<std::size_t>(place)]->life;
    at(after_s, [this, place, life, what] { do_of_node(place, life, what); });
  }
  template <class What>
  void do_of_node(int place, std::uint64_t life, What what) {
    node& n = *nodes_[static_cast<std::size_t>(place)];
    if (!n.alive || n.life != life) return;
    if (n.frozen_until > now_s_) return at(n.frozen_until - now_s_, [this, place, life, what] { do_of_node(place, life, what); });
    what(n);
    pump(n);
  }
  template <class What>
  void of_the_coordinator(double after_s, What what) {
    at(after_s, [this, life = chief_.life, what] { do_of_coordinator(life, what); });
  }
  template <class What>
  void do_of_coordinator(std::uint64_t life, What what) {
    if (!chief_.alive || chief_.life != life) return;
    if (chief_.frozen_until > now_s_) return at(chief_.frozen_until - now_s_, [this, life, what] { do_of_coordinator(life, what); });
    what();
    pump_coordinator();
  }

  void start_node(int place) {
    node& n = *nodes_[static_cast<std::size_t>(place)];
    ++n.life;
    n.alive = true;
    n.frozen_until = 0;
    n.slow = 1;
    n.works = {};
    std::optional<job_mark> on_disk;
    if (n.disk) on_disk = n.disk->mark;
    n.member = std::make_unique<job_member>(id_of(n), "node" + std::to_string(place) + "." + std::to_string(n.life), on_disk);
    tell("node " + std::to_string(place) + " starts" +
         (n.disk ? ", with a checkpoint after " + std::to_string(n.disk->mark.steps_done) : ""));
    beat(place);
  }
  void beat(int place) {
    of_node(place, .02, [this, place](node& n) {
      n.member->look(now());
      beat(place);
    });
  }
  void kill_node(int place) {
    node& n = *nodes_[static_cast<std::size_t>(place)];
    if (!n.alive) return;
    tell("node " + std::to_string(place) + " is killed");
    ++figures_.kills;
    n.alive = false;
    const node_id id = id_of(n);
    // Mostly its connections are closed for it; a machine without power closes none.
    if (draw_.chance(.8)) {
      if (!is_cut(place, of_coordinator)) of_the_coordinator(draw_.between(.0005, .01), [this, id] { chief_.book->gone(id, now()); });
      for (auto& other : nodes_)
        if (other->place != place && !is_cut(place, other->place)) {
          const group_id group = n.works.group;
          of_node(other->place, draw_.between(.0005, .01), [this, group](node& it) { connections_broke(it, group); });
        }
    }
    at(draw_.between(.2, 10), [this, place] {
      if (!nodes_[static_cast<std::size_t>(place)]->alive) start_node(place);
    });
  }

  // The ledger's file is locked: another coordinator starts when this one is dead.
  void start_coordinator() {
    ++chief_.life;
    ++figures_.coordinators;
    chief_.alive = true;
    chief_.frozen_until = 0;
    chief_.places.clear();
    job_past past(job_number);
    for (const job_entry& entry : ledger_)
      if (const status taken = past.take(entry); !taken.ok()) violated("the ledger: " + taken.message());
    if (past.ended) {
      ended_ = true;
      return;
    }
    job_settings settings;
    settings.of = job_.steps;
    settings.most_ranks = batch_pairs;
    settings.save_every = job_.save_every;
    settings.times.barred = std::chrono::seconds(10);
    settings.times.forming = std::chrono::seconds(3);
    settings.times.stuck = std::chrono::seconds(3);
    tell("coordinator " + std::to_string(chief_.life) + " starts after " + std::to_string(past.committed) + " steps");
    chief_.book = std::make_unique<job_book>(settings, std::move(past), ++term_, now());
    look();
  }
  void look() {
    of_the_coordinator(.02, [this] {
      chief_.book->look(now());
      look();
    });
  }
  void kill_coordinator() {
    if (!chief_.alive) return;
    tell("the coordinator is killed");
    ++figures_.kills;
    chief_.alive = false;
    // What was not waited for may be lost with the machine.
    const bool with_the_machine = draw_.chance(.3);
    if (with_the_machine) ledger_.resize(synced_ + draw_.below(ledger_.size() - synced_ + 1));
    synced_ = ledger_.size();
    at(draw_.between(.1, 8), [this] {
      if (!chief_.alive) start_coordinator();
    });
  }

  // ---- messages
  void post(int from, int to, const std::function<void()>& deliver) {
    ++figures_.messages;
    const bool lost = is_cut(from, to) || (faulty() && draw_.chance(.02));
    if (lost) {
      ++figures_.lost;
      return;
    }
    const int times = faulty() && draw_.chance(.02) ? 2 : 1;
    for (int i = 0; i < times; ++i) at(draw_.long_tailed(.0005), deliver);
  }

  void pump(node& n) {
    for (engine_task& task : n.member->take_tasks()) start(n, std::move(task));
    while (const auto news = n.member->take_news(now())) {
      post(n.place, of_coordinator, [this, told = *news, place = n.place] {
        if (!chief_.alive) return;
        do_of_coordinator(chief_.life, [this, told, place] {
          chief_.places[told.node] = place;
          chief_.book->take(told, now());
        });
      });
    }
    if (n.member->ended() && n.alive && chief_.alive && chief_.book->ended()) ended_ = true;
  }

  void pump_coordinator() {
    for (const job_entry& entry : chief_.book->take_entries()) {
      ledger_.push_back(entry);
      if (entry.kind != job_entry::what::step) synced_ = ledger_.size();
      if (entry.kind == job_entry::what::group) {
        ++figures_.groups;
        tell("group " + text_of(entry.group) + " of " + std::to_string(entry.members.size()) + " from step " +
             std::to_string(entry.mark.steps_done));
      }
      if (entry.kind == job_entry::what::step && entry.pairs != 0 && entry.pairs != batch_pairs)
        violated("step " + std::to_string(entry.mark.steps_done - 1) + " was trained with " + std::to_string(entry.pairs) + " pairs");
      if (entry.kind == job_entry::what::checkpoint) {
        ++figures_.checkpoints;
        tell("checkpoint after " + std::to_string(entry.mark.steps_done));
      }
      if (entry.kind == job_entry::what::end) tell("the job ends after " + std::to_string(entry.mark.steps_done) + " steps " + entry.why);
    }
    chief_.book->take_steps();
    for (const std::string& remark : chief_.book->take_remarks()) tell("coordinator: " + remark);
    for (const auto& [id, order] : chief_.book->take_orders()) {
      const auto place = chief_.places.find(id);
      if (place == chief_.places.end()) continue;
      post(of_coordinator, place->second, [this, id = id, order = order, to = place->second] {
        node& n = *nodes_[static_cast<std::size_t>(to)];
        if (!n.alive || id_of(n) != id) return;
        do_of_node(to, n.life, [order](node& it) { it.member->take(order); });
      });
    }
    if (chief_.book->ended()) {
      bool any = false;
      for (const auto& n : nodes_) any |= n->alive;
      if (!any) ended_ = true;
    }
  }
  static std::string text_of(group_id group) { return std::to_string(term_of(group)) + "." + std::to_string(group & 0xFFFFFFFF); }

  // ---- engines
  void start(node& n, engine_task task) {
    if (std::holds_alternative<cut_task>(task)) {
      n.works.waiting.clear();
      n.works.waits_for = nullptr;
      n.works.busy = false;
      ++n.works.job;
      return;
    }
    n.works.waiting.push_back(std::move(task));
    next_task(n);
  }
  void next_task(node& n) {
    engine& e = n.works;
    if (e.busy || e.waiting.empty()) return;
    e.busy = true;
    const engine_task task = e.waiting.front();
    e.waiting.erase(e.waiting.begin());
    std::visit([&](const auto& one) { carry_out(n, one); }, task);
  }
  // Later, unless it is cut out of it before.
  template <class What>
  void later(node& n, double after_s, What what) {
    of_node(n.place, after_s, [job = n.works.job, what](node& it) {
      if (it.works.job == job) what(it);
    });
  }
  void finished(node& n) {
    n.works.busy = false;
    next_task(n);
  }
  std::optional<job_mark> state_of(const node& n) const { return n.works.whole ? std::optional(n.works.replica.mark) : std::nullopt; }

  void carry_out(node&, const cut_task&) {}
  void carry_out(node& n, const gather_task& task) {
    later(n, draw_.long_tailed(.003), [this, task](node& it) {
      it.works.group = task.group;
      it.works.rank = task.rank;
      it.works.size = task.size;
      it.works.barriers = 0;
      it.works.came.clear();
      it.member->gathered(task.group, std::to_string(it.place), state_of(it), it.disk ? std::optional(it.disk->mark) : std::nullopt);
      finished(it);
    });
  }

  // Tells all others of its group, and goes on when all have told it.
  template <class Then>
  void meet_others(node& n, const trained& mine, Then then) {
    engine& e = n.works;
    const barrier_key key{e.group, e.barriers++};
    e.came[key][e.rank] = mine;
    e.wanted = key;
    e.waits_for = [&n, then](const std::map<int, trained>& all) { then(n, all); };
    n.member->exchanges(true, now());
    for (const int other : e.others) {
      if (other == n.place || is_cut(other, n.place)) continue;
      const std::uint64_t life = nodes_[static_cast<std::size_t>(other)]->life;
      at(draw_.long_tailed(.0003), [this, other, life, key, rank = e.rank, mine] {
        do_of_node(other, life, [this, key, rank, mine](node& it) {
          it.works.came[key][rank] = mine;
          pass_if_all_came(it);
        });
      });
    }
    if (e.dead_group == e.group) return connections_broke(n, e.group);
    pass_if_all_came(n);
  }
  void pass_if_all_came(node& n) {
    engine& e = n.works;
    if (!e.waits_for || static_cast<int>(e.came[e.wanted].size()) < e.size) return;
    const auto go_on = std::exchange(e.waits_for, nullptr);
    const auto all = e.came[e.wanted];
    n.member->exchanges(false, now());
    go_on(all);
  }
  void connections_broke(node& n, group_id group) {
    engine& e = n.works;
    e.dead_group = std::max(e.dead_group, group);
    if (e.group != group || !e.waits_for) return;
    e.waits_for = nullptr;
    e.waiting.clear();
    e.busy = false;
    ++e.job;
    n.member->broke(group, {errc::aborted, "a connection broke"}, state_of(n));
  }
  void expect_same(const std::map<int, trained>& all, const std::string& when) {
    for (const auto& [rank, one] : all)
      if (one != all.begin()->second)
        violated("ranks differ " + when + ": " + std::to_string(one.mark.steps_done) + " steps and " +
                 std::to_string(all.begin()->second.mark.steps_done));
  }

  void carry_out(node& n, const meet_task& task) {
    const node_order& order = task.order;
    n.works.others.clear();
    for (const std::string& address : order.addresses) n.works.others.push_back(std::stoi(address));
    if (order.source < 0) {
      n.works.replica = {};
      n.works.whole = true;
    } else if (order.restores && order.source == order.rank) {
      if (!n.disk || n.disk->mark != order.from) violated("the checkpoint to begin with is not there");
      n.works.replica = *n.disk;
      n.works.whole = true;
    }
    later(n, draw_.long_tailed(.005), [this, order](node& it) {
      meet_others(it, it.works.replica, [this, order](node& met, const std::map<int, trained>& all) {
        if (order.source >= 0 && order.fed[static_cast<std::size_t>(order.rank)] != 0) met.works.replica = all.at(order.source);
        met.works.whole = true;
        if (met.works.replica.mark != order.from)
          violated("node " + std::to_string(met.place) + " begins a group with another replica than its own");
        met.member->met(order.group, met.works.replica.mark, now());
        finished(met);
      });
    });
  }

  void carry_out(node& n, const step_task& task) {
    if (n.works.replica.mark.steps_done != task.step)
      violated("node " + std::to_string(n.place) + " is told another step than its next one");
    const double work_s = draw_.long_tailed(job_.step_s / 2) * n.slow;
    later(n, work_s, [this, task, work_s](node& it) {
      meet_others(it, it.works.replica, [this, task, work_s](node& gathered, const std::map<int, trained>& before) {
        expect_same(before, "before step " + std::to_string(task.step));
        later(gathered, work_s, [this, task, work_s](node& back) {
          meet_others(back, back.works.replica, [this, task, work_s](node& reduced, const std::map<int, trained>&) {
            reduced.works.replica.add(task.group);
            ++figures_.trained;
            report(reduced, task, work_s);
          });
        });
      });
    });
  }
  void report(node& n, const step_task& task, double work_s) {
    step_done part;
    part.rank = n.works.rank;
    part.report.step = task.step;
    const auto first = [&](int rank) { return batch_pairs * static_cast<std::uint64_t>(rank) / static_cast<std::uint64_t>(n.works.size); };
    part.report.pairs = first(part.rank + 1) - first(part.rank);
    part.step_s = 2 * work_s;
    n.member->done(task.group, part, n.works.replica.mark, now());
    finished(n);
  }

  void carry_out(node& n, const save_task& task) {
    meet_others(n, n.works.replica, [this, task](node& it, const std::map<int, trained>& all) {
      expect_same(all, "at a checkpoint");
      it.member->captured(task.group, task.save);
      if (it.works.rank == 0) {
        // It is renamed into its place at the end: killed before, what was there stays.
        of_node(it.place, draw_.long_tailed(.05), [task, copy = it.works.replica](node& writes) {
          if (writes.disk_full) return writes.member->not_saved(task.group, task.save, {errc::io_error, "no space left"});
          writes.disk = copy;
          writes.member->saved(copy.mark);
        });
      }
      finished(it);
    });
  }

  // ---- faults
  void fault() {
    if (!faulty()) return heal();
    const int place = static_cast<int>(draw_.below(nodes_.size()));
    node& n = *nodes_[static_cast<std::size_t>(place)];
    const double kind = draw_.uniform();
    if (kind < .35) {
      kill_node(place);
    } else if (kind < .5) {
      n.frozen_until = now_s_ + draw_.between(.1, 8);
      tell("node " + std::to_string(place) + " freezes");
    } else if (kind < .6) {
      n.slow = draw_.chance(.5) ? 1 : draw_.between(2, 60);
      tell("node " + std::to_string(place) + " is " + std::to_string(n.slow) + " times slower");
    } else if (kind < .75) {
      cut_links();
    } else if (kind < .85) {
      kill_coordinator();
    } else if (kind < .92) {
      chief_.frozen_until = now_s_ + draw_.between(.1, 5);
      tell("the coordinator freezes");
    } else {
      n.disk_full = !n.disk_full;
      tell("the disk of node " + std::to_string(place) + (n.disk_full ? " is full" : " has room"));
    }
    at(draw_.long_tailed(2), [this] { fault(); });
  }
  // One side cannot reach the other; the coordinator is on either.
  void cut_links() {
    std::vector<int> one, other;
    for (int place = of_coordinator; place < job_.nodes; ++place) (draw_.chance(.5) ? one : other).push_back(place);
    std::set<std::pair<int, int>> links;
    for (const int a : one)
      for (const int b : other) links.insert({std::min(a, b), std::max(a, b)});
    tell(std::to_string(links.size()) + " links are cut");
    cut_.insert(links.begin(), links.end());
    at(draw_.between(.2, 6), [this, links] {
      for (const auto& link : links) cut_.erase(link);
      tell("links are whole");
    });
  }
  void heal() {
    tell("no more faults");
    for (auto& n : nodes_) {
      n->slow = 1;
      n->disk_full = false;
    }
  }

  // ---- the end
  void check_end() {
    job_past past(job_number);
    std::uint64_t expected = 0;
    bool ended = false;
    for (const job_entry& entry : ledger_) {
      if (entry.kind == job_entry::what::group) {
        if (entry.mark.steps_done > expected && past.committed != entry.mark.steps_done)
          violated("the ledger leaves out steps before a group");
        if (past.saved && entry.mark.steps_done < past.saved->steps_done) violated("a group begins behind a checkpoint of the ledger");
        figures_.taken_back += expected > entry.mark.steps_done ? expected - entry.mark.steps_done : 0;
        expected = entry.mark.steps_done;
      }
      if (entry.kind == job_entry::what::step && entry.mark.steps_done != ++expected) violated("the ledger's steps are not in their order");
      ended |= entry.kind == job_entry::what::end;
      if (const status taken = past.take(entry); !taken.ok()) violated("the ledger: " + taken.message());
    }
    if (!ended || past.committed != job_.steps) violated("the job ended after " + std::to_string(past.committed) + " steps");
    for (const auto& n : nodes_) {
      if (!n->disk || n->disk->mark.steps_done != job_.steps) continue;
      for (std::uint64_t step = 0; step < job_.steps; ++step)
        if (n->disk->steps[step] != past.history.group_of(step)) violated("the last checkpoint was not trained on what the ledger says");
    }
    if (!past.saved || past.saved->steps_done != job_.steps) violated("there is no checkpoint of the end");
  }

  simulated_job job_;
  draws draw_;
  std::function<void(const std::string&)> log_;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  double now_s_ = 0;
  std::uint64_t event_number_ = 0;
  std::vector<std::unique_ptr<node>> nodes_;
  coordinator chief_;
  std::uint32_t term_ = 0;
  std::vector<job_entry> ledger_;
  std::size_t synced_ = 0;
  std::set<std::pair<int, int>> cut_;
  bool ended_ = false;
  simulation_figures figures_;
};

}  // namespace

result<simulation_figures> simulate(std::uint64_t seed, const simulated_job& job, const std::function<void(const std::string&)>& log) {
  try {
    return world(seed, job, log).run();
  } catch (const broken_invariant& broken) {
    return status{errc::internal, "seed " + std::to_string(seed) + ": " + broken.what()};
  }
}

}  // namespace argosy
