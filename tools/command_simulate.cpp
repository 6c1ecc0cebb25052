#include <nlohmann/json.hpp>
#include <ostream>

#include "cluster/serving_simulation.hpp"
#include "cluster/simulation.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

struct sums {
  simulation_figures of;
  void add(const simulation_figures& one) {
    of.seconds += one.seconds;
    for (const auto figure :
         {&simulation_figures::groups, &simulation_figures::trained, &simulation_figures::taken_back, &simulation_figures::kills,
          &simulation_figures::power_losses, &simulation_figures::coordinators, &simulation_figures::refused, &simulation_figures::messages,
          &simulation_figures::lost, &simulation_figures::checkpoints, &simulation_figures::restored, &simulation_figures::torn})
      of.*figure += one.*figure;
  }
};

struct service_sums {
  service_figures of;
  void add(const service_figures& one) {
    of.seconds += one.seconds;
    for (const auto figure :
         {&service_figures::queries, &service_figures::whole, &service_figures::partial, &service_figures::refused,
          &service_figures::had_to_be_whole, &service_figures::instead, &service_figures::kills, &service_figures::switches})
      of.*figure += one.*figure;
  }
};

struct life_sums {
  std::uint64_t seeds = 0;  // that hold
  sums job, in_shards;
  service_sums service;
};

// What it broke, if it did.
status live(std::uint64_t seed, const simulate_options& options, const std::function<void(const std::string&)>& log, life_sums& all) {
  const auto lived = simulate(seed, {.nodes = options.nodes, .steps = options.steps}, log);
  ARGOSY_TRY(lived.failure());
  const auto in_shards = simulate(seed, {.nodes = options.nodes, .steps = options.steps, .shard_moments = true}, log);
  ARGOSY_TRY(in_shards.failure().within("moments in shards"));
  const auto served = simulate_serving(seed, {}, log);
  ARGOSY_TRY(served.failure().within("serving"));
  ++all.seeds;
  all.job.add(*lived);
  all.in_shards.add(*in_shards);
  all.service.add(*served);
  return {};
}

nlohmann::ordered_json json_of(const simulation_figures& of) {
  return {{"simulated_s", of.seconds},
          {"groups", of.groups},
          {"steps_trained_by_ranks", of.trained},
          {"steps_taken_back", of.taken_back},
          {"kills", of.kills},
          {"power_losses", of.power_losses},
          {"coordinators", of.coordinators},
          {"coordinators_refused", of.refused},
          {"messages", of.messages},
          {"messages_lost", of.lost},
          {"checkpoints", of.checkpoints},
          {"checkpoints_restored", of.restored},
          {"ledgers_torn", of.torn}};
}

std::string text_of(const simulation_figures& of) {
  return duration_text(of.seconds) + " simulated, " + grouped(of.kills) + " kills, of them " + grouped(of.power_losses) +
         " by loss of power, " + grouped(of.coordinators) + " coordinators and " + grouped(of.refused) + " refused, " + grouped(of.groups) +
         " groups, " + grouped(of.taken_back) + " steps taken back, " + grouped(of.lost) + " of " + grouped(of.messages) +
         " messages lost, " + grouped(of.checkpoints) + " checkpoints, " + grouped(of.restored) + " restored, " + grouped(of.torn) +
         " ledgers torn\n";
}

void print(const life_sums& all, const std::vector<std::uint64_t>& broken, bool json, std::ostream& out) {
  const service_sums& service = all.service;
  if (json) {
    nlohmann::ordered_json object = {{"seeds", all.seeds + broken.size()}, {"broken", broken}};
    object.update(json_of(all.job.of));
    object.update({{"in_shards", json_of(all.in_shards.of)},
                   {"serving_simulated_s", service.of.seconds},
                   {"queries", service.of.queries},
                   {"queries_whole", service.of.whole},
                   {"queries_partial", service.of.partial},
                   {"queries_refused", service.of.refused},
                   {"queries_that_had_to_be_whole", service.of.had_to_be_whole},
                   {"asked_of_another", service.of.instead},
                   {"replicas_killed", service.of.kills},
                   {"generations", service.of.switches}});
    out << object.dump() << '\n';
    return;
  }
  out << grouped(all.seeds) << " of " << grouped(all.seeds + broken.size()) << " seeds hold\n"
      << "job: " << text_of(all.job.of) << "job with moments in shards: " << text_of(all.in_shards.of)
      << "serving: " << duration_text(service.of.seconds) << " simulated, " << grouped(service.of.kills) << " kills, "
      << grouped(service.of.switches) << " generations, " << grouped(service.of.queries) << " queries: " << grouped(service.of.whole)
      << " whole, " << grouped(service.of.partial) << " partial, " << grouped(service.of.refused) << " refused; "
      << grouped(service.of.had_to_be_whole) << " had to be whole, " << grouped(service.of.instead) << " asks of another replica\n";
}

}  // namespace

status run_simulate(const simulate_options& options, const console& io) {
  life_sums all;
  std::vector<std::uint64_t> broken;
  std::function<void(const std::string&)> log;
  if (options.log) log = [&io](const std::string& line) { io.out << line << '\n'; };
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    if (io.stop.stop_requested()) return interrupted("of " + grouped(options.seeds) + " seeds " + grouped(i) + " were simulated");
    const std::uint64_t seed = options.first + i;
    if (const status held = live(seed, options, log, all); !held.ok()) {
      broken.push_back(seed);
      io.err << "argosy: " << held.text() << '\n';
    }
    io.progress.show({.stage = "simulate", .unit = "seeds", .done = i + 1, .total = options.seeds});
  }
  io.progress.close();
  print(all, broken, options.json, io.out);
  if (broken.empty()) return {};
  return {errc::internal, "seed " + std::to_string(broken.front()) + " broke: `argosy simulate --first " + std::to_string(broken.front()) +
                              " --seeds 1 --log` shows its life"};
}

}  // namespace argosy
