#include "model/replica.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/adamw.hpp"
#include "kernels/qpm_loss.hpp"

namespace argosy {
namespace {

template <class T>
double sum_of(const_view v) {
  double sum = 0;
  for (std::int64_t r = 0; r < v.rows; ++r) sum = std::accumulate(v.row<T>(r), v.row<T>(r) + v.cols, sum);
  return sum;
}

double total(const_view v) { return v.type == dtype::f32 ? sum_of<float>(v) : sum_of<double>(v); }

void write_row(view to, std::span<const float> from) {
  if (to.type == dtype::f32)
    std::ranges::copy(from, to.as<float>());
  else
    std::ranges::copy(from, to.as<double>());
}

// torch's clip_grad_norm_: gradients are scaled by clip / (norm + 1e-6) when their norm exceeds clip.
double clip_scale(double norm, double clip) { return norm > clip ? clip / (norm + 1e-6) : 1; }

}  // namespace

struct replica::impl {
  impl(device& dev, const recipe& of, retrieval_model made) : on(&dev), r(of), model(std::move(made)) {}

  device* on;
  recipe r;
  retrieval_model model;
  const_view query, product;
  tensor log_p, loss, lse, share_product, share_bank, d_query, d_columns;
  std::vector<std::int32_t> own, negatives_product, negatives_bank;

  status prepare_outputs(std::int64_t queries, std::int64_t columns) {
    for (auto* t : {&loss, &lse, &share_product, &share_bank}) ARGOSY_TRY(t->resize(*on, 1, queries));
    ARGOSY_TRY(d_query.resize(*on, queries, model.width()));
    ARGOSY_TRY(d_columns.resize(*on, columns, model.width()));
    negatives_product.resize(static_cast<std::size_t>(queries));
    negatives_bank.resize(static_cast<std::size_t>(queries));
    return {};
  }
};

replica::replica(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
replica::replica(replica&&) noexcept = default;
replica& replica::operator=(replica&&) noexcept = default;
replica::~replica() = default;

result<replica> replica::make(device& dev, const recipe& r, const model_inputs& in) {
  ARGOSY_ASSIGN(auto model, retrieval_model::make(dev, r.model, in, r.negatives.scale, r.train.seed));
  return replica(std::make_unique<impl>(dev, r, std::move(model)));
}

result<product_columns> replica::forward(const batch& b, const step_plan& plan) {
  auto& m = *impl_;
  m.model.weights().zero_gradients(*m.on);
  const retrieval_model::pass pass{true, m.r.train.seed, plan.step, b.first_pair};
  ARGOSY_ASSIGN(m.query, m.model.embed_queries(b.query, pass));
  ARGOSY_ASSIGN(m.product, m.model.embed_products(b.product, pass));
  ARGOSY_TRY(m.log_p.resize(*m.on, 1, static_cast<std::int64_t>(b.size())));
  write_row(m.log_p, b.product.log_p);
  return product_columns{m.product, b.product.product, m.log_p};
}

result<match_report> replica::match(const batch& b, const product_columns& columns, std::int64_t first_own, const bank_view& bank,
                                    std::int64_t count) {
  auto& m = *impl_;
  const auto queries = static_cast<std::int64_t>(b.size());
  ARGOSY_TRY(m.prepare_outputs(queries, columns.embedding.rows));
  m.own.resize(b.size());
  std::iota(m.own.begin(), m.own.end(), static_cast<std::int32_t>(first_own));

  const auto limit = m.r.negatives.scale_limit;
  qpm_input in;
  in.query = m.query;
  in.product = columns.embedding;
  in.bank = bank.embedding;
  in.scale = m.model.scale(limit);
  in.weight_product = m.r.negatives.weight_product;
  in.weight_bank = m.r.negatives.weight_bank;
  in.product_id = columns.product;
  in.bank_id = bank.product;
  in.product_log_p = columns.log_p;
  in.bank_log_p = bank.log_p;
  in.own = m.own;
  in.known_offset = b.known_offset;
  in.known_product = b.known_product;
  const qpm_output out{m.loss, m.lse, m.share_product, m.share_bank, m.negatives_product, m.negatives_bank};
  ARGOSY_TRY(qpm_forward(*m.on, in, out));
  double d_scale = 0;
  ARGOSY_TRY(qpm_backward(*m.on, in, out, 1.0 / static_cast<double>(count), {m.d_query, m.d_columns, &d_scale}));
  m.model.add_scale_gradient(d_scale, limit);

  match_report report;
  report.loss = total(m.loss);
  report.negatives_product = std::accumulate(m.negatives_product.begin(), m.negatives_product.end(), 0.0);
  report.negatives_bank = std::accumulate(m.negatives_bank.begin(), m.negatives_bank.end(), 0.0);
  report.share_product = total(m.share_product);
  report.share_bank = total(m.share_bank);
  report.gate_image = total(m.model.gates().column_range(1, 1));
  return report;
}

view replica::column_gradient() noexcept { return impl_->d_columns; }

status replica::backward(const_view d_product) {
  auto& m = *impl_;
  ARGOSY_TRY(m.model.backward_queries(m.d_query));
  return m.model.backward_products(d_product);
}

result<update_report> replica::update(const step_plan& plan) {
  auto& m = *impl_;
  auto& weights = m.model.weights();
  double squares = 0;
  for (const int i : {0, 1}) {
    ARGOSY_ASSIGN(const double of_arena, sum_of_squares(*m.on, weights.arena_of(i).gradient));
    squares += of_arena;
  }
  const auto& o = m.r.optimiser;
  const double norm = std::sqrt(squares);
  for (const int i : {0, 1}) {
    auto& a = weights.arena_of(i);
    const adamw_settings settings{plan.rate,
                                  o.beta1,
                                  o.beta2,
                                  o.eps,
                                  a.decay ? o.weight_decay : 0,
                                  clip_scale(norm, o.clip),
                                  static_cast<std::int64_t>(plan.step) + 1};
    ARGOSY_TRY(adamw(*m.on, settings, a.gradient, a.value, a.first, a.second));
  }
  return update_report{norm, m.model.scale(m.r.negatives.scale_limit)};
}

retrieval_model& replica::model() noexcept { return impl_->model; }
const retrieval_model& replica::model() const noexcept { return impl_->model; }
device& replica::on() noexcept { return *impl_->on; }

}  // namespace argosy
