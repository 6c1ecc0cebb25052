#include "tools/command_parsers.hpp"

namespace argosy {
namespace {

void add_credentials(CLI::App& command, node_credentials& credentials) {
  command.add_option("--node-certificate", credentials.own.certificate,
                     "This node's certificate (PEM), beyond this machine: TLS on both sides");
  command.add_option("--node-key", credentials.own.key, "Its private key");
  command.add_option("--node-authority", credentials.authority, "The certificate that signs those of all nodes");
  command.add_option("--node-secret", credentials.secret,
                     "Instead: a file with the secret of all nodes of the job, which others may not read");
}

}  // namespace

void add_coordinator(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<coordinator_options>();
  auto* command = add_command(app, "coordinator", "Coordinate a training job of many nodes; the same command goes on with it",
                              "argosy coordinator --data data --recipe recipe.toml --run run --listen 127.0.0.1:7700\n"
                              "  argosy worker --data data --run run --join 127.0.0.1:7700     # as many as there are to be",
                              chosen, true, &run_coordinator, options);
  command->add_option("--data", options->data, "A folder that `argosy prepare` wrote")->required();
  command->add_option("--recipe", options->recipe, "What to train and how: TOML")->required();
  command->add_option("--run", options->run, "The folder of this run: ledger, metrics")->required();
  command->add_option("--listen", options->listen, "HOST:PORT where nodes join; port 0: any")->capture_default_str();
  command->add_option("--nodes", options->nodes, "Nodes that train; more are kept in reserve. 0: all")->capture_default_str();
  command->add_option("--least", options->least, "Fewer nodes wait for more")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--address-file", options->address_file, "Where the address is written once nodes can join");
  add_credentials(*command, options->credentials);
  add_overrides(*command, options->overrides);
}

void add_worker(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<worker_options>();
  auto* command = add_command(app, "worker", "A node of a training job: joins its coordinator, and trains what it is told",
                              "argosy worker --data data --run run --join 127.0.0.1:7700", chosen, true, &run_worker, options);
  command->add_option("--data", options->data, "The data of the job, as `argosy prepare` wrote it")->required();
  command->add_option("--run", options->run, "Where this node writes checkpoints when it is rank 0: best a folder that all nodes see")
      ->required();
  command->add_option("--join", options->join, "HOST:PORT of the coordinator")->required();
  command->add_option("--tensors", options->tensors, "This machine's address in numbers, at which other nodes reach it")
      ->capture_default_str();
  command->add_option("--device", options->device, "Another one than the recipe's");
  command->add_option("--threads", options->threads, "Other than the recipe's")->check(CLI::Range(1, 4096));
  add_credentials(*command, options->credentials);
}

void add_status(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<status_options>();
  auto* command = add_command(app, "status", "How a training job of many nodes stands", "argosy status 127.0.0.1:7700 --watch", chosen,
                              true, &run_status, options);
  command->add_option("HOST:PORT", options->at, "Its coordinator")->required();
  command->add_flag("--json", options->json, "As it is told: one JSON object");
  command->add_flag("--watch", options->watch, "Again every second");
  add_credentials(*command, options->credentials);
}

void add_ledger(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<ledger_options>();
  auto* command = add_command(app, "ledger", "Check the ledger of a training job of many nodes: whether each step was trained once",
                              "argosy ledger --run run", chosen, false, &run_ledger, options);
  command->add_option("--run", options->run, "The coordinator's")->required();
  command->add_flag("--json", options->json, "The figures as one JSON object");
}

void add_simulate(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<simulate_options>();
  auto* command =
      add_command(app, "simulate",
                  "Live through training jobs and routed searches on a simulated network, clock and disk, with faults drawn from a seed",
                  "argosy simulate --seeds 1000\n  argosy simulate --first 17 --seeds 1 --log", chosen, true, &run_simulate, options);
  command->add_option("--seeds", options->seeds, "How many")->capture_default_str()->check(CLI::Range(1, 100'000'000));
  command->add_option("--first", options->first, "The first of them")->capture_default_str();
  command->add_option("--nodes", options->nodes, "Of each job")->capture_default_str()->check(CLI::Range(1, 24));
  command->add_option("--steps", options->steps, "Of each job")->capture_default_str()->check(CLI::Range(1, 100'000));
  command->add_flag("--log", options->log, "Everything that happens, line by line");
  command->add_flag("--json", options->json, "The figures as one JSON object");
}

}  // namespace argosy
