#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/log.hpp"
#include "index/backup.hpp"
#include "index/generation.hpp"
#include "index/store.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/left_changes.hpp"

namespace argosy {
namespace {

std::string time_text(std::chrono::sys_seconds at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc));
  return text;
}

// The parts that only some generations have: what is no file of the index, the products or the model.
std::vector<std::string> parts_of(const stored_generation& one) {
  constexpr std::string_view always[] = {"index.argosy",      "products.argosy", "inputs.argosy", "fields.argosy",
                                         "model.safetensors", "recipe.toml",     "vocab.txt",     "relevance.json"};
  std::vector<std::string> parts;
  std::size_t shards = 0;
  for (const auto& name : one.files) {
    const bool shard = name.starts_with("pairs-");
    shards += shard ? 1 : 0;
    if (!shard && std::find(std::begin(always), std::end(always), name) == std::end(always))
      parts.push_back(name.substr(0, name.find(".argosy")));
  }
  if (shards > 0) parts.push_back("pairs (" + grouped(shards) + ")");
  return parts;
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

nlohmann::ordered_json json_of(const stored_generation& one) {
  nlohmann::ordered_json object{{"number", one.number}, {"current", one.current}, {"sealed", time_text(one.sealed)}};
  if (!one.failure.ok()) {
    object["failure"] = one.failure.text();
    return object;
  }
  object.update({{"products", one.products}, {"bytes", one.bytes}, {"index", one.index}, {"changes", one.changes}, {"files", one.files}});
  return object;
}

void print_json(const std::vector<stored_generation>& all, std::ostream& out) {
  auto generations = nlohmann::ordered_json::array();
  for (const auto& one : all) generations.push_back(json_of(one));
  const nlohmann::ordered_json object{{"generations", std::move(generations)}};
  out << object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

void print_table(const std::vector<stored_generation>& all, std::ostream& out) {
  text_table table(true);
  table.add({"", "generation", "sealed", "products", "bytes", "index", "changes since", "further parts"});
  for (const auto& one : all) {
    const std::string mark = one.current ? "current" : "";
    if (one.failure.ok()) {
      table.add({mark, std::to_string(one.number), time_text(one.sealed), grouped(one.products), bytes_text(one.bytes), one.index,
                 grouped(one.changes), joined(parts_of(one))});
    } else {
      table.add({mark, std::to_string(one.number), time_text(one.sealed), "", "", "", "", one.failure.text()});
    }
  }
  table.print(out);
}

// The numbers that were asked for.
result<std::vector<std::uint64_t>> chosen_numbers(const generations_options& options) {
  if (options.number) return std::vector<std::uint64_t>{*options.number};
  ARGOSY_ASSIGN(const auto all, list_generations(options.store));
  std::vector<std::uint64_t> numbers;
  for (const auto& one : all) numbers.push_back(one.number);
  return numbers;
}

backup_progress show_bytes(const console& io, std::string_view stage) {
  return [&io, stage](std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t megabyte = 1'000'000;
    io.progress.show({.stage = stage, .unit = "MB", .done = done / megabyte, .total = total / megabyte});
  };
}

// What a signal stopped, told as such.
status ended(const status& end, std::string_view what_is_left) { return end.code() == errc::aborted ? interrupted(what_is_left) : end; }

}  // namespace

status run_list_generations(const generations_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto all, list_generations(options.store));
  if (options.json) {
    print_json(all, io.out);
  } else {
    print_table(all, io.out);
  }
  return {};
}

status run_verify_generations(const generations_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto numbers, chosen_numbers(options));
  std::size_t damaged = 0;
  for (const auto number : numbers) {
    const status found = verify_generation(options.store, number);
    damaged += found.ok() ? 0 : 1;
    io.out << "generation " << number << ": " << (found.ok() ? "whole" : found.text()) << std::endl;
  }
  if (damaged == 0) return options.number ? status{} : generation::open_current(options.store).failure();
  return {errc::corrupt,
          options.store.string() + ": " + grouped(damaged) + " of " + counted(numbers.size(), "generation") + " did not verify"};
}

status run_roll_back(const generations_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto before, list_generations(options.store));
  ARGOSY_ASSIGN(const auto now, roll_back(options.store, options.number));
  io.out << options.store.string() << ": generation " << now << " is current\n";
  warn_of_left_changes(before, now);
  return {};
}

status run_prune(const generations_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto gone, prune_generations(options.store, options.keep));
  for (const auto number : gone) io.out << "removed generation " << number << '\n';
  io.out << options.store.string() << ": " << counted(gone.size(), "generation") << " removed\n";
  return {};
}

status run_backup(const generations_options& options, const console& io) {
  const auto done = back_up(options.store, options.number, options.tar, show_bytes(io, "backup"), io.stop);
  io.progress.close();
  if (!done.ok()) return ended(done.failure(), options.tar.string() + " is as it was");
  io.out << options.tar.string() << ": generation " << done->generation << ", " << bytes_text(done->bytes) << '\n';
  ARGOSY_ASSIGN(const auto all, list_generations(options.store));
  for (const auto& one : all) {
    if (one.number == done->generation && one.changes > 0)
      log::warning(counted(one.changes, "change") +
                   " of its products since it was published are not in the backup: `argosy compact` first");
  }
  return {};
}

status run_restore(const generations_options& options, const console& io) {
  const auto number = restore_backup(options.store, options.tar, show_bytes(io, "restore"), io.stop);
  io.progress.close();
  if (!number.ok()) return ended(number.failure(), "the store is as it was");
  io.out << options.store.string() << ": generation " << *number << " is current\n";
  return {};
}

}  // namespace argosy
