#include "actors/job_ledger.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr file_kind ledger_kind{"job-ledger", 1};
constexpr std::pair<job_entry::what, const char*> names[] = {{job_entry::what::group, "group"},
                                                             {job_entry::what::step, "step"},
                                                             {job_entry::what::checkpoint, "checkpoint"},
                                                             {job_entry::what::lost, "lost"},
                                                             {job_entry::what::end, "end"}};

ledger_record record_of(const json& object) {
  const std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

json object_of(const job_entry& entry) {
  const auto named = std::ranges::find(names, entry.kind, &std::pair<job_entry::what, const char*>::first);
  json object = {{"what", named->second}, {"group", entry.group}, {"steps", entry.mark.steps_done}};
  if (entry.mark.lineage != 0) object["lineage"] = entry.mark.lineage;
  if (!entry.members.empty()) object["nodes"] = entry.members;
  if (entry.kind == job_entry::what::step) object["pairs"] = entry.pairs;
  if (!entry.why.empty()) object["why"] = entry.why;
  return object;
}

status take_record_of(const json& object, ledger_content& to) {
  const std::string what = object.at("what").get<std::string>();
  if (what == "job") {
    to.facts = {object.at("job").get<std::uint64_t>(), object.at("of").get<std::uint64_t>(), object.at("data").get<std::uint64_t>(),
                object.at("recipe").get<std::string>(), object.value("initial", std::uint64_t{0})};
    return {};
  }
  if (what == "term") {
    to.term = object.at("term").get<std::uint32_t>();
    return {};
  }
  const auto named = std::ranges::find_if(names, [&](const auto& one) { return what == one.second; });
  if (named == std::end(names)) return {errc::corrupt, "what: want a record of a ledger, got `" + what + "`"};
  job_entry entry{.kind = named->first,
                  .group = object.at("group").get<std::uint64_t>(),
                  .mark = {object.at("steps").get<std::uint64_t>(), object.value("lineage", std::uint64_t{0})},
                  .members = object.value("nodes", std::vector<std::string>{}),
                  .pairs = object.value("pairs", std::uint64_t{0}),
                  .why = object.value("why", std::string())};
  to.entries.push_back(std::move(entry));
  return {};
}

take_record into(ledger_content& content) {
  return [&content](std::uint64_t offset, std::span<const std::byte> bytes) -> status {
    const auto at = [offset] { return "record at byte " + std::to_string(offset); };
    try {
      return take_record_of(json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())), content).within(at());
    } catch (const json::exception& why) {
      return status{errc::corrupt, at() + ": " + why.what()};
    }
  };
}

std::uint64_t drawn_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) | 1;
}

}  // namespace

std::vector<std::byte> ledger_beginning() { return journal_beginning(ledger_kind); }

ledger_record record_of(const job_facts& facts) {
  json object = {{"what", "job"}, {"job", facts.job}, {"of", facts.of}, {"data", facts.data_fingerprint}, {"recipe", facts.recipe}};
  if (facts.initial != 0) object["initial"] = facts.initial;
  return record_of(object);
}
ledger_record record_of_term(std::uint32_t term) { return record_of(json{{"what", "term"}, {"term", term}}); }
ledger_record record_of(const job_entry& entry) { return record_of(object_of(entry)); }

result<std::uint64_t> read_ledger(std::span<const std::byte> bytes, ledger_content& content) {
  return read_journal(bytes, ledger_kind, into(content));
}

result<ledger_content> read_ledger(const fs::path& run) {
  ledger_content content;
  const auto read = read_journal(run / ledger_name, ledger_kind, into(content));
  if (!read.ok()) return read.failure();
  if (content.facts.job == 0) return status{errc::not_found, (run / ledger_name).string() + ": no job has begun in it"};
  return content;
}

result<job_ledger> job_ledger::open(const fs::path& run, const job_facts& facts) {
  ledger_content past;
  auto file = journal::open(run / ledger_name, ledger_kind, into(past));
  if (!file.ok()) return file.failure();
  std::vector<ledger_record> records;
  if (past.facts.job == 0) {
    past.facts = facts;
    past.facts.job = drawn_number();
    records.push_back(record_of(past.facts));
  }
  records.push_back(record_of_term(++past.term));
  ARGOSY_TRY(file->append_all(records));
  return job_ledger(std::move(*file), std::move(past));
}

status job_ledger::write(std::vector<job_entry>& entries) {
  std::vector<ledger_record> records;
  bool waits = false;
  for (const job_entry& entry : entries) {
    records.push_back(record_of(entry));
    waits |= entry.kind != job_entry::what::step;
  }
  if (waits) {
    ARGOSY_TRY(file_.append_all(records));
    entries.clear();
  }
  for (; !entries.empty(); entries.erase(entries.begin())) ARGOSY_TRY(file_.append(record_of(entries.front())));
  return {};
}

}  // namespace argosy
