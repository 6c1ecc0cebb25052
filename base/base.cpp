#include "base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "base/check.hpp"
#include "base/random.hpp"
#include "base/status.hpp"

namespace argosy {

std::string_view name_of(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "invalid argument";
    case errc::shape_mismatch: return "shape mismatch";
    case errc::not_found: return "not found";
    case errc::corrupt: return "corrupt";
    case errc::version_mismatch: return "version mismatch";
    case errc::io_error: return "input/output error";
    case errc::out_of_range: return "out of range";
    case errc::aborted: return "aborted";
    case errc::unavailable: return "unavailable";
    case errc::internal: return "internal error";
  }
  return "unknown";
}

std::string status::text() const {
  if (ok()) return "ok";
  return std::string(name_of(code_)) + ": " + message_;
}

status status::within(std::string_view prefix) const {
  if (ok()) return *this;
  return {code_, std::string(prefix) + ": " + message_};
}

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: this is a bug in argosy: %s does not hold\n", file, line, condition);
  std::abort();
}

double random_normal(draw_key key, std::uint32_t pair, std::uint32_t element) noexcept {
  constexpr double unit = 0x1.0p-32;
  const double radius = (random_bits(key, pair, 2 * element) + 1.0) * unit;
  const double angle = random_bits(key, pair, 2 * element + 1) * unit;
  return std::sqrt(-2.0 * std::log(radius)) * std::cos(2.0 * std::numbers::pi * angle);
}

double random_gumbel(draw_key key, std::uint32_t pair, std::uint32_t element) noexcept {
  const double uniform = (random_bits(key, pair, element) + 0.5) * 0x1.0p-32;
  return -std::log(-std::log(uniform));
}

namespace log {
namespace {

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("argosy", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%^%l%$ %v");
    return made;
  }();
  return *logger;
}

bool json = false;

// What stands between the braces.
std::string members(std::string_view text, std::initializer_list<field> fields) {
  nlohmann::ordered_json object{{"message", text}};
  for (const field& one : fields) std::visit([&](const auto& value) { object[std::string(one.name)] = value; }, one.value);
  const std::string whole = object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return whole.substr(1, whole.size() - 2);
}

std::string line(std::string_view text, std::initializer_list<field> fields) {
  if (json) return members(text, fields);
  std::ostringstream out;
  out << text;
  for (const field& one : fields) {
    out << ' ' << one.name << '=';
    std::visit([&](const auto& value) { out << nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); },
               one.value);
  }
  return out.str();
}

}  // namespace

void info(std::string_view text, std::initializer_list<field> fields) { sink().info(line(text, fields)); }
void warning(std::string_view text, std::initializer_list<field> fields) { sink().warn(line(text, fields)); }
void write_json() {
  json = true;
  sink().set_formatter(
      std::make_unique<spdlog::pattern_formatter>(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc));
}
void enable(bool wanted) { sink().set_level(wanted ? spdlog::level::info : spdlog::level::off); }

}  // namespace log
}  // namespace argosy
