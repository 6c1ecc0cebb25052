// How a command's words become one of the structs of commands.hpp. Parsers that do not stand in command_line.cpp are declared here.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tools/commands.hpp"

namespace argosy {

// What was asked for, once the line is parsed.
struct chosen_command {
  std::function<status(const console&)> run;
  bool writes = false;  // stops in good order when interrupted
};

template <class Options>
CLI::App* add_command(CLI::App& to, const char* name, const char* does, const std::string& example, chosen_command& chosen, bool writes,
                      status (*run)(const Options&, const console&), const std::shared_ptr<Options>& options) {
  CLI::App* command = to.add_subcommand(name, does);
  command->footer("Example:\n  " + example);
  command->callback([&chosen, options, run, writes] {
    chosen.writes = writes;
    chosen.run = [options, run](const console& io) { return run(*options, io); };
  });
  return command;
}

// A variable of the shell that is not set must not switch off what guards a server.
inline const CLI::Validator not_empty{
    [](const std::string& given) { return given.empty() ? std::string("want a file, got nothing") : std::string(); }, "FILE"};

inline void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads; 0: all cores")->capture_default_str()->check(CLI::Range(0, 4096));
}

inline void add_arithmetic(CLI::App& command, compute& arithmetic, bool may_be_gpu = false) {
  std::map<std::string, compute> kinds{{"float32", compute::float32}, {"bfloat16", compute::bfloat16}};
  if (may_be_gpu) kinds["fp8"] = compute::fp8;
  command.add_option("--compute", arithmetic, "Products of linear maps: float32; bfloat16, faster where the processor multiplies it")
      ->transform(CLI::CheckedTransformer(kinds).description(may_be_gpu ? "float32, bfloat16 or, on a GPU, fp8" : "float32 or bfloat16"))
      ->default_str("float32");
}

void add_generations(CLI::App&, chosen_command&);
void add_pairs(CLI::App&, chosen_command&);
void add_change(CLI::App&, chosen_command&);
void add_compact(CLI::App&, chosen_command&);
void add_tune(CLI::App&, chosen_command&);
void add_bench_pairs(CLI::App& bench, chosen_command&);
void add_bench_serve(CLI::App& bench, chosen_command&);
void add_bench_floor(CLI::App& bench, chosen_command&);
void add_bench_index(CLI::App& bench, chosen_command&);
void add_serve(CLI::App& app, chosen_command& chosen);
void add_overrides(CLI::App& command, std::vector<std::string>& overrides);
void add_coordinator(CLI::App&, chosen_command&);
void add_worker(CLI::App&, chosen_command&);
void add_status(CLI::App&, chosen_command&);
void add_ledger(CLI::App&, chosen_command&);
void add_plan(CLI::App&, chosen_command&);
void add_simulate(CLI::App&, chosen_command&);
void add_key(CLI::App& app, chosen_command& chosen);
// --tls-certificate and --tls-key, both or none.
void add_tls(CLI::App&, tls_files&);
// --curve-secret and --curve-clients, both or none.
void add_curve(CLI::App&, curve_server_files&);
void add_bench_scans(CLI::App& bench, chosen_command&);
void add_bench_changes(CLI::App& bench, chosen_command&);

}  // namespace argosy
