#include "tools/plan_hardware.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "schema/folder.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

using json = nlohmann::json;

constexpr std::uint64_t most_bytes = 1 << 20;

status wrong(std::string_view key, std::string_view wanted, const std::string& got) {
  return {errc::corrupt, std::string(key) + ": want " + std::string(wanted) + ", got " + got};
}

status take(const json& object, const char* key, double& to, bool needed) {
  const auto found = object.find(key);
  if (found == object.end()) return needed ? wrong(key, "a number", "nothing") : status{};
  if (!found->is_number()) return wrong(key, "a number", found->dump());
  to = found->get<double>();
  return {};
}

status take(const json& object, const char* key, std::uint64_t& to) {
  const auto found = object.find(key);
  if (found == object.end()) return wrong(key, "a whole number", "nothing");
  if (!found->is_number_unsigned()) return wrong(key, "a whole number", found->dump());
  to = found->get<std::uint64_t>();
  return {};
}

status know(const json& object, std::span<const std::string_view> keys) {
  for (const auto& [key, value] : object.items())
    if (std::ranges::find(keys, key) == keys.end()) return {errc::corrupt, "unknown key " + key};
  return {};
}

status take(const json& object, const char* key, link_speed& to) {
  constexpr std::array<std::string_view, 2> keys{"latency_s", "bytes_per_s"};
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return wrong(key, "an object", found == object.end() ? "nothing" : found->dump());
  const auto of_link = [&](const status& how) { return how.ok() ? status{} : how.within(key); };
  ARGOSY_TRY(of_link(know(*found, keys)));
  ARGOSY_TRY(of_link(take(*found, "latency_s", to.latency_s, true)));
  return of_link(take(*found, "bytes_per_s", to.bytes_per_s, true));
}

status take_algorithm(const json& object, exchange_algorithm& to) {
  const auto found = object.find("algorithm");
  if (found == object.end()) return wrong("algorithm", "ring or direct", "nothing");
  if (*found != "ring" && *found != "direct") return wrong("algorithm", "ring or direct", found->dump());
  to = *found == "ring" ? exchange_algorithm::ring : exchange_algorithm::direct;
  return {};
}

result<hardware> hardware_in(const std::string& text) {
  constexpr std::array<std::string_view, 13> keys{"product_flops", "loss_flops", "memory_bytes", "row_bytes", "spread",
                                                  "overlap",       "algorithm",  "within",       "between",   "per_machine",
                                                  "cores",         "threads",    "crowded"};
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return status(errc::corrupt, "want one JSON object");
  ARGOSY_TRY(know(object, keys));
  hardware h;
  ARGOSY_TRY(take(object, "product_flops", h.product_flops, true));
  ARGOSY_TRY(take(object, "loss_flops", h.loss_flops, true));
  ARGOSY_TRY(take(object, "memory_bytes", h.memory_bytes, true));
  ARGOSY_TRY(take(object, "row_bytes", h.row_bytes, true));
  for (const auto& [key, to] :
       {std::pair{"spread", &h.spread}, {"overlap", &h.overlap}, {"cores", &h.cores}, {"threads", &h.threads}, {"crowded", &h.crowded}})
    ARGOSY_TRY(take(object, key, *to, false));
  ARGOSY_TRY(take_algorithm(object, h.algorithm));
  ARGOSY_TRY(take(object, "within", h.within));
  h.between = h.within;
  if (object.contains("between")) ARGOSY_TRY(take(object, "between", h.between));
  ARGOSY_TRY(take(object, "per_machine", h.per_machine));
  return h;
}

}  // namespace

hardware hardware_of(const gpu_assumptions& g) noexcept {
  return {.product_flops = g.peak_tflops * 1e12 * g.share,
          .loss_flops = g.loss_tflops * 1e12 * g.share,
          .memory_bytes = g.memory_tbs * 1e12,
          .row_bytes = 2,
          .spread = g.spread,
          .overlap = g.overlap,
          .algorithm = exchange_algorithm::ring,
          .within = {g.within_us * 1e-6, g.within_gbs * 1e9},
          .between = {g.between_us * 1e-6, std::min(g.between_gbs, g.within_gbs) * 1e9},
          .per_machine = g.per_machine};
}

std::vector<std::pair<std::string, std::string>> lines_of(const gpu_assumptions& g) {
  return {{"products, bfloat16", fixed(g.peak_tflops, 0) + " TFLOP/s"},
          {"products of the losses, TF32", fixed(g.loss_tflops, 0) + " TFLOP/s"},
          {"share of them that is reached", fixed(100 * g.share, 0) + " %"},
          {"memory", fixed(g.memory_tbs, 1) + " TB/s"},
          {"link within a machine", fixed(g.within_gbs, 0) + " GB/s, " + fixed(g.within_us, 1) + " us"},
          {"link between machines, all of one's", fixed(g.between_gbs, 0) + " GB/s, " + fixed(g.between_us, 1) + " us"},
          {"GPUs of a machine", grouped(g.per_machine)},
          {"spread of the GPUs' compute", fixed(100 * g.spread, 1) + " %"},
          {"reduction hidden behind backward", fixed(100 * g.overlap, 0) + " %"}};
}

result<hardware> read_hardware(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(const std::string text, read_file(path, most_bytes));
  auto h = hardware_in(text);
  if (!h.ok()) return h.failure().within(path.string());
  return h;
}

}  // namespace argosy
