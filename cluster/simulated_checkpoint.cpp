#include "cluster/simulated_checkpoint.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "schema/folder.hpp"

namespace argosy {
namespace {

const std::string run = "run", folder = run + "/checkpoints";
constexpr std::size_t keep = 2;  // the recipe's

std::string within(const std::string& parent, const std::string& name) { return parent + '/' + name; }

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string numbered(std::uint64_t steps) {
  const std::string digits = std::to_string(steps);
  return std::string(8 - std::min<std::size_t>(8, digits.size()), '0') + digits;
}

bool is_number(const std::string& name) { return name.size() >= 8 && name.find_first_not_of("0123456789") == std::string::npos; }

std::string text_of(const simulated_bank& bank) {
  std::string text;
  for (const pushed_products& one : bank) text += std::to_string(one.step) + ' ' + std::to_string(one.group) + '\n';
  return text;
}

result<std::string> text_at(const simulated_disk& disk, const std::string& path) {
  ARGOSY_ASSIGN(const auto bytes, disk.read(path));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string sum_of(const std::string& content) { return hex_text(xxh3(bytes_of(content))); }

// Sealed by its own checksum, as a container is.
std::string with_sum(const std::string& content) { return content + sum_of(content); }
result<std::string> without_sum(const std::string& path, const std::string& content) {
  const std::size_t size = content.size() - std::min<std::size_t>(16, content.size());
  std::string inner = content.substr(0, size);
  if (sum_of(inner) != content.substr(size)) return status{errc::corrupt, path + ": want another checksum"};
  return inner;
}

std::vector<std::string> newest_first(const simulated_disk& disk) {
  std::vector<std::string> all;
  for (const std::string& name : disk.names(folder))
    if (is_number(name)) all.push_back(name);
  return {all.rbegin(), all.rend()};
}

status verify(const simulated_disk& disk, const std::string& path) {
  ARGOSY_ASSIGN(const std::string sealed, text_at(disk, path + "/MANIFEST"));
  ARGOSY_ASSIGN(const std::string manifest, without_sum(path + "/MANIFEST", sealed));
  std::istringstream lines(manifest);
  std::string name, sum;
  for (std::size_t bytes = 0; lines >> name >> bytes >> sum;) {
    ARGOSY_ASSIGN(const std::string content, text_at(disk, within(path, name)));
    if (content.size() != bytes || sum_of(content) != sum) return {errc::corrupt, within(path, name).append(": want another checksum")};
  }
  return {};
}

result<job_mark> facts_of(const simulated_disk& disk, const std::string& name) {
  ARGOSY_ASSIGN(const std::string sealed, text_at(disk, within(folder, name) + "/facts"));
  ARGOSY_ASSIGN(const std::string facts, without_sum(name + "/facts", sealed));
  job_mark mark;
  std::istringstream(facts) >> mark.steps_done >> mark.lineage;
  return mark;
}

}  // namespace

status make_run(simulated_disk& disk) {
  ARGOSY_TRY(disk.make_folder(run));
  return disk.sync_folder("");
}

checkpoint_write::checkpoint_write(simulated_disk& disk, simulated_checkpoint of, const std::string& writer)
    : disk_(disk), of_(std::move(of)), target_(folder + '/' + numbered(of_.mark.steps_done)), partial_(target_ + ".partial-" + writer) {
  left_.emplace_back([this] { return disk_.make_folder(folder); });
  left_.emplace_back([this] { return disk_.sync_folder(run); });
  left_.emplace_back([this] {  // of writers that died
    for (const std::string& name : disk_.names(folder))
      if (name.starts_with(numbered(of_.mark.steps_done) + ".partial-")) ARGOSY_TRY(disk_.remove(within(folder, name)));
    return disk_.make_folder(partial_);
  });
  std::string model;
  for (const group_id group : of_.steps) model.append(std::to_string(group)).append(1, ' ');
  put("model", model);
  put("facts", with_sum(std::to_string(of_.mark.steps_done) + ' ' + std::to_string(of_.mark.lineage)));
  for (std::size_t rank = 0; rank < of_.banks.size(); ++rank) put("bank-" + std::to_string(rank), text_of(of_.banks[rank]));
  seal();
  left_.emplace_back([this] {  // what it took the place of
    return disk_.remove(partial_);
  });
  left_.emplace_back([this] {
    set_aside_newer();
    return status{};
  });
}

void checkpoint_write::put(const std::string& name, const std::string& content) {
  files_.push_back(name);
  left_.emplace_back([this, name, content] { return disk_.write(within(partial_, name), 0, bytes_of(content)); });
}

void checkpoint_write::seal() {
  for (const std::string& name : files_) left_.emplace_back([this, name] { return disk_.sync(within(partial_, name)); });
  const std::string manifest = partial_ + "/MANIFEST", unfinished = manifest + ".partial";
  left_.emplace_back([this, unfinished] {
    std::string lines;
    for (const std::string& name : files_) {
      ARGOSY_ASSIGN(const std::string content, text_at(disk_, within(partial_, name)));
      lines += name + ' ' + std::to_string(content.size()) + ' ' + sum_of(content) + '\n';
    }
    return disk_.write(unfinished, 0, bytes_of(with_sum(lines)));
  });
  left_.emplace_back([this, unfinished] { return disk_.sync(unfinished); });
  left_.emplace_back([this, unfinished, manifest] { return disk_.rename(unfinished, manifest); });
  left_.emplace_back([this] { return disk_.sync_folder(partial_); });
  left_.emplace_back([this] { return disk_.has(target_) ? disk_.exchange(partial_, target_) : disk_.rename(partial_, target_); });
  left_.emplace_back([this] { return disk_.sync_folder(folder); });
}

void checkpoint_write::first(std::vector<std::function<status()>> steps) { left_.insert(left_.begin(), steps.begin(), steps.end()); }

void checkpoint_write::set_aside_newer() {
  std::vector<std::function<status()>> steps;
  for (const std::string& name : newest_first(disk_)) {
    const std::string path = within(folder, name);
    if (path == target_) break;
    steps.emplace_back([this, path, aside = path + ".broken"] { return disk_.rename(path, aside); });
  }
  steps.emplace_back([this] {
    prune();
    return status{};
  });
  first(std::move(steps));
}

void checkpoint_write::prune() {
  remove_those_that_go();
  const auto all = newest_first(disk_);
  for (std::size_t i = keep; i < all.size(); ++i) {
    const std::string path = folder + '/' + all[i];
    left_.emplace_back([this, path] { return disk_.rename(path, path + ".removed"); });
  }
  left_.emplace_back([this] {
    remove_those_that_go();
    return status{};
  });
}

void checkpoint_write::remove_those_that_go() {
  for (const std::string& name : disk_.names(folder))
    if (name.ends_with(".removed")) left_.emplace_back([this, path = within(folder, name)] { return disk_.remove(path); });
}

status checkpoint_write::step() {
  const auto next = std::move(left_.front());
  left_.pop_front();
  status done = next();
  if (!done.ok()) (void)disk_.remove(partial_);
  return done;
}

std::optional<job_mark> newest_checkpoint(const simulated_disk& disk) {
  const auto all = newest_first(disk);
  if (all.empty()) return std::nullopt;
  const auto mark = facts_of(disk, all.front());
  return mark.ok() ? std::optional(*mark) : std::nullopt;
}

result<simulated_checkpoint> read_marked(const simulated_disk& disk, const job_mark& mark) {
  const std::string name = numbered(mark.steps_done), path = within(folder, name);
  if (!disk.has(path)) return status{errc::aborted, path + ": the checkpoint is there no more"};
  ARGOSY_TRY(verify(disk, path));
  simulated_checkpoint found;
  ARGOSY_ASSIGN(found.mark, facts_of(disk, name));
  if (found.mark != mark) return status{errc::invalid_argument, path + ": was trained by other groups than those of this job"};
  ARGOSY_ASSIGN(const std::string model, text_at(disk, path + "/model"));
  std::istringstream steps(model);
  for (group_id group = 0; steps >> group;) found.steps.push_back(group);
  for (std::size_t rank = 0; disk.has(path + "/bank-" + std::to_string(rank)); ++rank) {
    ARGOSY_ASSIGN(const std::string text, text_at(disk, path + "/bank-" + std::to_string(rank)));
    std::istringstream lines(text);
    found.banks.emplace_back();
    for (pushed_products one{}; lines >> one.step >> one.group;) found.banks.back().push_back(one);
  }
  return found;
}

}  // namespace argosy
