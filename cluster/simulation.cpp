#include "cluster/simulation.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "actors/job_book.hpp"
#include "actors/job_member.hpp"
#include "actors/ledger_audit.hpp"
#include "actors/lineage.hpp"
#include "actors/meeting.hpp"
#include "cluster/simulated_checkpoint.hpp"
#include "cluster/simulated_disk.hpp"
#include "cluster/simulated_ledger.hpp"
#include "cluster/simulated_replica.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t job_number = 0x5EED;
constexpr std::uint64_t batch_pairs = 24;
constexpr std::size_t bank_entries = 12;      // steps whose products a bank holds
constexpr double silence_of_coordinator = 5;  // as actors/job_node.cpp has it
constexpr double between_tries = .2;

trained untrained() { return {.steps = {}, .mark = {0, job_number}}; }
// Written over in part.
trained half_a_replica() { return {.steps = {}, .mark = {~std::uint64_t{0}, 0}}; }

std::string text_of(group_id group) { return std::to_string(term_of(group)) + "." + std::to_string(group & 0xFFFFFFFF); }

// "HOST:PROCESS", as nodes name themselves; two nodes on each machine.
std::string node_name(int place, std::uint64_t life) {
  return "machine" + std::to_string(place / 2) + ":" + std::to_string(place) + "." + std::to_string(life);
}
int place_in(const std::string& node_name) { return std::stoi(node_name.substr(node_name.find(':') + 1)); }

class job_world : simulated_world {
public:
  job_world(std::uint64_t seed, const simulated_job& job, const simulation_log& log)
      : simulated_world(seed, log), job_(job), shared_bank_(seed % 2 == 1) {}

  simulation_figures run() {
    (void)make_run(ledger_disk_);
    for (int n = 0; n < job_.nodes; ++n) {
      nodes_.push_back(std::make_unique<node>());
      nodes_.back()->place = n;
      (void)make_run(nodes_.back()->disk);
      start_node(n);
    }
    start_coordinator();
    if (!job_.quiet) at(draw_.between(.5, 4), [this] { fault(); });
    const bool over = live_until(ended_, job_.fault_s + 240 + 4 * static_cast<double>(job_.steps) * job_.step_s);
    if (job_.locks && !over) violated("the job has not ended");
    if (job_.locks) check_end();
    figures_.seconds = now_s();
    figures_.digest = digest();
    return figures_;
  }

private:
  bool faulty() const { return !job_.quiet && now_s() < job_.fault_s; }

  // ---- processes. A life is one process; what is meant for an earlier one falls on nobody.
  struct barrier_key {
    group_id group;
    std::uint64_t number;
    auto operator<=>(const barrier_key&) const = default;
  };
  // What a rank brings to a barrier.
  struct brought {
    trained replica;
    std::vector<simulated_bank> banks = {};
    trained_shards shards = {};
  };
  using contributions = std::map<int, brought>;  // by rank

  // As actors/node_worker.cpp keeps it.
  struct engine {
    std::uint64_t job = 0;  // of what it is doing: what was begun for another is dropped
    std::vector<engine_task> waiting;
    bool busy = false;
    bool open = false;
    std::optional<job_mark> state;  // none: the replica is not whole
    trained replica = untrained();
    trained_shards shards;             // with shard_moments
    std::optional<step_task> updated;  // with which weights are still being read
    simulated_bank bank;
    group_id group = 0;
    int rank = 0, size = 1;
    std::uint64_t barriers = 0;  // passed in this group
    std::vector<int> others;     // places, by rank
    std::map<barrier_key, contributions> came;
    std::function<void(const contributions&)> waits_for;
    barrier_key wanted{};
    group_id dead_group = 0;  // its connections broke
  };
  struct save_order {
    save_task task;
    std::unique_ptr<checkpoint_write> write;
  };
  struct node {
    int place = 0;
    std::uint64_t life = 0;
    bool alive = false;
    double frozen_until = 0, slow = 1;
    std::unique_ptr<job_member> member;
    engine works;
    std::deque<save_order> saves;
    simulated_disk disk;
    std::uint64_t chief = 0;  // the coordinator's process that it is connected with; none: 0
    double heard_s = 0, tried_s = 0;
    std::uint32_t term = 0;  // of the last order that it acted on
  };
  struct coordinator {
    std::uint64_t life = 0;
    double frozen_until = 0;
    std::optional<simulated_ledger> ledger;  // whose lock it has
    std::unique_ptr<job_book> book;          // once its term is on the disk
    std::map<node_id, int> places;
    std::vector<job_entry> unwritten;
    bool syncing = false;  // hears nothing meanwhile
    std::deque<std::function<void(coordinator&)>> mailbox;
  };

  static constexpr int of_coordinator = -1;
  node_id id_of(const node& n) const { return static_cast<node_id>(n.place + 1) * 1000 + n.life; }
  node& at_place(int place) { return *nodes_[static_cast<std::size_t>(place)]; }

  // Something that a process does at a time; a frozen one does it later, a dead one never.
  template <class What>
  void of_node(int place, double after_s, What what) {
    at(after_s, [this, place, life = at_place(place).life, what] { do_of_node(place, life, what); });
  }
  template <class What>
  void do_of_node(int place, std::uint64_t life, What what) {
    node& n = at_place(place);
    if (!n.alive || n.life != life) return;
    if (n.frozen_until > now_s()) return at(n.frozen_until - now_s(), [this, place, life, what] { do_of_node(place, life, what); });
    what(n);
    pump(n);
  }
  template <class What>
  void of_coordinator_process(std::uint64_t life, double after_s, What what) {
    at(after_s, [this, life, what] { do_of_coordinator(life, what); });
  }
  template <class What>
  void do_of_coordinator(std::uint64_t life, What what) {
    const auto found = chiefs_.find(life);
    if (found == chiefs_.end()) return;
    coordinator& chief = *found->second;
    if (chief.frozen_until > now_s()) return at(chief.frozen_until - now_s(), [this, life, what] { do_of_coordinator(life, what); });
    if (chief.syncing || !chief.book) return chief.mailbox.push_back(what);
    what(chief);
    pump(chief);
  }

  void start_node(int place) {
    node& n = at_place(place);
    ++n.life;
    n.alive = true;
    n.frozen_until = 0;
    n.slow = 1;
    n.works = {};
    n.saves.clear();
    n.chief = 0;
    n.tried_s = -between_tries;
    n.term = 0;
    const auto on_disk = newest_checkpoint(n.disk);
    n.member = std::make_unique<job_member>(id_of(n), node_name(place, n.life), on_disk);
    tell("node " + std::to_string(place) + " starts" + (on_disk ? ", with a checkpoint after " + std::to_string(on_disk->steps_done) : ""));
    check_kept(n);
    beat(place);
  }
  void beat(int place) {
    of_node(place, .02, [this, place](node& n) {
      n.member->look(now());
      if (n.chief != 0 && now_s() - n.heard_s > silence_of_coordinator) n.chief = 0;
      if (n.chief == 0) connect(n);
      beat(place);
    });
  }
  // With any that listens; one that has stopped still takes the connection, and answers nothing.
  void connect(node& n) {
    if (now_s() - n.tried_s < between_tries || chiefs_.empty()) return;
    n.tried_s = now_s();
    const std::uint64_t life = std::next(chiefs_.begin(), static_cast<std::ptrdiff_t>(draw_.below(chiefs_.size())))->first;
    post(n.place, of_coordinator, [this, place = n.place, of = n.life, life] {
      do_of_coordinator(life, [this, place, of, life](coordinator&) {
        post(of_coordinator, place, [this, place, of, life] {
          do_of_node(place, of, [this, life](node& it) {
            if (it.chief != 0) return;
            it.chief = life;
            it.heard_s = now_s();
            it.member->connected();
          });
        });
      });
    });
  }
  void kill_node(int place) {
    node& n = at_place(place);
    if (!n.alive) return;
    const bool with_its_machine = draw_.chance(.2);
    tell("node " + std::to_string(place) + (with_its_machine ? " loses its power" : " is killed"));
    ++figures_.kills;
    n.alive = false;
    if (with_its_machine) {
      ++figures_.power_losses;
      n.disk.lose_power(draw_);
      check_kept(n);
    } else {
      break_connections_of(n);
    }
    at(draw_.between(.2, 10), [this, place] {
      if (!at_place(place).alive) start_node(place);
    });
  }
  void break_connections_of(const node& n) {
    const node_id id = id_of(n);
    if (!is_cut(n.place, of_coordinator))
      for (const auto& [life, chief] : chiefs_)
        of_coordinator_process(life, draw_.between(.0005, .01), [this, id](coordinator& it) { it.book->gone(id, now()); });
    for (auto& other : nodes_)
      if (other->place != n.place && !is_cut(n.place, other->place))
        of_node(other->place, draw_.between(.0005, .01), [this, group = n.works.group](node& it) { connections_broke(it, group); });
  }

  // ---- coordinators

  void start_coordinator() {
    const bool locked = !chiefs_.empty();
    if (locked && job_.locks) {
      ++figures_.refused;
      return tell("another coordinator is refused: one has the ledger");
    }
    count_torn();
    auto opened = simulated_ledger::open(ledger_disk_, {job_number, job_.steps, 1, "a recipe"});
    if (!opened.ok() && opened.failure().code() == errc::io_error) return start_another_later();
    if (!opened.ok()) return ruin("the ledger: " + opened.failure().text());
    const std::uint64_t life = ++coordinators_;
    auto& chief = chiefs_[life] = std::make_unique<coordinator>();
    chief->life = life;
    chief->ledger = std::move(*opened);
    at(draw_.long_tailed(.003), [this, life] { begin_to_coordinate(life); });
  }
  // Entries that were written and not waited for.
  void count_torn() {
    const auto there = read_ledger(ledger_disk_);
    if (!there.ok() || there->entries.size() >= entries_) return;
    ++figures_.torn;
    entries_ = there->entries.size();
  }
  void start_another_later() {
    at(draw_.between(.1, 8), [this] {
      if (chiefs_.empty()) start_coordinator();
    });
  }
  void begin_to_coordinate(std::uint64_t life) {
    const auto found = chiefs_.find(life);
    if (found == chiefs_.end()) return;
    coordinator& chief = *found->second;
    chief.ledger->sync();
    ++figures_.coordinators;
    const ledger_content& there = chief.ledger->past();
    job_past past(job_number);
    for (const job_entry& entry : there.entries)
      if (const status taken = past.take(entry); !taken.ok()) return ruin("the ledger: " + taken.message());
    if (there.term <= last_term_) return ruin("the ledger gives term " + std::to_string(there.term) + " a second time");
    last_term_ = there.term;
    if (past.ended) {
      ended_ = true;
      return;
    }
    tell("coordinator " + std::to_string(life) + " of term " + std::to_string(there.term) + " starts after " +
         std::to_string(past.committed) + " steps");
    chief.book = std::make_unique<job_book>(settings(), std::move(past), there.term, now());
    look(life);
    empty_mailbox(chief);
  }
  job_settings settings() const {
    job_settings s;
    s.of = job_.steps;
    s.most_ranks = batch_pairs;
    s.save_every = job_.save_every;
    s.shared_bank = shared_bank_;
    s.shard_moments = job_.shard_moments;
    s.times.barred = std::chrono::seconds(10);
    s.times.forming = std::chrono::seconds(3);
    s.times.stuck = std::chrono::seconds(3);
    return s;
  }
  void look(std::uint64_t life) {
    of_coordinator_process(life, .02, [this, life](coordinator& chief) {
      chief.book->look(now());
      look(life);
    });
  }
  void empty_mailbox(coordinator& chief) {
    while (!chief.syncing && !chief.mailbox.empty()) {
      const auto what = std::move(chief.mailbox.front());
      chief.mailbox.pop_front();
      what(chief);
      pump(chief);
    }
  }
  void kill_coordinators() {
    if (chiefs_.empty()) return;
    const bool with_their_machine = draw_.chance(.3);
    tell(with_their_machine ? "the coordinator's machine loses its power" : "the coordinator is killed");
    figures_.kills += chiefs_.size();
    if (with_their_machine) {
      ++figures_.power_losses;
      ledger_disk_.lose_power(draw_);
    } else {
      for (const auto& n : nodes_)
        if (!is_cut(n->place, of_coordinator))
          of_node(n->place, draw_.between(.0005, .01), [gone = n->chief](node& it) { it.chief = it.chief == gone ? 0 : it.chief; });
    }
    chiefs_.clear();
    start_another_later();
  }
  // What a ledger whose lock holds never comes to.
  void ruin(const std::string& why) {
    if (job_.locks) violated(why);
    tell("ruined: " + why);
    ended_ = true;
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
      if (n.chief == 0) continue;
      post(n.place, of_coordinator, [this, told = *news, place = n.place, to = n.chief] {
        do_of_coordinator(to, [this, told, place](coordinator& chief) {
          chief.places[told.node] = place;
          chief.book->take(told, now());
        });
      });
    }
    const auto chief = chiefs_.find(n.chief);
    if (n.member->ended() && chief != chiefs_.end() && chief->second->book && chief->second->book->ended()) ended_ = true;
  }

  // Orders that stand on entries are told once these are written, or on the disk.
  void pump(coordinator& chief) {
    for (job_entry& entry : chief.book->take_entries()) {
      note(entry);
      chief.unwritten.push_back(std::move(entry));
    }
    chief.book->take_steps();
    for (const std::string& remark : chief.book->take_remarks()) tell("coordinator: " + remark);
    if (chief.unwritten.empty()) return tell_orders(chief);
    const auto saved = std::ranges::find(chief.unwritten, job_entry::what::checkpoint, &job_entry::kind);
    const auto kept = saved == chief.unwritten.end() ? std::nullopt : std::optional(*saved);
    const std::size_t entries = chief.unwritten.size();
    const auto waits = chief.ledger->write(chief.unwritten);
    if (!waits.ok()) return;
    entries_ += entries;
    if (!*waits) return tell_orders(chief);
    chief.syncing = true;
    at(draw_.long_tailed(.001), [this, life = chief.life, kept] { synced(life, kept); });
  }
  void synced(std::uint64_t life, const std::optional<job_entry>& checkpoint) {
    const auto found = chiefs_.find(life);
    if (found == chiefs_.end()) return;
    coordinator& chief = *found->second;
    if (chief.frozen_until > now_s()) return at(chief.frozen_until - now_s(), [this, life, checkpoint] { synced(life, checkpoint); });
    chief.ledger->sync();
    chief.syncing = false;
    if (checkpoint) kept_ = {place_in(checkpoint->members.front()), checkpoint->mark};
    tell_orders(chief);
    empty_mailbox(chief);
  }
  void note(const job_entry& entry) {
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
  void tell_orders(coordinator& chief) {
    if (job_.locks && chiefs_.size() > 1) violated("two coordinators act");
    for (const auto& [id, order] : chief.book->take_orders()) {
      const auto place = chief.places.find(id);
      if (place == chief.places.end()) continue;
      post(of_coordinator, place->second, [this, id = id, order = order, to = place->second] {
        node& n = at_place(to);
        if (n.alive && id_of(n) == id) do_of_node(to, n.life, [this, order](node& it) { take(it, order); });
      });
    }
    if (chief.book->ended() && std::ranges::none_of(nodes_, [](const auto& n) { return n->alive; })) ended_ = true;
  }
  void take(node& n, const node_order& order) {
    n.heard_s = now_s();
    n.member->take(order);
    std::vector<engine_task> tasks = n.member->take_tasks();
    const std::uint32_t term = term_of(order.number);
    if (!tasks.empty() && term < n.term)
      violated("node " + std::to_string(n.place) + " acts on an order of term " + std::to_string(term) + " after one of term " +
               std::to_string(n.term));
    if (!tasks.empty()) n.term = term;
    for (engine_task& task : tasks) start(n, std::move(task));
  }

  // ---- engines
  void start(node& n, engine_task task) {
    if (std::holds_alternative<cut_task>(task)) {
      tell_updated(n);
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

  void carry_out(node&, const cut_task&) {}
  void carry_out(node& n, const gather_task& task) {
    later(n, draw_.long_tailed(.003), [this, task](node& it) {
      it.works.group = task.group;
      it.works.rank = task.rank;
      it.works.size = task.size;
      it.works.barriers = 0;
      it.works.came.clear();
      it.member->gathered(task.group, std::to_string(it.place), it.works.state, it.works.shards.held(), newest_checkpoint(it.disk));
      finished(it);
    });
  }

  // Tells all others of its group, and goes on when all have told it.
  template <class Then>
  void meet_others(node& n, const brought& mine, Then then) {
    engine& e = n.works;
    const barrier_key key{e.group, e.barriers++};
    e.came[key][e.rank] = mine;
    e.wanted = key;
    e.waits_for = [&n, then](const contributions& all) { then(n, all); };
    n.member->exchanges(true, now());
    for (const int other : e.others) {
      if (other == n.place || is_cut(other, n.place)) continue;
      const std::uint64_t life = at_place(other).life;
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
    fail(n, {errc::aborted, "a connection broke"});
  }
  void fail(node& n, const status& why) {
    engine& e = n.works;
    tell_updated(n);
    e.waiting.clear();
    e.busy = false;
    ++e.job;
    n.member->broke(e.group, why, why.code() == errc::aborted ? n.member->state() : std::nullopt);
    static_cast<void>(n.member->take_tasks());  // a worker refuses what comes after a failure
  }
  void expect_same(const contributions& all, const std::string& when) {
    for (const auto& [rank, one] : all)
      if (job_.shard_moments && !one.shards.are_all_of(one.replica)) violated("shards of other steps than their replica's " + when);
    for (const auto& [rank, one] : all)
      if (one.replica != all.begin()->second.replica)
        violated("ranks differ " + when + ": " + std::to_string(one.replica.mark.steps_done) + " steps and " +
                 std::to_string(all.begin()->second.replica.mark.steps_done));
    for (const auto& [rank, one] : all)
      if (shared_bank_ && one.banks != all.begin()->second.banks) violated("ranks' shared banks differ " + when);
  }

  // ---- meeting, by the rules of actors/meeting.hpp
  void carry_out(node& n, const meet_task& task) {
    const node_order& order = task.order;
    n.works.others.clear();
    for (const std::string& address : order.addresses) n.works.others.push_back(std::stoi(address));
    later(n, draw_.long_tailed(.005), [this, order](node& it) { connect_and_take_on(it, order); });
  }
  void connect_and_take_on(node& n, const node_order& order) {
    engine& e = n.works;
    if (!e.open || begins_anew(order, e.state)) {
      e.open = true;
      e.state.reset();
      e.replica = untrained();
      e.shards = {};
      e.bank.clear();
    }
    brought mine;
    if (gives_its_bank(order)) mine.banks = {e.bank};
    if (is_written_over(order)) {
      e.state.reset();
      e.replica = half_a_replica();
    }
    if (restores(order)) {
      const auto read = read_whole(n, order.from);
      if (!read) return;
      e.replica = {read->steps, read->mark};
      e.shards = {{}, e.replica};
      mine.banks = read->banks;
    }
    mine.replica = e.replica;
    mine.shards = e.shards;
    meet_others(n, mine, [this, order](node& met, const contributions& all) { take_on(met, order, all); });
  }
  std::optional<simulated_checkpoint> read_whole(node& n, const job_mark& mark) {
    const auto read = read_marked(n.disk, mark);
    if (!read.ok()) {
      if (read.failure().code() != errc::aborted) violated("node " + std::to_string(n.place) + " restores: " + read.failure().text());
      fail(n, read.failure());
      return std::nullopt;
    }
    const auto& written = written_[mark.lineage];
    if (std::ranges::find(written, *read) == written.end())
      violated("node " + std::to_string(n.place) + " restores a checkpoint that is not whole");
    ++figures_.restored;
    return *read;
  }
  void take_on(node& n, const node_order& order, const contributions& all) {
    engine& e = n.works;
    if (feeding_of(order) != not_fed) e.replica = all.at(order.source).replica;
    if (job_.shard_moments) take_shards(n, order, all);
    e.state = order.from;
    if (takes_a_bank(order)) {
      const auto& banks = all.at(order.source).banks;
      if (!banks.empty()) e.bank = banks[static_cast<std::size_t>(order.rank) % banks.size()];
    }
    if (e.replica.mark != order.from) violated("node " + std::to_string(n.place) + " begins a group with another replica than its own");
    check_bank(n);
    n.member->met(order.group, e.replica.mark, now());
    finished(n);
  }
  void take_shards(node& n, const node_order& order, const contributions& all) {
    engine& e = n.works;
    for (std::size_t shard = 0; shard < order.holders.size(); ++shard) {
      const trained_shards& holder = all.at(order.holders[shard]).shards;
      if (holder.held().of != std::ssize(order.holders) || !holder.has(static_cast<int>(shard), order.from))
        violated("node " + std::to_string(n.place) + " takes a shard of rank " + std::to_string(order.holders[shard]) +
                 " that it does not have");
    }
    if (!order.holders.empty()) e.replica = all.at(order.holders.front()).shards.at(0);
    e.shards = {{order.size, order.rank}, e.replica};
  }
  void check_bank(const node& n) {
    const engine& e = n.works;
    for (const pushed_products& one : e.bank) {
      if (one.step >= e.replica.mark.steps_done)
        violated("the bank of node " + std::to_string(n.place) + " has products of step " + std::to_string(one.step) +
                 ", its replica did " + std::to_string(e.replica.mark.steps_done));
      if (e.replica.steps[one.step] != one.group)
        violated("the bank of node " + std::to_string(n.place) + " has products of step " + std::to_string(one.step) + " of group " +
                 text_of(one.group) + ", which was taken back");
    }
  }

  // ---- steps
  void carry_out(node& n, const step_task& task) {
    if (n.works.replica.mark.steps_done != task.step)
      violated("node " + std::to_string(n.place) + " is told another step than its next one");
    const double work_s = draw_.long_tailed(job_.step_s / 2) * n.slow;
    later(n, work_s, [this, task, work_s](node& it) {
      meet_others(it, {it.works.replica, {it.works.bank}, it.works.shards},
                  [this, task, work_s](node& gathered, const contributions& before) {
                    expect_same(before, "before step " + std::to_string(task.step));
                    later(gathered, work_s, [this, task, work_s](node& back) {
                      meet_others(back, {back.works.replica},
                                  [this, task, work_s](node& reduced, const contributions&) { update(reduced, task, work_s); });
                    });
                  });
    });
  }
  void update(node& n, const step_task& task, double work_s) {
    if (!job_.shard_moments) {
      take_step(n, task);
      return report(n, task, work_s);
    }
    meet_others(n, {}, [this, task, work_s](node& met, const contributions&) {
      engine& e = met.works;
      e.shards.add(task.group);
      take_step(met, task);
      e.updated = task;
      meet_others(met, {e.replica, {}, e.shards}, [this, task, work_s](node& reads, const contributions& all) {
        read_weights(reads, all);
        report(reads, task, work_s);
      });
    });
  }
  void read_weights(node& n, const contributions& all) {
    for (const auto& [rank, one] : all)
      if (!one.shards.has(rank, n.works.replica.mark)) violated("node " + std::to_string(n.place) + " reads weights of another step");
    n.works.shards.read();
    n.works.updated.reset();
  }
  // That step is done, whatever becomes of the others' weights.
  void tell_updated(node& n) {
    if (const auto task = std::exchange(n.works.updated, std::nullopt)) tell_done(n, *task, 0);
  }
  void take_step(node& n, const step_task& task) {
    engine& e = n.works;
    e.replica.add(task.group);
    e.state = e.replica.mark;
    e.bank.push_back({task.step, task.group});
    if (e.bank.size() > bank_entries) e.bank.erase(e.bank.begin());
    check_bank(n);
    ++figures_.trained;
  }
  void report(node& n, const step_task& task, double work_s) {
    tell_done(n, task, work_s);
    finished(n);
  }
  void tell_done(node& n, const step_task& task, double work_s) {
    step_done part;
    part.rank = n.works.rank;
    part.report.step = task.step;
    const auto first = [&](int rank) { return batch_pairs * static_cast<std::uint64_t>(rank) / static_cast<std::uint64_t>(n.works.size); };
    part.report.pairs = first(part.rank + 1) - first(part.rank);
    part.step_s = 2 * work_s;
    n.member->done(task.group, part, n.works.replica.mark, now());
  }

  // ---- checkpoints
  void carry_out(node& n, const save_task& task) {
    meet_others(n, {n.works.replica, {n.works.bank}, n.works.shards}, [this, task](node& it, const contributions& all) {
      expect_same(all, "at a checkpoint");
      it.member->captured(task.group, task.save);
      if (it.works.rank == 0) save(it, task, all);
      finished(it);
    });
  }
  // One after the other.
  void save(node& n, const save_task& task, const contributions& all) {
    simulated_checkpoint whole{n.works.replica.mark, n.works.replica.steps, {}};
    for (const auto& [rank, one] : all) whole.banks.push_back(one.banks.front());
    written_[whole.mark.lineage].push_back(whole);
    n.saves.push_back({task, std::make_unique<checkpoint_write>(n.disk, whole, std::to_string(n.life))});
    if (n.saves.size() == 1) write_on(n);
  }
  void write_on(node& n) {
    of_node(n.place, draw_.long_tailed(.002), [this](node& it) {
      save_order& now_written = it.saves.front();
      const status went = now_written.write->step();
      check_kept(it);
      if (went.ok() && !now_written.write->done()) return write_on(it);
      if (went.ok())
        it.member->saved(now_written.write->mark());
      else
        it.member->not_saved(now_written.task.group, now_written.task.save, went);
      it.saves.pop_front();
      if (!it.saves.empty()) write_on(it);
    });
  }
  // What it tells of is the last checkpoint of the ledger, where it wrote that, or one that goes on from there.
  void check_kept(const node& n) {
    if (!job_.locks || !kept_ || kept_->first != n.place) return;
    const auto told = newest_checkpoint(n.disk);
    const auto read = told ? read_marked(n.disk, *told) : status{errc::not_found, "it has none"};
    const std::vector<group_id>& kept = written_.at(kept_->second.lineage).front().steps;
    if (!read.ok()) violated("node " + std::to_string(n.place) + " has lost the checkpoint of the ledger: " + read.failure().text());
    if (read->steps.size() < kept.size() || !std::equal(kept.begin(), kept.end(), read->steps.begin()))
      violated("node " + std::to_string(n.place) + " tells of a checkpoint after " + std::to_string(told->steps_done) +
               " steps and not of the ledger's after " + std::to_string(kept.size()));
  }

  // ---- faults
  void fault() {
    if (!faulty()) return heal();
    const int place = static_cast<int>(draw_.below(nodes_.size()));
    node& n = at_place(place);
    const double kind = draw_.uniform();
    if (kind < .35) {
      kill_node(place);
    } else if (kind < .48) {
      n.frozen_until = now_s() + draw_.between(.1, 8);
      tell("node " + std::to_string(place) + " freezes");
    } else if (kind < .58) {
      n.slow = draw_.chance(.5) ? 1 : draw_.between(2, 60);
      tell("node " + std::to_string(place) + " is " + std::to_string(n.slow) + " times slower");
    } else if (kind < .72) {
      std::vector<int> places{of_coordinator};
      for (int each = 0; each < job_.nodes; ++each) places.push_back(each);
      cut_links(places, 6);
    } else if (kind < .82) {
      kill_coordinators();
    } else if (kind < .89) {
      for (auto& [life, chief] : chiefs_) chief->frozen_until = now_s() + draw_.between(.1, 8);
      tell("the coordinator freezes");
    } else if (kind < .93) {
      start_coordinator();
    } else {
      fill_disk(draw_.chance(.3) ? ledger_disk_ : n.disk, place);
    }
    at(draw_.long_tailed(2), [this] { fault(); });
  }
  void fill_disk(simulated_disk& disk, int place) {
    disk.full = !disk.full;
    const std::string whose = &disk == &ledger_disk_ ? "the ledger" : "node " + std::to_string(place);
    tell("the disk of " + whose + (disk.full ? " is full" : " has room"));
  }
  void heal() {
    tell("no more faults");
    ledger_disk_.full = false;
    for (auto& n : nodes_) {
      n->slow = 1;
      n->disk.full = false;
    }
  }

  // ---- the end
  void check_end() {
    const auto there = read_ledger(ledger_disk_);
    if (!there.ok()) violated("the ledger: " + there.failure().text());
    const auto found = audit(*there);
    if (!found.ok()) violated("the ledger: " + found.failure().message());
    figures_.taken_back = found->taken_back;
    if (!found->ended) violated("the job ended after " + std::to_string(found->past.committed) + " steps");
    check_last(found->past);
  }
  void check_last(const job_past& past) {
    const auto there = std::ranges::find_if(nodes_, [&](const auto& n) { return read_marked(n->disk, *past.saved).ok(); });
    if (there == nodes_.end()) violated("nobody has the checkpoint of the end");
    const auto last = read_marked((*there)->disk, *past.saved);
    for (std::uint64_t step = 0; step < job_.steps; ++step)
      if (last->steps[step] != past.history.group_of(step)) violated("the last checkpoint was not trained on what the ledger says");
  }

  simulated_job job_;
  bool shared_bank_;  // of every other seed
  std::vector<std::unique_ptr<node>> nodes_;
  std::map<std::uint64_t, std::unique_ptr<coordinator>> chiefs_;  // that live
  std::uint64_t coordinators_ = 0;
  std::uint32_t last_term_ = 0;  // that anybody acted by
  simulated_disk ledger_disk_;
  std::size_t entries_ = 0;                                             // of the ledger, before any loss of power
  std::map<std::uint64_t, std::vector<simulated_checkpoint>> written_;  // by lineage: what each was made of
  std::optional<std::pair<int, job_mark>> kept_;                        // the ledger's last checkpoint, and where it is
  bool ended_ = false;
  simulation_figures figures_;
};

}  // namespace

result<simulation_figures> simulate(std::uint64_t seed, const simulated_job& job, const simulation_log& log) {
  return lived_through(seed, [&] { return job_world(seed, job, log).run(); });
}

}  // namespace argosy
