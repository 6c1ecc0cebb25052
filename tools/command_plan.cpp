#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "data/prepared.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/plan_hardware.hpp"
#include "tools/step_model.hpp"

namespace argosy {
namespace {

struct planned {
  job_size size;
  step_forecast forecast;
  double pairs = 0, epochs = 0;  // pairs 0: not told, so there are no hours

  double step_pairs() const { return static_cast<double>(size.ranks) * static_cast<double>(size.pairs_per_rank); }
  double steps() const { return std::ceil(pairs * epochs / step_pairs()); }
  double hours() const { return steps() * forecast.mean_step_s() / 3600; }
};

std::string milliseconds(double seconds) { return fixed(seconds * 1e3, 1); }
std::string gigabytes(double bytes) { return fixed(bytes / 1e9, 2); }
std::string whole(double number) { return grouped(static_cast<std::uint64_t>(number)); }

nlohmann::ordered_json object_of(const step_time& t) {
  return {{"step_s", t.total_s()}, {"compute_s", t.compute_s}, {"gather_s", t.gather_s}, {"reduce_s", t.reduce_s}, {"wait_s", t.wait_s}};
}

nlohmann::ordered_json object_of(const link_speed& link) { return {{"latency_s", link.latency_s}, {"bytes_per_s", link.bytes_per_s}}; }

nlohmann::ordered_json object_of(const hardware& h, bool measured) {
  return {{"measured", measured},          {"product_flops", h.product_flops},
          {"loss_flops", h.loss_flops},    {"memory_bytes", h.memory_bytes},
          {"row_bytes", h.row_bytes},      {"spread", h.spread},
          {"overlap", h.overlap},          {"algorithm", h.algorithm == exchange_algorithm::ring ? "ring" : "direct"},
          {"within", object_of(h.within)}, {"between", object_of(h.between)},
          {"per_machine", h.per_machine},  {"cores", h.cores},
          {"threads", h.threads},          {"crowded", h.crowded}};
}

nlohmann::ordered_json object_of(const planned& p) {
  const step_forecast& f = p.forecast;
  const auto if_told = [&](double number) { return p.pairs > 0 ? nlohmann::ordered_json(number) : nlohmann::ordered_json(); };
  return {{"gpus", p.size.ranks},
          {"pairs_a_step", p.step_pairs()},
          {"parameters", f.work.parameters},
          {"product_flops", f.work.product_flops},
          {"loss_flops", f.work.loss_flops},
          {"optimiser_bytes", f.work.optimiser_bytes},
          {"before_switch", object_of(f.own)},
          {"after_switch", object_of(f.crossing)},
          {"share_after_switch", f.share_crossing},
          {"pairs_per_s", f.pairs_per_s},
          {"efficiency", f.efficiency},
          {"steps", if_told(p.steps())},
          {"hours", if_told(p.hours())},
          {"negatives", {{"in_batch", f.negatives.in_batch}, {"cross_device", f.negatives.cross_device}, {"bank", f.negatives.bank}}},
          {"memory_bytes",
           {{"weights", f.memory.weights},
            {"gradients", f.memory.gradients},
            {"moments", f.memory.moments},
            {"activations", f.memory.activations},
            {"bank", f.memory.bank},
            {"gathered", f.memory.gathered},
            {"loss_tiles", f.memory.loss_tiles},
            {"total", f.memory.total()}}}};
}

void print_json(const std::vector<planned>& plans, const hardware& h, bool measured, std::ostream& out) {
  auto rows = nlohmann::ordered_json::array();
  for (const planned& p : plans) rows.push_back(object_of(p));
  out << nlohmann::ordered_json{{"hardware", object_of(h, measured)}, {"plans", rows}}.dump(2) << '\n';
}

void print_hardware(const plan_options& options, std::ostream& out) {
  if (!options.fit.empty()) {
    out << "Predicted by a model (docs/plan.md), with the hardware of " << options.fit.string() << "\n\n";
    return;
  }
  out << "Predicted by a model (docs/plan.md). ASSUMED, not measured: no GPU has been measured.\n";
  text_table table(true);
  for (const auto& [what, value] : lines_of(options.assumed)) table.add({"  " + what, value});
  table.print(out);
  out << '\n';
}

void print_times(const std::vector<planned>& plans, std::ostream& out) {
  out << "A step after the switch to all GPUs' products, in milliseconds; rate and hours are of all steps\n";
  text_table table;
  table.add({"GPUs", "step", "compute", "gather", "reduce", "wait", "before", "pairs/s", "efficiency", "hours"});
  for (const planned& p : plans) {
    const step_time& t = p.forecast.crossing;
    table.add({grouped(p.size.ranks), milliseconds(t.total_s()), milliseconds(t.compute_s), milliseconds(t.gather_s),
               milliseconds(t.reduce_s), milliseconds(t.wait_s), milliseconds(p.forecast.own.total_s()), whole(p.forecast.pairs_per_s),
               fixed(100 * p.forecast.efficiency, 1) + " %", p.pairs > 0 ? fixed(p.hours(), 2) : "-"});
  }
  table.print(out);
}

void print_negatives(const std::vector<planned>& plans, std::ostream& out) {
  out << "\nNegatives of a query after the switch, before masking\n";
  text_table table;
  table.add({"GPUs", "in batch", "cross-device", "bank"});
  for (const planned& p : plans) {
    const negatives_of_query& n = p.forecast.negatives;
    table.add({grouped(p.size.ranks), whole(n.in_batch), whole(n.cross_device), whole(n.bank)});
  }
  table.print(out);
}

void print_memory(const std::vector<planned>& plans, std::ostream& out) {
  out << "\nMemory of a GPU, GB\n";
  text_table table;
  table.add({"GPUs", "all", "weights", "gradients", "moments", "activations", "bank", "gathered", "loss tiles"});
  for (const planned& p : plans) {
    const rank_memory& m = p.forecast.memory;
    table.add({grouped(p.size.ranks), gigabytes(m.total()), gigabytes(m.weights), gigabytes(m.gradients), gigabytes(m.moments),
               gigabytes(m.activations), gigabytes(m.bank), gigabytes(m.gathered), gigabytes(m.loss_tiles)});
  }
  table.print(out);
}

void print_text(const std::vector<planned>& plans, const recipe& chosen, const plan_options& options, std::ostream& out) {
  const planned& first = plans.front();
  const step_work& work = first.forecast.work;
  out << options.recipe.string() << ": " << fixed(work.parameters / 1e6, 1) << " M parameters; " << grouped(options.pairs_per_gpu)
      << " pairs a GPU; " << fixed(work.flops() / 1e12, 1) << " TFLOP a step and GPU of " << grouped(first.size.ranks)
      << "; the switch after " << fixed(100 * chosen.negatives.cross_device_start, 0) << " % of the steps\n";
  print_hardware(options, out);
  print_times(plans, out);
  out << (options.pairs > 0 ? "Hours: " + fixed(first.epochs, 1) + " epochs of " + grouped(options.pairs) + " pairs\n"
                            : std::string("No hours: --pairs was not told\n"));
  print_negatives(plans, out);
  print_memory(plans, out);
}

result<data_shape> shape_of(const std::filesystem::path& folder) {
  data_shape shape;
  if (folder.empty()) return shape;
  ARGOSY_ASSIGN(const prepared_data data, prepared_data::open(folder));
  shape.inputs = inputs_of(data);
  return shape;
}

}  // namespace

status run_plan(const plan_options& options, const console& io) {
  ARGOSY_ASSIGN(const recipe chosen, load_recipe(options.recipe, options.overrides));
  ARGOSY_ASSIGN(const data_shape shape, shape_of(options.data));
  hardware on = hardware_of(options.assumed);
  if (!options.fit.empty()) {
    ARGOSY_ASSIGN(on, read_hardware(options.fit));
  }
  std::vector<planned> plans;
  for (const std::uint64_t gpus : options.gpus) {
    planned p{.size = {gpus, options.pairs_per_gpu}, .forecast = {}, .pairs = static_cast<double>(options.pairs)};
    p.epochs = options.epochs > 0 ? options.epochs : chosen.train.epochs;
    ARGOSY_ASSIGN(p.forecast, forecast(chosen, shape, p.size, on));
    plans.push_back(p);
  }
  if (options.json) {
    print_json(plans, on, !options.fit.empty(), io.out);
  } else {
    print_text(plans, chosen, options, io.out);
  }
  return {};
}

}  // namespace argosy
