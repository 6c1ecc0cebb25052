#include "actors/step_log.hpp"

#include <cerrno>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

status refused(const fs::path& path, int error) { return {errc::io_error, path.string() + ": " + std::generic_category().message(error)}; }

bool is_before(const std::string& line, std::uint64_t end) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return false;
  const auto step = object.find("step");
  return step != object.end() && step->is_number_unsigned() && step->get<std::uint64_t>() < end;
}

result<std::string> kept_lines(const fs::path& path, std::uint64_t end) {
  auto whole = read_file(path, std::numeric_limits<std::uint64_t>::max());
  if (end == 0 || whole.failure().code() == errc::not_found) return std::string();
  if (!whole.ok()) return whole.failure();
  std::string kept, line;
  for (std::istringstream in(std::move(whole).value()); std::getline(in, line);)
    if (is_before(line, end)) kept += line + '\n';
  return kept;
}

}  // namespace

result<step_log> step_log::open(const fs::path& path, std::uint64_t end) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return status{errc::io_error, path.parent_path().string() + ": " + error.message()};
  ARGOSY_ASSIGN(const std::string kept, kept_lines(path, end));
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
