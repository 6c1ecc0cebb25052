#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <thread>

#include "actors/job_road.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds patience{3}, between{1};

// What came from the network is shown as it is, without the bytes that move a cursor.
std::string cell(const json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end() || found->is_null()) return "-";
  std::string text = found->is_string()         ? found->get<std::string>()
                     : found->is_number_float() ? fixed(found->get<double>(), 1)
                                                : found->dump();
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; });
  return text;
}

void print_table(const json& all, std::ostream& out) {
  const std::vector<std::pair<const char*, const char*>> columns = {{"rank", "rank"},
                                                                    {"node", "name"},
                                                                    {"phase", "phase"},
                                                                    {"step", "step"},
                                                                    {"pairs/s", "pairs_per_s"},
                                                                    {"slowest", "slowest"},
                                                                    {"heard s ago", "heard_s_ago"}};
  std::vector<std::vector<std::string>> rows{{}};
  for (const auto& [title, name] : columns) rows[0].emplace_back(title);
  for (const json& node : all.value("nodes", json::array())) {
    auto& row = rows.emplace_back();
    for (const auto& [title, name] : columns) row.push_back(cell(node, name));
  }
  out << cell(all, "phase") << ", step " << cell(all, "step") << " of " << cell(all, "of") << ", loss " << cell(all, "loss") << ", "
      << cell(all, "pairs_per_s") << " pairs/s, checkpoint after " << cell(all, "checkpoint") << ", term " << cell(all, "term")
      << ", group " << cell(all, "group") << '\n';
  if (const json unsaved = all.value("unsaved", json()); unsaved.is_object())
    out << "no checkpoint for " << cell(unsaved, "since_s") << " s, tried " << cell(unsaved, "times") << " times: " << cell(unsaved, "why")
        << '\n';
  if (const json ledger = all.value("ledger", json()); !ledger.is_null())
    out << "nothing goes on until the ledger can be written: " << cell(all, "ledger") << '\n';
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::size_t width = 0;
      for (const auto& other : rows) width = std::max(width, other[i].size());
      line += row[i] + std::string(i + 1 == row.size() ? 0 : width - row[i].size() + 2, ' ');
    }
    out << line << '\n';
  }
}

}  // namespace

status run_status(const status_options& options, const console& io) {
  do {
    ARGOSY_ASSIGN(const std::string text, ask_standing(options.at, options.credentials, patience));
    const json all = json::parse(text, nullptr, false);
    if (!all.is_object()) return {errc::corrupt, options.at + ": want how a job stands, got something else"};
    if (options.json)
      io.out << text << '\n';
    else
      print_table(all, io.out);
    io.out.flush();
    if (!options.watch) break;
    io.out << '\n';
    std::this_thread::sleep_for(between);
  } while (!io.stop.stop_requested());
  return {};
}

}  // namespace argosy
