#include "cluster/serving_simulation.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/fan_out.hpp"
#include "search/shard_merge.hpp"

namespace argosy {
namespace {

constexpr double never = 1e9;
constexpr double pause_s = .005;  // of actors/router_actor.hpp, as the next
constexpr std::uint64_t pauses_between_pings = 20;
constexpr std::size_t most_waiting = 12;    // at a replica; it is busy beyond
constexpr std::uint32_t hits_of_shard = 2;  // of each query
constexpr double enough_s = .7;             // to ask another replica in time

class service_world : simulated_world {
public:
  service_world(std::uint64_t seed, const simulated_service& of, const simulation_log& log)
      : simulated_world(seed, log), of_(of), asked_(std::vector<std::size_t>(of.shards, of.replicas)), newest_(of.shards, 1) {
    for (std::size_t i = 0; i < asked_.replicas(); ++i) replicas_.push_back({.place = static_cast<int>(i), .shard = asked_.shard_of(i)});
  }

  service_figures run() {
    look();
    at(.5, [this] { ask(); });
    at(draw_.between(1, 3), [this] { fault(); });
    at(draw_.between(.5, 3), [this] { publish(); });
    at(of_.fault_s, [this] { heal(); });
    at(of_.fault_s + of_.calm_s + 2, [this] { over_ = true; });
    live_until(over_, never);
    if (!open_.empty()) violated("query " + std::to_string(open_.begin()->second.number) + " was never told");
    figures_.seconds = now_s();
    figures_.digest = digest();
    return figures_;
  }

private:
  struct replica {
    int place;
    std::size_t shard;
    std::uint64_t life = 1, connection = 0;  // the router's is with that life; none: 0
    bool alive = true, connecting = false;
    double frozen_until = 0, slow = 1, well_since = 0;
    std::uint64_t generation = 1;
    std::size_t waiting = 0;
  };
  struct query {
    std::uint64_t number;
    double asked_s, deadline_s;
    std::vector<std::uint64_t> oldest;  // generation that any replica has, by shard
    bool disturbed = false;             // something that was said about it was lost, or refused
  };
  static constexpr int of_router = -1;

  // ---- what is right
  static std::string id_of(std::uint64_t number, std::size_t shard, std::uint64_t generation, std::uint32_t hit) {
    return std::to_string(number) + '/' + std::to_string(shard) + '/' + std::to_string(generation) + '/' + std::to_string(hit);
  }
  float score_of(std::uint64_t number, std::size_t shard, std::uint32_t hit) const {
    return static_cast<float>((number * 7 + shard * 3 + hit * 5) % 101);
  }
  wire_answer right_answer(std::uint64_t number, std::size_t shard, std::uint64_t generation) const {
    wire_answer one{.generation = generation};
    for (std::uint32_t hit = 0; hit < hits_of_shard; ++hit)
      one.results.push_back({.id = id_of(number, shard, generation, hit), .score = score_of(number, shard, hit), .title = {}});
    return one;
  }
  wire_query asked_query() const { return {.text = "a query", .k = static_cast<std::uint32_t>(of_.shards) * hits_of_shard}; }

  // ---- the router, as actors/router_actor.cpp drives its state
  void ask() {
    if (now_s() > of_.fault_s + of_.calm_s) return;
    const double patience_s = draw_.between(.1, 1.2);
    query one{.number = ++figures_.queries, .asked_s = now_s(), .deadline_s = now_s() + patience_s, .oldest = {}};
    for (std::size_t shard = 0; shard < of_.shards; ++shard) one.oldest.push_back(oldest_of(shard));
    const auto deadline = now() + std::chrono::duration_cast<steady_time::duration>(std::chrono::duration<double>(patience_s));
    const auto id = asked_.begin(deadline, now());
    open_.emplace(id, std::move(one));
    at(patience_s + 2 * pause_s, [this, id] {
      if (open_.contains(id)) violated("query " + std::to_string(open_.at(id).number) + " is not told by its deadline");
    });
    settle();
    at(draw_.long_tailed(of_.query_s), [this] { ask(); });
  }
  std::uint64_t oldest_of(std::size_t shard) const {
    std::uint64_t oldest = newest_[shard];
    for (const replica& one : replicas_)
      if (one.shard == shard) oldest = std::min(oldest, one.generation);
    return oldest;
  }
  void look() {
    asked_.look(now());
    settle();
    const bool pings = looks_++ % pauses_between_pings == 0;
    for (std::size_t i = 0; pings && i < replicas_.size(); ++i) {
      if (replicas_[i].connection == 0)
        connect(i);
      else
        ping(i);
    }
    at(pause_s, [this] { look(); });
  }
  void connect(std::size_t which) {
    if (std::exchange(replicas_[which].connecting, true)) return;
    at(draw_.long_tailed(.001), [this, which] {
      replica& one = replicas_[which];
      one.connecting = false;
      if (!one.alive || is_cut(one.place, of_router)) return;
      one.connection = one.life;
      asked_.went_up(which);
    });
  }
  void ping(std::size_t which) {
    asked_.pinged(which, now());
    to_replica(which, [this, which](replica& one) { to_router(one, [this, which] { asked_.heard(which, now()); }); });
  }
  void settle() {
    for (const fan_out::ask& each : asked_.take_asks()) {
      figures_.instead += each.instead ? 1 : 0;
      const auto at_query = open_.find(each.request);
      if (at_query == open_.end()) continue;
      send(each, at_query->second.number);
    }
    for (const fan_out::outcome& each : asked_.take_outcomes()) told(each);
  }
  void send(const fan_out::ask& each, std::uint64_t number) {
    if (draw_.chance(lost_share())) return disturb(each.request);
    const int times = draw_.chance(lost_share()) ? 2 : 1;
    for (int i = 0; i < times; ++i) to_replica(each.replica, [this, each, number](replica& one) { search(one, each, number); });
  }
  double lost_share() const { return now_s() < of_.fault_s ? .003 : 0; }
  void disturb(fan_out::request_id id) {
    if (const auto found = open_.find(id); found != open_.end()) found->second.disturbed = true;
  }

  // ---- the network. What is meant for an earlier connection falls on nobody; its sender learns that it broke.
  template <class What>
  void to_replica(std::size_t which, What what) {
    at(draw_.long_tailed(.0005), [this, which, to = replicas_[which].connection, what] { deliver(which, to, what); });
  }
  template <class What>
  void deliver(std::size_t which, std::uint64_t to, What what) {
    replica& one = replicas_[which];
    if (is_cut(one.place, of_router) || !one.alive) return;
    if (one.life != to) return broke(which, to);
    if (one.frozen_until > now_s()) return at(one.frozen_until - now_s(), [this, which, to, what] { deliver(which, to, what); });
    what(one);
  }
  template <class What>
  void to_router(const replica& from, What what) {
    at(draw_.long_tailed(.0005), [this, place = from.place, life = from.life, what] {
      const replica& one = replicas_[static_cast<std::size_t>(place)];
      if (is_cut(place, of_router) || one.connection != life) return;
      what();
      settle();
    });
  }
  void broke(std::size_t which, std::uint64_t connection) {
    replica& one = replicas_[which];
    if (one.connection != connection || connection == 0) return;
    one.connection = 0;
    asked_.went_down(which, now());
    settle();
  }

  // ---- shards
  void search(replica& one, const fan_out::ask& each, std::uint64_t number) {
    if (one.waiting >= most_waiting) {
      disturb(each.request);
      return answer(one, each, {wire_answer{.code = wire_code::busy, .error = "too many queries wait already"}});
    }
    ++one.waiting;
    at(draw_.long_tailed(.004) * one.slow, [this, place = one.place, life = one.life, each, number] { found(place, life, each, number); });
  }
  void found(int place, std::uint64_t life, const fan_out::ask& each, std::uint64_t number) {
    replica& one = replicas_[static_cast<std::size_t>(place)];
    if (!one.alive || one.life != life) return;
    if (one.frozen_until > now_s())
      return at(one.frozen_until - now_s(), [this, place, life, each, number] { found(place, life, each, number); });
    --one.waiting;
    if (draw_.chance(lost_share())) return disturb(each.request);
    const int times = draw_.chance(lost_share()) ? 2 : 1;
    for (int i = 0; i < times; ++i) answer(one, each, {right_answer(number, one.shard, one.generation)});
  }
  void answer(const replica& one, const fan_out::ask& each, const std::vector<wire_answer>& answers) {
    to_router(one, [this, each, answers] { asked_.answered(each.request, each.replica, answers, now()); });
  }

  // ---- what is told
  void told(const fan_out::outcome& outcome) {
    const auto found = open_.find(outcome.request);
    if (found == open_.end()) violated("request " + std::to_string(outcome.request) + " is told a second time");
    const query one = std::move(found->second);
    open_.erase(found);
    std::vector<std::span<const wire_answer>> of_shards;
    for (const auto& answers : outcome.of_shards)
      if (answers) of_shards.push_back(*answers);
    const wire_answer merged = merge_shards(asked_query(), of_shards, outcome.of_shards.size());
    const std::string name = "query " + std::to_string(one.number);
    check_hits(one, merged);
    const bool whole = merged.code == wire_code::ok && merged.shards_answered == of_.shards;
    ++(whole ? figures_.whole : merged.code == wire_code::ok ? figures_.partial : figures_.refused);
    tell(name + (whole ? " is whole" : merged.code == wire_code::ok ? " is partial" : " is refused"));
    if (!must_be_whole(one)) return;
    ++figures_.had_to_be_whole;
    if (!whole) violated(name + " is not whole though of each shard a replica was well");
  }
  bool must_be_whole(const query& one) const {
    if (one.disturbed || one.deadline_s - one.asked_s < enough_s) return false;
    std::set<std::size_t> well;
    for (const replica& each : replicas_)
      if (each.well_since <= one.asked_s - 1) well.insert(each.shard);
    return well.size() == of_.shards;
  }
  void check_hits(const query& one, const wire_answer& merged) {
    const std::string name = "query " + std::to_string(one.number);
    if (merged.code != wire_code::ok) {
      if (!merged.results.empty()) violated(name + " is refused with results");
      return;
    }
    std::map<std::pair<std::size_t, std::uint64_t>, std::set<std::string>> hits;
    for (const wire_result& each : merged.results) hits[whose(one, each.id)].insert(each.id);
    std::set<std::size_t> shards;
    for (const auto& [from, ids] : hits) {
      if (ids.size() != hits_of_shard) violated(name + " has a part of the hits of shard " + std::to_string(from.first));
      if (!shards.insert(from.first).second) violated(name + " has hits of two generations of shard " + std::to_string(from.first));
    }
    if (shards.size() != merged.shards_answered || merged.shards != of_.shards)
      violated(name + " has hits of " + std::to_string(shards.size()) + " shards and says " + std::to_string(merged.shards_answered));
    if (!std::ranges::is_sorted(merged.results, std::greater{}, &wire_result::score)) violated(name + " is not in order");
  }
  // The shard and the generation that a hit is of.
  std::pair<std::size_t, std::uint64_t> whose(const query& one, const std::string& id) {
    for (std::size_t shard = 0; shard < of_.shards; ++shard)
      for (std::uint64_t generation = one.oldest[shard]; generation <= newest_[shard]; ++generation)
        for (std::uint32_t hit = 0; hit < hits_of_shard; ++hit)
          if (id == id_of(one.number, shard, generation, hit)) return {shard, generation};
    violated("query " + std::to_string(one.number) + " has a hit that no shard holds: " + id);
  }

  // ---- faults
  void publish() {
    const std::size_t shard = draw_.below(of_.shards);
    const std::uint64_t generation = ++newest_[shard];
    ++figures_.switches;
    tell("shard " + std::to_string(shard) + " has generation " + std::to_string(generation));
    for (replica& one : replicas_)
      if (one.shard == shard) at(draw_.between(.01, 2), [&one, generation] { one.generation = std::max(one.generation, generation); });
    at(draw_.between(.5, 4), [this] { publish(); });
  }
  void fault() {
    if (now_s() >= of_.fault_s) return;
    replica& one = replicas_[draw_.below(replicas_.size())];
    const double kind = draw_.uniform();
    if (kind < .4) {
      kill(one);
    } else if (kind < .6) {
      freeze(one);
    } else if (kind < .8) {
      slow_down(one);
    } else {
      cut();
    }
    at(draw_.long_tailed(1.5), [this] { fault(); });
  }
  void kill(replica& one) {
    if (!one.alive) return;
    const bool closes = draw_.chance(.7);
    tell("replica " + std::to_string(one.place) + (closes ? " is killed" : " loses its power"));
    ++figures_.kills;
    one.alive = false;
    one.well_since = never;
    const auto which = static_cast<std::size_t>(one.place);
    if (closes && !is_cut(one.place, of_router)) at(draw_.between(.0005, .01), [this, which, life = one.life] { broke(which, life); });
    at(draw_.between(.2, 6), [this, which] { start(replicas_[which]); });
  }
  void start(replica& one) {
    ++one.life;
    one.alive = true;
    one.frozen_until = 0;
    one.slow = 1;
    one.waiting = 0;
    one.well_since = std::max(now_s(), cut_until_);
    tell("replica " + std::to_string(one.place) + " starts");
  }
  void freeze(replica& one) {
    if (!one.alive) return;
    one.frozen_until = now_s() + draw_.between(.05, 4);
    one.well_since = std::max(one.well_since, one.frozen_until);
    tell("replica " + std::to_string(one.place) + " freezes");
  }
  // What it was slow with is still to come.
  double well_again(const replica& one) const { return std::max({now_s() + 2, one.frozen_until + 2, cut_until_}); }
  void slow_down(replica& one) {
    one.slow = one.slow > 1 ? 1 : draw_.between(5, 200);
    one.well_since = one.slow > 1 || !one.alive ? never : well_again(one);
    tell("replica " + std::to_string(one.place) + (one.slow > 1 ? " is slow" : " is slow no more"));
  }
  void cut() {
    std::vector<int> places{of_router};
    cut_until_ = now_s() + longest_cut_s + 1;
    for (replica& one : replicas_) {
      places.push_back(one.place);
      if (one.well_since < never) one.well_since = std::max(one.well_since, cut_until_);
    }
    cut_links(places, longest_cut_s);
  }
  void heal() {
    tell("no more faults");
    for (replica& one : replicas_) {
      if (one.slow > 1 && one.alive) one.well_since = well_again(one);
      one.slow = 1;
    }
  }

  static constexpr double longest_cut_s = 3;
  simulated_service of_;
  fan_out asked_;
  std::vector<std::uint64_t> newest_;  // generation, by shard
  std::vector<replica> replicas_;
  std::map<fan_out::request_id, query> open_;
  std::uint64_t looks_ = 0;
  double cut_until_ = 0;  // at the latest, and connections are there again
  bool over_ = false;
  service_figures figures_;
};

}  // namespace

result<service_figures> simulate_serving(std::uint64_t seed, const simulated_service& of, const simulation_log& log) {
  return lived_through(seed, [&] { return service_world(seed, of, log).run(); });
}

}  // namespace argosy
