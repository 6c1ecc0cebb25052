#include "actors/metrics_line.hpp"

#include <nlohmann/json.hpp>

namespace argosy {

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
                                   {"idle_s", p.idle_s},
                                   {"data_wait_s", p.data_wait_s},
                                   {"step_s", p.step_s},
                                   {"forward_s", r.forward_s},
                                   {"match_s", r.match_s},
                                   {"backward_s", r.backward_s},
                                   {"exchange_s", r.exchange_s()},
                                   {"gather_s", r.gather_s},
                                   {"reduce_s", r.reduce_s},
                                   {"wait_s", r.wait_s},
                                   {"update_s", r.update_s}};
  for (std::size_t t = 0; t < task_count; ++t) object["loss_" + std::string(name_of(static_cast<task>(t)))] = r.task_loss[t];
  return object.dump();
}

}  // namespace argosy
