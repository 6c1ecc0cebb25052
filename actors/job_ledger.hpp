// The ledger of a job of many nodes: RUN/ledger.journal (schema/journal.hpp), records of JSON. What coordinators before wrote is where the next
// one goes on. Only one holds it: it is locked while it is open.
//   job         {"job", "of", "data", "recipe", "initial"}   the first
//   term        {"term"}                                     a coordinator began
//   group, step, checkpoint, lost, end                       actors/job_book.hpp, job_entry
// Threads  one.   Errors  unavailable: another coordinator has it; invalid_argument: of another job; corrupt; io_error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "actors/job_book.hpp"
#include "actors/job_greeting.hpp"
#include "schema/journal.hpp"

namespace argosy {

inline constexpr const char* ledger_name = "ledger.journal";

// What is written there.
struct ledger_content {
  job_facts facts;
  std::uint32_t term = 0;  // the last
  std::vector<job_entry> entries;
};
result<ledger_content> read_ledger(const std::filesystem::path& run);

// Its bytes without a file: how they begin, each record (schema/journal.hpp, add_record), and where the last whole one ends that is there.
using ledger_record = std::vector<std::byte>;
std::vector<std::byte> ledger_beginning();
ledger_record record_of(const job_facts&);
ledger_record record_of_term(std::uint32_t);
ledger_record record_of(const job_entry&);
result<std::uint64_t> read_ledger(std::span<const std::byte>, ledger_content& to);

class job_ledger {
public:
  // Begins a job with `facts`, whose number is drawn, or goes on with the one that is there. The term is this coordinator's, and on the disk.
  static result<job_ledger> open(const std::filesystem::path& run, const job_facts& facts);
  const ledger_content& past() const noexcept { return past_; }  // with the term
  // Takes out what it has written; on the disk when one of them is not of a step.
  status write(std::vector<job_entry>&);

private:
  job_ledger(journal file, ledger_content past) : file_(std::move(file)), past_(std::move(past)) {}
  journal file_;
  ledger_content past_;
};

}  // namespace argosy
