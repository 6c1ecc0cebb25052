#include "cluster/simulated_ledger.hpp"

#include <algorithm>
#include <string>

#include "schema/journal.hpp"

namespace argosy {
namespace {

const std::string path = std::string("run/") + ledger_name;

}  // namespace

result<simulated_ledger> simulated_ledger::open(simulated_disk& disk, const job_facts& facts) {
  simulated_ledger made(disk);
  const auto there = disk.read(path);
  if (there.ok()) {
    ARGOSY_ASSIGN(made.end_, read_ledger(*there, made.past_));
  }
  if (made.end_ == 0) {
    ARGOSY_TRY(made.append(ledger_beginning()));
    ARGOSY_TRY(disk.sync(path));
    ARGOSY_TRY(disk.sync_folder("run"));
  }
  ARGOSY_TRY(disk.truncate(path, made.end_));
  std::vector<std::byte> records;
  if (made.past_.facts.job == 0) {
    made.past_.facts = facts;
    ARGOSY_TRY(add_record(record_of(facts), records));
  }
  ARGOSY_TRY(add_record(record_of_term(++made.past_.term), records));
  ARGOSY_TRY(made.append(records));
  return made;
}

// What a failed write left is cut off.
status simulated_ledger::append(std::span<const std::byte> bytes) {
  if (status wrote = disk_->write(path, end_, bytes); !wrote.ok()) {
    if (disk_->has(path)) ARGOSY_TRY(disk_->truncate(path, end_));
    return wrote;
  }
  end_ += bytes.size();
  return {};
}

result<bool> simulated_ledger::write(std::vector<job_entry>& entries) {
  const bool waits = std::ranges::any_of(entries, [](const job_entry& one) { return one.kind != job_entry::what::step; });
  std::vector<std::byte> records;
  for (const job_entry& entry : entries) ARGOSY_TRY(add_record(record_of(entry), records));
  ARGOSY_TRY(append(records));
  entries.clear();
  return waits;
}

void simulated_ledger::sync() { (void)disk_->sync(path); }

result<ledger_content> read_ledger(const simulated_disk& disk) {
  ledger_content content;
  ARGOSY_ASSIGN(const auto bytes, disk.read(path));
  ARGOSY_ASSIGN([[maybe_unused]] const auto end, read_ledger(bytes, content));
  return content;
}

}  // namespace argosy
