// The coordinator's state in a job of many nodes: who is there, which group trains, what is committed, what is on disk. It decides, and holds
// no tensor. Knows neither actors nor sockets nor clocks.
//   forming   a group of all who may be in it, ranks in the order in which they came; with moments in shards, neighbours on different machines
//             where that can be, the first who came still the first. Whoever has the most of the job's lineage is the source, and feeds the
//             others; of moments in shards, whoever holds one; of nobody's replica, a checkpoint; of neither, all begin anew. No group
//             begins behind a checkpoint that the ledger knows of: it waits for who has it
//   running   steps are granted `ahead` of the last committed one; a step is committed once all ranks have reported it, or a group goes on
//             from behind it. A checkpoint is a copy of the ranks at a boundary, written while they go on
//   leaving   whoever is silent, leaves, or is gone is taken out, and a new group forms of the others. Who fails, never meets, hangs in a step
//             that the others wait in, or is `slow_factor` times slower than the middle of the others, is barred for a while
//   coming    a newcomer waits until the group has done what it was granted; then a new group forms, with it
// The global batch is the job's and not the group's: whoever is there shares it.
// Failure   a checkpoint that is broken when a group begins with it is lost, and an older one taken. A failure of every rank of a group at
//           once, or a last checkpoint that none of them could write for long, ends the job.
// Threads   one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/job_protocol.hpp"
#include "actors/lineage.hpp"
#include "base/clock.hpp"

namespace argosy {

struct job_times {
  std::chrono::milliseconds silence{2000};   // then a node is taken out
  std::chrono::milliseconds settle{2000};    // after the last newcomer the first group forms
  std::chrono::milliseconds forming{60000};  // longer than nodes try to meet
  std::chrono::milliseconds barred{60000};
  std::chrono::milliseconds pause{1000};  // before a group, where several came to nothing
  std::chrono::milliseconds stuck{60000};
  std::chrono::milliseconds unsaved{600000};  // that the last checkpoint is tried
  double slow_factor = 5, slow_least_s = .1;
  int slow_steps = 3;
};

struct job_settings {
  std::uint64_t of = 0;          // all steps
  std::uint64_t most_ranks = 1;  // pairs of a batch: a rank without any has nothing to do
  std::uint64_t save_every = 0;  // steps; 0: at the end alone
  std::size_t wanted = 0;        // nodes; more are kept in reserve. 0: as many as come
  std::size_t least = 1;         // nodes; fewer do not train
  std::uint64_t ahead = 4;       // steps
  bool shared_bank = false;      // every rank's bank holds what the others' do
  bool shard_moments = false;    // a replica is whole where all shards of its moments are there
  job_times times = {};
};

// What the ledger keeps. Those of groups, checkpoints and the end are on the disk before an order that stands on them is told.
struct job_entry {
  enum class what : std::uint8_t { group, step, checkpoint, lost, end };
  what kind = what::step;
  group_id group = 0;
  job_mark mark;                     // where a group begins; after the step; of the checkpoint that was made, or is lost
  std::vector<std::string> members;  // of a group, by rank
  std::uint64_t pairs = 0;           // of a step, all ranks; 0: told by nobody, as those who could went, but the group after stands on it
  std::string why;                   // of the end
};

// What a ledger says of the coordinators before.
struct job_past {
  explicit job_past(std::uint64_t job) : history(job) {}
  lineage history;
  std::uint64_t committed = 0;
  std::optional<job_mark> saved;
  std::size_t last_group = 0;  // its nodes
  bool ended = false;
  status take(const job_entry&);  // corrupt: a group that does not go on from what was there
};

struct node_view {
  std::string name;
  int rank = -1;  // none: in reserve, or barred
  bool barred = false;
  double silent_s = 0;
  group_stage stage = group_stage::none;
  std::optional<step_done> last;
  std::vector<actor_figures> actors;
};

// Checkpoints that could not be written, one after the other.
struct unsaved_view {
  std::size_t times = 0;
  double since_s = 0;  // the first of them
  std::string why;     // the last, and whose
};

class job_book {
public:
  job_book(const job_settings&, job_past, std::uint32_t term, steady_time now);

  void take(const node_news&, steady_time now);
  void gone(node_id, steady_time now);  // its connection is
  void look(steady_time now);
  // No further steps than those granted, a checkpoint, the end.
  void stop(steady_time now);

  // In this order: entries are written, then orders told.
  std::vector<job_entry> take_entries() { return std::exchange(entries_, {}); }
  std::vector<std::pair<node_id, node_order>> take_orders();
  std::vector<std::vector<step_done>> take_steps() { return std::exchange(steps_, {}); }  // committed, of all ranks, in their order
  std::vector<std::string> take_remarks() { return std::exchange(remarks_, {}); }         // for the log

  bool ended() const noexcept { return phase_ == phase::ended; }
  const status& end() const noexcept { return end_; }  // ok: all steps, or stopped
  std::uint64_t committed() const noexcept { return committed_; }
  const std::optional<job_mark>& saved() const noexcept { return saved_; }
  std::optional<unsaved_view> unsaved(steady_time now) const;  // none: the last one was
  group_id group() const noexcept { return group_; }
  bool running() const noexcept { return phase_ == phase::running; }
  std::vector<node_view> nodes(steady_time now) const;

private:
  enum class phase : std::uint8_t { gathering, forming, running, ended };
  struct member {
    node_news news;
    std::uint64_t joined = 0;
    steady_time heard{}, barred_until{};
    int rank = -1, slow = 0;
    bool tell = false;
    std::optional<step_done> last;
  };
  using members = std::map<node_id, member>;

  bool in_group(const member& m) const noexcept { return m.rank >= 0; }
  const member& at(std::size_t rank) const { return members_.at(ranks_[rank]); }
  bool all_of_group(group_stage least) const;
  bool all_met() const { return all_of_group(group_stage::met); }
  std::vector<node_id> eligible(steady_time now) const;
  std::size_t least() const noexcept { return stopping_ ? 1 : std::max<std::size_t>(settings_.least, 1); }
  std::uint64_t next_save() const noexcept;
  bool at_end() const noexcept;
  bool newcomer_waits(steady_time now) const;

  std::vector<node_id> machines_apart(const std::vector<node_id>&) const;
  void form(steady_time now);
  void dissolve(steady_time now);
  void begin_group(steady_time now);
  std::vector<std::int32_t> holders_of_shards(const job_mark&) const;
  void absorb(member&, steady_time now);
  void not_saved(member& by, steady_time now);
  bool has_lost_its_checkpoint();
  void heed_failures(steady_time now);
  void commit(steady_time now);
  void commit_one(std::uint64_t pairs);
  void commit_carried();
  void go_on(steady_time now);
  void grant(steady_time now);
  void bar(node_id, const std::string& why, steady_time now);
  void bar_slow(const std::vector<step_done>&, steady_time now);
  void bar_stuck(steady_time now);
  void bar_those_who_lack(group_stage, const std::string& why, steady_time now);
  void finish(status);
  void tell_all();
  node_order order_for(const member&) const;

  job_settings settings_;
  lineage history_;
  std::uint32_t term_, groups_ = 0, orders_ = 0;
  phase phase_ = phase::gathering;
  members members_;
  std::uint64_t joined_ = 0;
  std::size_t expected_;  // nodes of the group that was there before this coordinator
  steady_time arrived_{}, formed_{}, not_before_{};
  int fruitless_ = 0;
  std::optional<steady_time> paused_since_;  // no step was committed since a group ended

  // Of the group.
  group_id group_ = 0;
  std::vector<node_id> ranks_;
  job_mark from_;
  int source_ = -1;
  bool restores_ = false, begun_ = false;
  std::vector<std::int32_t> holders_;
  std::vector<std::string> addresses_;
  std::vector<std::uint8_t> fed_;
  std::map<std::uint64_t, std::vector<std::optional<step_done>>> parts_;  // by step, then rank

  std::uint64_t committed_ = 0, granted_ = 0;
  std::uint64_t capturing_ = 0, writing_ = 0, failed_save_ = 0;  // steps of a checkpoint; 0: none
  std::uint64_t saves_ = 0;                                      // orders to save, in this group
  std::size_t unsaved_ = 0;                                      // that failed, one after the other
  std::string unsaved_why_;
  steady_time unsaved_since_{}, save_not_before_{};
  std::optional<job_mark> saved_, lost_;
  bool stopping_ = false;
  status end_;
  std::vector<job_entry> entries_;
  std::vector<std::vector<step_done>> steps_;
  std::vector<std::string> remarks_;
};

}  // namespace argosy
