#include "tools/index_peers.hpp"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "schema/folder.hpp"
#include "tools/npy.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

status lay_out(const fs::path& folder, const_view vectors, const_view queries, const exact_rows& exact, std::size_t k) {
  const auto values = [](const_view rows) { return std::span(rows.row<float>(0), static_cast<std::size_t>(rows.rows * rows.cols)); };
  std::vector<std::int64_t> truth;
  for (const auto& rows : exact) truth.insert(truth.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(k));
  ARGOSY_TRY(replace_file(folder / "vectors.npy", npy_of(values(vectors), vectors.cols)));
  ARGOSY_TRY(replace_file(folder / "queries.npy", npy_of(values(queries), queries.cols)));
  return replace_file(folder / "truth.npy", npy_of(truth, static_cast<std::int64_t>(k)));
}

std::string command_of(const peers_job& job) {
  std::string line = quoted(job.python) + " " + quoted(job.script.string());
  for (const char* name : {"vectors", "queries", "truth"})
    line += std::string(" --") + name + " " + quoted((job.folder / (std::string(name) + ".npy")).string());
  line += " -k " + std::to_string(job.k) + " --threads " + std::to_string(job.threads);
  return job.only.empty() ? line : line + " --only " + quoted(job.only);
}

// Every point needs all of its figures.
result<measured_index> point_of(const nlohmann::json& line) {
  try {
    return measured_index{line.at("index"),   line.at("setting"), line.at("recall"), line.at("qps"), line.at("bytes_per_vector"),
                          line.at("build_s"), line.at("open_s")};
  } catch (const nlohmann::json::exception& wrong) {
    return status(errc::corrupt, std::string("a point of the peers: ") + wrong.what());
  }
}

}  // namespace

result<std::vector<measured_index>> run_peers(const peers_job& job, const_view vectors, const_view queries, const exact_rows& exact,
                                              const std::function<void(const std::string& name, const std::string& why)>& absent) {
  ARGOSY_TRY(lay_out(job.folder, vectors, queries, exact, job.k));
  const auto close = [](FILE* pipe) { ::pclose(pipe); };
  std::unique_ptr<FILE, decltype(close)> pipe(::popen(command_of(job).c_str(), "r"), close);
  if (!pipe) return status(errc::unavailable, job.python + ": could not be started");
  std::vector<measured_index> found;
  std::string line;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    const auto read = nlohmann::json::parse(line, nullptr, false);
    if (!read.is_object()) return status(errc::corrupt, job.script.string() + ": want a JSON object a line, found " + line);
    line.clear();
    if (read.contains("absent")) {
      absent(read.value("index", ""), read.value("absent", ""));
      continue;
    }
    ARGOSY_ASSIGN(measured_index point, point_of(read));
    found.push_back(std::move(point));
  }
  if (const int end = ::pclose(pipe.release()); end != 0)
    return status(errc::unavailable, command_of(job) + ": ended with " + std::to_string(end));
  return found;
}

}  // namespace argosy
