#include "actors/step_log.hpp"

#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <system_error>

#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

status refused(const fs::path& path, int error) { return {errc::io_error, path.string() + ": " + std::generic_category().message(error)}; }

std::optional<std::uint64_t> step_of(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto step = object.find("step");
  return step != object.end() && step->is_number_unsigned() ? std::optional(step->get<std::uint64_t>()) : std::nullopt;
}

result<std::string> lines_before(const fs::path& path, std::uint64_t end, const step_log::line_reader& show) {
  auto whole = read_file(path, std::numeric_limits<std::uint64_t>::max());
  std::string kept;
  if (end == 0 || whole.failure().code() == errc::not_found) return kept;
  if (!whole.ok()) return whole.failure();
  std::string line;
  for (std::istringstream in(std::move(whole).value()); std::getline(in, line);) {
    const auto step = step_of(line);
    if (!step || *step >= end) continue;
    if (show) ARGOSY_TRY(show(*step, line).within(path.string()));
    kept += line + '\n';
  }
  return kept;
}

}  // namespace

result<step_log> step_log::open(const fs::path& path, std::uint64_t end, const line_reader& show) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return status{errc::io_error, path.parent_path().string() + ": " + error.message()};
  ARGOSY_ASSIGN(const std::string kept, lines_before(path, end, show));
  ARGOSY_TRY(replace_file(path, kept));
  return append_to(path);
}

result<step_log> step_log::append_to(const fs::path& path) {
  std::unique_ptr<std::FILE, closer> file(std::fopen(path.c_str(), "ab"));
  if (!file) return refused(path, errno);
  return step_log(path, std::move(file));
}

status step_log::write(std::string_view line) {
  const auto whole = std::string(line) + '\n';
  if (std::fwrite(whole.data(), 1, whole.size(), file_.get()) != whole.size() || std::fflush(file_.get()) != 0)
    return refused(path_, errno);
  return {};
}

}  // namespace argosy
