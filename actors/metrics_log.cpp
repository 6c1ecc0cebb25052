#include "actors/metrics_log.hpp"

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

bool is_before(const std::string& line, std::uint64_t first_step) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return false;
  const auto step = object.find("step");
  return step != object.end() && step->is_number_unsigned() && step->get<std::uint64_t>() < first_step;
}

result<std::string> kept_lines(const fs::path& path, std::uint64_t first_step) {
  auto whole = read_file(path, std::numeric_limits<std::uint64_t>::max());
  if (first_step == 0 || whole.failure().code() == errc::not_found) return std::string();
  if (!whole.ok()) return whole.failure();
  std::string kept, line;
  for (std::istringstream in(std::move(whole).value()); std::getline(in, line);)
    if (is_before(line, first_step)) kept += line + '\n';
  return kept;
}

}  // namespace

std::string metrics_line(const training_progress& p) {
  const step_report& r = p.report;
  nlohmann::ordered_json object = {{"step", r.step},
                                   {"of", p.of},
                                   {"phase", name_of(r.phase)},
                                   {"loss", r.loss},
                                   {"rate", r.rate},
                                   {"gradient_norm", r.gradient_norm},
                                   {"scale", r.scale},
                                   {"negatives_product", r.negatives_product},
                                   {"negatives_bank", r.negatives_bank},
                                   {"hardness_product", r.hardness_product},
                                   {"hardness_bank", r.hardness_bank},
                                   {"gate_image", r.gate_image},
                                   {"pairs", r.pairs},
                                   {"tokens", r.tokens},
                                   {"real_tokens", 1.0},  // packed: no row is computed for padding
                                   {"pairs_per_s", p.pairs_per_s},
                                   {"tokens_per_s", p.tokens_per_s},
                                   {"data_wait_s", p.data_wait_s},
                                   {"step_s", p.step_s},
                                   {"forward_s", r.forward_s},
                                   {"match_s", r.match_s},
                                   {"backward_s", r.backward_s},
                                   {"exchange_s", r.exchange_s},
                                   {"update_s", r.update_s}};
  for (std::size_t t = 0; t < task_count; ++t) object["loss_" + std::string(name_of(static_cast<task>(t)))] = r.task_loss[t];
  return object.dump();
}

result<metrics_log> metrics_log::open(const fs::path& run, std::uint64_t first_step) {
  std::error_code error;
  fs::create_directories(run, error);
  if (error) return status{errc::io_error, run.string() + ": " + error.message()};
  const auto path = run / "metrics.jsonl";
  ARGOSY_ASSIGN(const std::string kept, kept_lines(path, first_step));
  ARGOSY_TRY(replace_file(path, kept));
  return append_to(path);
}

result<metrics_log> metrics_log::append_to(const fs::path& path) {
  std::unique_ptr<std::FILE, closer> file(std::fopen(path.c_str(), "ab"));
  if (!file) return refused(path, errno);
  return metrics_log(path, std::move(file));
}

status metrics_log::write(const training_progress& p) {
  const auto line = metrics_line(p) + '\n';
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() || std::fflush(file_.get()) != 0) return refused(path_, errno);
  return {};
}

}  // namespace argosy
