// A node's state in a job: what its coordinator last ordered, what its engine does, what it has to say. Whoever drives it carries out its tasks
// and tells it how they went. Knows neither actors nor sockets nor clocks.
//   tasks     in their order, one after the other, but `cut`, which is heeded at once: it ends whatever task of an earlier group is being done,
//             and those that wait. So what the engine says of a group is said before it has gathered for the next
//   alone     without orders it does the steps it may, and holds
//   old       orders of a coordinator that another has followed are not heeded
//   wrong     an order that contradicts itself ends the node, with what was wanted and found
// Threads   one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/job_protocol.hpp"
#include "base/clock.hpp"

namespace argosy {

struct cut_task {
  group_id before;  // groups before it
};
struct gather_task {
  group_id group;
  int rank, size;
};
struct meet_task {
  node_order order;
};
struct step_task {
  group_id group;
  std::uint64_t step;
};
struct save_task {
  group_id group;
  std::uint64_t save, steps_done;
};
using engine_task = std::variant<cut_task, gather_task, meet_task, step_task, save_task>;

class job_member {
public:
  job_member(node_id, std::string name, std::optional<job_mark> checkpoint,
             std::chrono::milliseconds beat = std::chrono::milliseconds(100));

  void take(const node_order&);
  void look(steady_time now);
  // Is connected with a coordinator, maybe another one.
  void connected() { changed_ = true; }
  void leave();

  // Of the engine. What is told of a group that it is no longer in changes its state alone. `state`: none, if the replica is not whole.
  void gathered(group_id, std::string address, std::optional<job_mark> state, const sharding& held, std::optional<job_mark> checkpoint);
  void met(group_id, const job_mark&, steady_time now);
  void done(group_id, const step_done&, const job_mark&, steady_time now);
  void captured(group_id, std::uint64_t save);
  void broke(group_id, const status& why, std::optional<job_mark> state);
  void saved(const job_mark&);
  void not_saved(group_id, std::uint64_t save, const status& why);
  // Waits for other ranks within a step, or no longer does.
  void exchanges(bool, steady_time now);

  std::optional<node_news> take_news(steady_time now);
  std::vector<engine_task> take_tasks() { return std::exchange(tasks_, {}); }
  bool ended() const noexcept { return order_.stage == order_stage::end; }
  status end() const { return order_.code == errc::ok ? status{} : status(order_.code, order_.why); }
  const std::optional<job_mark>& state() const noexcept { return news_.state; }

private:
  void enter(group_id);
  void drop_reports_from(std::uint64_t step);
  void go_on();

  node_news news_;
  node_order order_;
  std::chrono::milliseconds beat_;
  steady_time told_{}, stage_since_{};
  bool changed_ = true, meeting_ = false;
  std::uint64_t begun_ = 0;  // steps before it were begun in this group
  std::uint64_t saves_ = 0;  // orders to save that were begun
  std::vector<engine_task> tasks_;
};

}  // namespace argosy
