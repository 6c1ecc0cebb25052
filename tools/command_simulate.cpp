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
  std::uint64_t lives = 0;
  simulation_figures of;
  void add(const simulation_figures& one) {
    ++lives;
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

void print(const sums& all, const service_sums& service, const std::vector<std::uint64_t>& broken, bool json, std::ostream& out) {
  if (json) {
    const nlohmann::ordered_json object = {{"seeds", all.lives + broken.size()},
                                           {"broken", broken},
                                           {"simulated_s", all.of.seconds},
                                           {"groups", all.of.groups},
                                           {"steps_trained_by_ranks", all.of.trained},
                                           {"steps_taken_back", all.of.taken_back},
                                           {"kills", all.of.kills},
                                           {"power_losses", all.of.power_losses},
                                           {"coordinators", all.of.coordinators},
                                           {"coordinators_refused", all.of.refused},
                                           {"messages", all.of.messages},
                                           {"messages_lost", all.of.lost},
                                           {"checkpoints", all.of.checkpoints},
                                           {"checkpoints_restored", all.of.restored},
                                           {"ledgers_torn", all.of.torn},
                                           {"serving_simulated_s", service.of.seconds},
                                           {"queries", service.of.queries},
                                           {"queries_whole", service.of.whole},
                                           {"queries_partial", service.of.partial},
                                           {"queries_refused", service.of.refused},
                                           {"queries_that_had_to_be_whole", service.of.had_to_be_whole},
                                           {"asked_of_another", service.of.instead},
                                           {"replicas_killed", service.of.kills},
                                           {"generations", service.of.switches}};
    out << object.dump() << '\n';
    return;
  }
  out << grouped(all.lives) << " of " << grouped(all.lives + broken.size()) << " seeds hold: " << duration_text(all.of.seconds)
      << " simulated, " << grouped(all.of.kills) << " kills, of them " << grouped(all.of.power_losses) << " by loss of power, "
      << grouped(all.of.coordinators) << " coordinators and " << grouped(all.of.refused) << " refused, " << grouped(all.of.groups)
      << " groups, " << grouped(all.of.taken_back) << " steps taken back, " << grouped(all.of.lost) << " of " << grouped(all.of.messages)
      << " messages lost, " << grouped(all.of.checkpoints) << " checkpoints, " << grouped(all.of.restored) << " restored, "
      << grouped(all.of.torn) << " ledgers torn\n"
      << "serving: " << duration_text(service.of.seconds) << " simulated, " << grouped(service.of.kills) << " kills, "
      << grouped(service.of.switches) << " generations, " << grouped(service.of.queries) << " queries: " << grouped(service.of.whole)
      << " whole, " << grouped(service.of.partial) << " partial, " << grouped(service.of.refused) << " refused; "
      << grouped(service.of.had_to_be_whole) << " had to be whole, " << grouped(service.of.instead) << " asks of another replica\n";
}

}  // namespace

status run_simulate(const simulate_options& options, const console& io) {
  sums all;
  service_sums service;
  std::vector<std::uint64_t> broken;
  std::function<void(const std::string&)> log;
  if (options.log) log = [&io](const std::string& line) { io.out << line << '\n'; };
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    if (io.stop.stop_requested()) return interrupted("of " + grouped(options.seeds) + " seeds " + grouped(i) + " were simulated");
    const std::uint64_t seed = options.first + i;
    const auto lived = simulate(seed, {.nodes = options.nodes, .steps = options.steps}, log);
    const auto served = simulate_serving(seed, {}, log);
    if (lived.ok() && served.ok()) {
      all.add(*lived);
      service.add(*served);
    } else {
      broken.push_back(seed);
      io.err << "argosy: " << (lived.ok() ? "serving: " + served.failure().text() : lived.failure().text()) << '\n';
    }
    io.progress.show({.stage = "simulate", .unit = "seeds", .done = i + 1, .total = options.seeds});
  }
  io.progress.close();
  print(all, service, broken, options.json, io.out);
  if (broken.empty()) return {};
  return {errc::internal, "seed " + std::to_string(broken.front()) + " broke: `argosy simulate --first " + std::to_string(broken.front()) +
                              " --seeds 1 --log` shows its life"};
}

}  // namespace argosy
