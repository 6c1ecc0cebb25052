// What the coordinator of a training job and its nodes tell each other. Two messages, each the whole of what its sender has to say: one that
// is lost, late, double or out of order does no harm, for the next one says everything again.
//   node_news    a node's: what it has been trained on, which group it is in and how far it came
//   node_order   the coordinator's to one node: which group it is to be in, who is in it, how far it may go
// A group is a set of ranks that train together; its number rises with every one that is formed, through all coordinators of the job.
// A mark says what a replica has been trained on: how many steps, and in which groups, folded into a number. Equal marks: equal replicas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/step_done.hpp"
#include "base/status.hpp"
#include "model/sharding.hpp"

namespace argosy {

using node_id = std::uint64_t;   // random, of a process
using group_id = std::uint64_t;  // 0: none

// The n-th, from 1, of a coordinator; each coordinator of a job has a term of its own, from 1.
constexpr group_id group_number(std::uint32_t term, std::uint32_t n) noexcept { return std::uint64_t{term} << 32 | n; }
constexpr std::uint32_t term_of(std::uint64_t number) noexcept { return static_cast<std::uint32_t>(number >> 32); }

struct job_mark {
  std::uint64_t steps_done = 0, lineage = 0;
  bool operator==(const job_mark&) const = default;
};
job_mark after_step(const job_mark&, group_id) noexcept;

enum class group_stage : std::uint8_t {
  none,
  gathered,  // has an address
  met,       // is connected with all others, has their state, and trains
  broken,    // trains no more: `why`
};

// Of one actor of a node, since its process began.
struct actor_figures {
  std::string name;
  std::uint64_t waiting = 0;         // messages behind the one that it took last
  std::uint64_t handled = 0;         // messages
  double busy_s = 0, longest_s = 0;  // in handling all of them, and one
  std::uint64_t starts = 0;          // how often it began, or began anew for another group
  std::string cause;                 // ... the last time, or of its last failure
};

struct node_news {
  node_id node = 0;
  std::uint64_t number = 0;                   // rises
  std::string name;                           // host:process, for people; nodes of one host are taken to be on one machine
  std::optional<job_mark> state, checkpoint;  // of its replica; of the newest one on its disk
  sharding held{.of = 0};                     // of its moments, when it last gathered
  group_id group = 0;                         // what follows is about it
  group_stage stage = group_stage::none;
  std::string address;          // of its tensors, for the others of the group
  std::vector<step_done> done;  // steps whose reports no order has acknowledged
  std::uint64_t captured = 0;   // the last order to save that the replica was copied for; the copy is being written
  std::uint64_t not_saved = 0;  // ... whose copy could not be written: `why`
  errc code = errc::ok;
  std::string why;
  bool of_others = false;   // it broke as others broke
  bool exchanging = false;  // waits for others, within a step
  double stage_s = 0;       // since it began to
  bool leaves = false;
  std::vector<actor_figures> actors;
};

enum class order_stage : std::uint8_t {
  wait,  // leave any group
  form,  // leave any other group; say an address
  run,   // meet, then train
  end,   // of the job
};

// A node without a replica has no bank of its own either, that of a replica of taken back steps has their products, and a shared one would lack
// those of the steps that were done without it.
enum fed_how : std::uint8_t { not_fed = 0, fed = 1, fed_with_bank = 2 };

struct node_order {
  std::uint64_t number = 0;  // rises, through all coordinators of the job
  order_stage stage = order_stage::wait;
  group_id group = 0;
  int rank = 0, size = 1;
  std::vector<std::string> addresses;  // by rank
  job_mark from;                       // where the group begins
  int source = -1;                     // the rank that has it; none: all make it anew
  bool restores = false;               // ... on its disk
  std::vector<std::int32_t> holders;   // of moments in shards, by shard of the group before: the rank that has it
  std::vector<std::uint8_t> fed;       // by rank, a fed_how: what it needs of the source's
  std::uint64_t until = 0;             // steps may be run before this one
  std::uint64_t save = 0;              // a checkpoint, once `until` are done; orders to save are counted in their group. 0: none
  std::uint64_t committed = 0;         // reports of steps before need not be told again
  errc code = errc::ok;                // of the end
  std::string why;
};

}  // namespace argosy
