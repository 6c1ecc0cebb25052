// What a router has asked of its shards, and what it knows of their replicas: whom to ask, whom to ask instead, when to answer with what is there.
//   choice   of a shard's replicas one that is up, not silent, and not asked for this request yet; of these the one with the fewest asks open
//   silent   something has waited for it for `silence`, and nothing at all was heard of it meanwhile: it is frozen, or its road is cut. It is
//            asked nothing more until it is heard of. A pause of the router's own is nobody's silence.
//   instead  what was asked of a replica that went, that refused (busy) or that is silent, and what has taken longer than `hedge`, is asked of
//            another one too; the first answer counts. Dean, Barroso, The Tail at Scale, CACM 2013.
//   end      of a request: every shard has answered or has nobody left to ask; or its deadline
// Knows no actors and no clock. Threads: one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "schema/search_wire.hpp"

namespace argosy {

struct fan_out_times {
  std::chrono::milliseconds silence{300}, hedge{250};  // ours; a shard says that it is there ten times a second
};

class fan_out {
public:
  using request_id = std::uint64_t;
  struct ask {
    request_id request;
    std::size_t replica;
    bool instead;  // of another one
  };
  struct outcome {
    request_id request;
    std::vector<std::optional<std::vector<wire_answer>>> of_shards;  // none: it did not answer
  };

  // Replicas are counted through all shards, in their order. All are down at first.
  explicit fan_out(std::span<const std::size_t> replicas_of_shards, fan_out_times = {});

  request_id begin(steady_time deadline, steady_time now);
  void answered(request_id, std::size_t replica, std::vector<wire_answer>, steady_time now);
  void failed(request_id, std::size_t replica, steady_time now);
  void went_up(std::size_t replica);
  void went_down(std::size_t replica, steady_time now);
  // A sign of life is wanted, or came.
  void pinged(std::size_t replica, steady_time now);
  void heard(std::size_t replica, steady_time now);
  // Looks at what is late.
  void look(steady_time now);

  // What is to be asked, and what has come to its end, since they were taken last.
  std::vector<ask> take_asks();
  std::vector<outcome> take_outcomes();

  std::size_t replicas() const noexcept { return replicas_.size(); }
  std::size_t shard_of(std::size_t of) const noexcept { return replicas_[of].shard; }
  bool answers(std::size_t of, steady_time now) const noexcept;  // is up and not silent

private:
  struct replica {
    std::size_t shard = 0, asks = 0;  // that are open
    bool up = false;
    std::optional<steady_time> waiting_since;
  };
  struct open_ask {
    std::size_t replica;
    steady_time since;
  };
  struct of_shard {
    std::vector<std::size_t> tried;
    std::vector<open_ask> asks;
    std::optional<std::vector<wire_answer>> answer;
    bool settled = false;
  };
  struct request {
    steady_time deadline;
    std::vector<of_shard> shards;
  };
  using requests = std::map<request_id, request>;

  std::optional<std::size_t> choose(std::size_t shard, const of_shard&, steady_time now) const;
  bool ask_next(request_id, request&, std::size_t shard, steady_time now);
  void drop_ask(of_shard&, std::size_t replica);
  // Asks another replica; where there is none and nothing is open, the shard is settled.
  void go_on(requests::iterator, std::size_t shard, steady_time now);
  void end_if_settled(requests::iterator);
  void forgive_pause(steady_time now);
  requests::iterator end(requests::iterator);

  fan_out_times times_;
  std::vector<replica> replicas_;
  std::vector<std::vector<std::size_t>> shards_;  // their replicas
  requests requests_;
  request_id last_ = 0;
  std::optional<steady_time> looked_;
  std::vector<ask> asks_;
  std::vector<outcome> outcomes_;
};

}  // namespace argosy
