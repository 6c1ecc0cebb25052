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

void add_assumptions(CLI::App& command, gpu_assumptions& gpu, CLI::Option* fit) {
  const CLI::Range share(1e-3, 1.0), rate(1e-3, 1e6), latency(0.0, 1e6), part(0.0, 1.0);
  const auto add = [&](const char* name, double& to, const char* what, const CLI::Range& within) {
    command.add_option(name, to, what)->capture_default_str()->check(within)->group("Assumed of the GPUs")->excludes(fit);
  };
  add("--peak", gpu.peak_tflops, "Products of bfloat16, TFLOP/s", rate);
  add("--loss-peak", gpu.loss_tflops, "Products of the losses, TF32, TFLOP/s", rate);
  add("--share", gpu.share, "Share of these that is reached", share);
  add("--memory", gpu.memory_tbs, "Memory, TB/s", rate);
  add("--within", gpu.within_gbs, "GB/s into and out of a GPU, within a machine", rate);
  add("--within-us", gpu.within_us, "Latency there, microseconds", latency);
  add("--between", gpu.between_gbs, "GB/s into and out of a machine, over all its adapters", rate);
  add("--between-us", gpu.between_us, "Latency there, microseconds", latency);
  add("--spread", gpu.spread, "Of the GPUs' compute times: standard deviation / mean", part);
  add("--overlap", gpu.overlap, "Share of the gradients' reduction that backward hides", part);
  command.add_option("--per-machine", gpu.per_machine, "GPUs of a machine")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024))
      ->group("Assumed of the GPUs")
      ->excludes(fit);
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
  command->add_option("--initial", options->initial,
                      "What `argosy import` wrote: a job that begins starts its encoders from it, on all nodes");
  command->add_option("--nodes", options->nodes, "Nodes that train; more are kept in reserve. 0: all")->capture_default_str();
  command->add_option("--least", options->least, "Fewer nodes wait for more")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_flag("--without-checkpoint", options->without_checkpoint,
                    "The last checkpoint is lost: go on from the newest that a node has, or begin, and do the steps since again");
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
  command->add_option("--initial", options->initial, "What the coordinator's --initial names, on this machine");
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

void add_plan(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<plan_options>();
  auto* command =
      add_command(app, "plan", "Predict what a training step takes on many GPUs: time, negatives, memory, hours",
                  "argosy plan --recipe recipes/paper.toml --gpus 8,40,128,1024 --pairs 100000000", chosen, false, &run_plan, options);
  command->add_option("--recipe", options->recipe, "What would be trained: TOML")->required();
  command->add_option("--data", options->data, "A folder that `argosy prepare` wrote, for the size of the vocabulary and of images");
  auto* gpus = command->add_option("--gpus,--workers", options->gpus, "How many, commas between")->delimiter(',');
  gpus->capture_default_str()->check(CLI::Range(1, 1'000'000));
  command->add_option("--pairs-per-gpu", options->pairs_per_gpu, "Of a step; instead of the recipe's batch")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--pairs", options->pairs, "Of an epoch: for the hours")->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 50));
  command->add_option("--epochs", options->epochs, "Other than the recipe's")->check(CLI::Range(1e-3, 1e6));
  auto* fit = command->add_option("--fit", options->fit,
                                  "Measured hardware, as tests/bench/cluster/scaling.py leaves it, instead of what is assumed");
  add_assumptions(*command, options->assumed, fit);
  command->add_flag("--json", options->json, "One JSON object");
  add_overrides(*command, options->overrides);
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
