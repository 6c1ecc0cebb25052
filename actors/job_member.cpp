#include "actors/job_member.hpp"

#include <algorithm>

namespace argosy {
namespace {

constexpr std::uint64_t steps_begun_ahead = 2;  // ours: the engine never waits for this class between two steps

status refuse(const char* what, const std::string& wanted, std::int64_t found) {
  return {errc::corrupt, std::string("an order of the coordinator: ") + what + ": want " + wanted + ", got " + std::to_string(found)};
}

// What meeting.hpp and the engine read without looking.
status check_order(const node_order& order) {
  if (order.stage != order_stage::form && order.stage != order_stage::run) return {};
  if (order.size < 1) return refuse("size", "at least 1", order.size);
  const std::string below_size = "below " + std::to_string(order.size);
  if (order.rank < 0 || order.rank >= order.size) return refuse("rank", "from 0 to " + below_size, order.rank);
  if (order.stage == order_stage::form) return {};
  if (order.source < -1 || order.source >= order.size) return refuse("source", "from -1 to " + below_size, order.source);
  const auto one_a_rank = std::to_string(order.size);
  if (std::ssize(order.addresses) != order.size) return refuse("addresses", one_a_rank, std::ssize(order.addresses));
  if (std::ssize(order.fed) != order.size) return refuse("fed", one_a_rank, std::ssize(order.fed));
  for (const std::int32_t holder : order.holders)
    if (holder < 0 || holder >= order.size) return refuse("holders", "from 0 to " + below_size, holder);
  return {};
}

}  // namespace

job_member::job_member(node_id node, std::string name, std::optional<job_mark> checkpoint, std::chrono::milliseconds beat) : beat_(beat) {
  news_.node = node;
  news_.name = std::move(name);
  news_.checkpoint = checkpoint;
}

void job_member::take(const node_order& told) {
  if (told.number <= order_.number || ended()) return;
  node_order order = told;
  if (const status wrong = check_order(told); !wrong.ok()) {
    order.stage = order_stage::end;
    order.group = 0;
    order.code = wrong.code();
    order.why = wrong.message();
  }
  const bool from_an_older_group = order.group != 0 && order.group < order_.group;
  if (from_an_older_group) return;
  const group_id before = order_.group;
  order_ = order;
  if (order.group == 0) order_.group = before;  // so that an older one is known as such
  std::erase_if(news_.done, [&](const step_done& part) { return part.report.step < order.committed; });
  const bool leaves_its_group = order.stage == order_stage::wait || order.stage == order_stage::end;
  if (leaves_its_group && news_.group != 0) enter(0);
  if (!leaves_its_group && order.group != news_.group) {
    enter(order.group);
    tasks_.emplace_back(gather_task{order.group, order.rank, order.size});
  }
  go_on();
}

void job_member::enter(group_id group) {
  tasks_.clear();
  tasks_.emplace_back(cut_task{group != 0 ? group : news_.group + 1});
  news_.group = group;
  news_.stage = group_stage::none;
  news_.address.clear();
  news_.captured = news_.not_saved = 0;
  news_.code = errc::ok;
  news_.why.clear();
  news_.of_others = news_.exchanging = false;
  meeting_ = false;
  begun_ = saves_ = 0;
  changed_ = true;
}

void job_member::go_on() {
  if (order_.stage != order_stage::run || order_.group != news_.group) return;
  if (news_.stage == group_stage::gathered && !std::exchange(meeting_, true)) tasks_.emplace_back(meet_task{order_});
  if (news_.stage != group_stage::met) return;
  const std::uint64_t steps_done = news_.state->steps_done;
  if (order_.save > saves_ && steps_done == order_.until) {
    saves_ = order_.save;
    tasks_.emplace_back(save_task{news_.group, saves_, steps_done});
  }
  for (; begun_ < std::min(order_.until, steps_done + steps_begun_ahead); ++begun_) tasks_.emplace_back(step_task{news_.group, begun_});
}

void job_member::leave() {
  enter(0);
  news_.leaves = true;
}

void job_member::look(steady_time now) {
  if (now - told_ >= beat_) changed_ = true;
}

std::optional<node_news> job_member::take_news(steady_time now) {
  if (!std::exchange(changed_, false)) return std::nullopt;
  told_ = now;
  ++news_.number;
  news_.stage_s = news_.exchanging ? seconds_between(stage_since_, now) : 0;
  return news_;
}

// ---- of the engine

void job_member::drop_reports_from(std::uint64_t step) {
  std::erase_if(news_.done, [step](const step_done& part) { return part.report.step >= step; });
}

void job_member::gathered(group_id group, std::string address, std::optional<job_mark> state, const sharding& held,
                          std::optional<job_mark> checkpoint) {
  news_.state = state;
  news_.held = held;
  news_.checkpoint = checkpoint;
  if (group != news_.group || news_.stage != group_stage::none) return;
  news_.stage = group_stage::gathered;
  news_.address = std::move(address);
  changed_ = true;
  go_on();
}

void job_member::met(group_id group, const job_mark& state, steady_time now) {
  drop_reports_from(state.steps_done);
  news_.state = state;
  if (group != news_.group || news_.stage != group_stage::gathered) return;
  news_.stage = group_stage::met;
  stage_since_ = now;
  begun_ = state.steps_done;
  changed_ = true;
  go_on();
}

void job_member::done(group_id group, const step_done& part, const job_mark& state, steady_time now) {
  news_.state = state;
  news_.done.push_back(part);
  changed_ = true;
  exchanges(false, now);
  if (group == news_.group) go_on();
}

void job_member::captured(group_id group, std::uint64_t save) {
  if (group != news_.group) return;
  news_.captured = save;
  changed_ = true;
  go_on();
}

void job_member::broke(group_id group, const status& why, std::optional<job_mark> state) {
  news_.state = state;
  if (group != news_.group || news_.stage == group_stage::broken) return;
  news_.stage = group_stage::broken;
  news_.of_others = why.code() == errc::aborted;
  news_.code = why.code();
  news_.why = why.message();
  news_.exchanging = false;
  changed_ = true;
}

void job_member::saved(const job_mark& mark) {
  news_.checkpoint = mark;
  changed_ = true;
}

void job_member::not_saved(group_id group, std::uint64_t save, const status& why) {
  if (group != news_.group) return;
  news_.not_saved = save;
  news_.code = why.code();
  news_.why = why.message();
  changed_ = true;
}

void job_member::exchanges(bool now_it_does, steady_time now) {
  if (now_it_does != news_.exchanging) stage_since_ = now;
  news_.exchanging = now_it_does;
}

}  // namespace argosy
