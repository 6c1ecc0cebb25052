#include "actors/train_step.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "data/image.hpp"

namespace argosy {
namespace {

// Rows that the encoders compute: pieces of queries and titles, and [CLS] and the patches of images that are there.
std::uint64_t tokens_of(const batch& b, const model_recipe& shape) {
  std::uint64_t tokens = b.query.token.size();
  if (shape.use_title) tokens += b.product.title.token.size();
  if (shape.use_image)
    tokens += static_cast<std::uint64_t>(std::ranges::count(b.product.image.present, std::uint8_t{1})) * (patches_per_image + 1);
  return tokens;
}

// Adds up the time between its calls.
class stopwatch {
public:
  explicit stopwatch(const clock_source& clock) : clock_(&clock), last_(clock.now()) {}
  void add_to(double& seconds) {
    const auto now = clock_->now();
    seconds += seconds_between(last_, now);
    last_ = now;
  }

private:
  const clock_source* clock_;
  steady_time last_;
};

status sum_over_ranks(collective& group, match_report& r) {
  std::array<double, 6> sums{r.loss, r.negatives_product, r.negatives_bank, r.share_product, r.share_bank, r.gate_image};
  ARGOSY_TRY(group.all_reduce(view_of(sums.data(), 1, std::ssize(sums))));
  r = {sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]};
  return {};
}

status sum_gradients(collective& group, parameters& weights) {
  for (const int i : {0, 1}) ARGOSY_TRY(group.all_reduce(weights.arena_of(i).gradient));
  return {};
}

status check_finite(double loss) {
  if (std::isfinite(loss)) return {};
  return {errc::out_of_range, "the loss is not finite (" + std::to_string(loss) + "): try a lower rate or a longer warm-up"};
}

void fill_means(step_report& report, const match_report& sums, double count) {
  report.loss = sums.loss / count;
  report.negatives_product = sums.negatives_product / count;
  report.negatives_bank = sums.negatives_bank / count;
  report.hardness_product = sums.share_product / count;
  report.hardness_bank = sums.share_bank / count;
  report.gate_image = sums.gate_image / count;
}

}  // namespace

step_runner::step_runner(replica& r, collective& group, const clock_source& clock) : replica_(&r), group_(&group), clock_(&clock) {}

status step_runner::gather(const product_columns& own, std::span<const std::int64_t> rows_of) {
  auto& on = replica_->on();
  const auto all = std::reduce(rows_of.begin(), rows_of.end());
  ARGOSY_TRY(gathered_.resize(on, all, own.embedding.cols));
  ARGOSY_TRY(gathered_log_p_.resize(on, 1, all));
  gathered_product_.resize(static_cast<std::size_t>(all));

  ARGOSY_TRY(group_->all_gather(own.embedding, rows_of, gathered_));
  const auto as_column = [](auto v, std::int64_t rows) { return decltype(v){v.data, v.type, rows, 1, 1}; };
  ARGOSY_TRY(group_->all_gather(as_column(own.log_p, own.embedding.rows), rows_of, as_column(gathered_log_p_.all(), all)));
  std::vector<std::int64_t> bytes_of(rows_of.begin(), rows_of.end());
  for (auto& bytes : bytes_of) bytes *= static_cast<std::int64_t>(sizeof(std::int64_t));
  return group_->all_gather(std::as_bytes(own.product), bytes_of, std::as_writable_bytes(std::span(gathered_product_)));
}

result<const_view> step_runner::own_gradient(std::span<const std::int64_t> rows_of) {
  const view all = replica_->column_gradient();
  ARGOSY_TRY(d_own_.resize(replica_->on(), rows_of[static_cast<std::size_t>(group_->rank())], all.cols));
  ARGOSY_TRY(group_->reduce_scatter(all, rows_of, d_own_));
  return const_view(d_own_);
}

result<step_result> step_runner::run(const batch& b, const step_plan& plan, const bank_view& bank) {
  const bool alone = group_->size() == 1;
  const bool gathers = !alone && crosses_devices(plan.phase);
  step_report report{
      .step = plan.step, .phase = plan.phase, .rate = plan.rate, .pairs = b.size(), .tokens = tokens_of(b, replica_->model().shape())};
  stopwatch watch(*clock_);

  ARGOSY_ASSIGN(product_columns columns, replica_->forward(b, plan));  // (B, P)
  watch.add_to(report.forward_s);

  std::vector<std::int64_t> rows_of{static_cast<std::int64_t>(b.size())};
  if (!alone) {
    ARGOSY_ASSIGN(rows_of, group_->gather_counts(rows_of[0]));
  }
  const auto count = std::reduce(rows_of.begin(), rows_of.end());
  if (gathers) {
    ARGOSY_TRY(gather(columns, rows_of));  // (M, P)
    columns = {gathered_, gathered_product_, gathered_log_p_};
  }
  watch.add_to(report.exchange_s);

  const auto first_own = gathers ? std::accumulate(rows_of.begin(), rows_of.begin() + group_->rank(), std::int64_t{0}) : 0;
  ARGOSY_ASSIGN(match_report sums, replica_->match(b, columns, first_own, bank, count));
  watch.add_to(report.match_s);

  if (!alone) ARGOSY_TRY(sum_over_ranks(*group_, sums));
  fill_means(report, sums, static_cast<double>(count));
  ARGOSY_TRY(check_finite(report.loss));
  const_view d_product = replica_->column_gradient();
  if (gathers) {
    ARGOSY_ASSIGN(d_product, own_gradient(rows_of));  // (B, P)
  }
  watch.add_to(report.exchange_s);

  ARGOSY_TRY(replica_->backward(d_product));
  watch.add_to(report.backward_s);
  if (!alone) ARGOSY_TRY(sum_gradients(*group_, replica_->model().weights()));
  watch.add_to(report.exchange_s);

  ARGOSY_ASSIGN(const update_report update, replica_->update(plan));
  watch.add_to(report.update_s);
  report.gradient_norm = update.gradient_norm;
  report.scale = update.scale;
  return step_result{report, columns};
}

}  // namespace argosy
