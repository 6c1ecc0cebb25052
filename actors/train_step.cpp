#include "actors/train_step.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

status check_finite(std::string_view what, double number) {
  if (std::isfinite(number)) return {};
  return {errc::out_of_range, std::string(what) + " is not finite (" + std::to_string(number) + "): try a lower rate or a longer warm-up"};
}

step_result without_its_loss(step_report report, const product_columns& pushed, const status& why) {
  report.loss = std::numeric_limits<double>::quiet_NaN();
  return {report, pushed, why};
}

}  // namespace

// Adds up the time between its calls.
class step_runner::stopwatch {
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

step_runner::step_runner(replica& r, collective& group, const recipe& chosen, const clock_source& clock)
    : replica_(&r), group_(&group), recipe_(&chosen), clock_(&clock) {
  const auto bucket_bytes = static_cast<std::int64_t>(chosen.train.bucket_kib) * 1024;
  if (group.size() > 1)
    gradients_.emplace(r.on(), r.model().weights(), retrieval_model::gradient_order(chosen), group, clock, bucket_bytes);
  if (group.size() > 1 && chosen.train.shard_moments) weights_.emplace(r.on(), r.model().weights(), group);
}

result<step_runner::layout> step_runner::lay_out(std::int64_t rows, phase now) {
  layout made{.rows_of = {rows}};
  made.alone = group_->size() == 1;
  if (made.alone) return made;
  ARGOSY_ASSIGN(made.rows_of, group_->gather_counts(rows));
  made.gathers = crosses_devices(now);
  made.fills_shared_bank = !made.gathers && recipe_->negatives.shared_bank && recipe_->negatives.bank > 0;
  if (made.gathers) made.first_own = std::accumulate(made.rows_of.begin(), made.rows_of.begin() + group_->rank(), std::int64_t{0});
  return made;
}

// So that the wait for a slower rank is told from the bytes' own time: every operation begins with such a round, here it is measured.
status step_runner::meet() { return group_->gather_counts(0).failure(); }

result<task_sums> step_runner::count(const batch& b, const step_plan& plan) {
  task_sums counts = replica_->count(b, plan);
  if (group_->size() > 1) ARGOSY_TRY(group_->all_reduce(view_of(counts.of.data(), 1, std::ssize(counts.of))));
  return counts;
}

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

result<const_view> step_runner::own_gradient(const layout& of) {
  const view all = replica_->column_gradient();
  if (!of.gathers) return const_view(all);
  ARGOSY_TRY(d_own_.resize(replica_->on(), of.rows_of[static_cast<std::size_t>(group_->rank())], all.cols));
  ARGOSY_TRY(group_->reduce_scatter(all, of.rows_of, d_own_));
  return const_view(d_own_);
}

status step_runner::sum_over_ranks(step_sums& s) {
  std::array<double, task_count + 5> sums{};
  std::ranges::copy(s.loss.of, sums.begin());
  const std::array<double*, 5> others{&s.negatives_product, &s.negatives_bank, &s.share_product, &s.share_bank, &s.gate_image};
  for (std::size_t i = 0; i < others.size(); ++i) sums[task_count + i] = *others[i];
  ARGOSY_TRY(group_->all_reduce(view_of(sums.data(), 1, std::ssize(sums))));
  std::copy_n(sums.begin(), task_count, s.loss.of.begin());
  for (std::size_t i = 0; i < others.size(); ++i) *others[i] = sums[task_count + i];
  return {};
}

status step_runner::backward(const batch& b, const_view d_product) {
  if (!gradients_) return replica_->backward(b, d_product);
  ARGOSY_TRY(gradients_->begin());
  status done = replica_->backward(b, d_product, [this](std::string_view name) { gradients_->complete(name); });
  if (!done.ok()) gradients_->abandon(done);
  return done;
}

void step_runner::fill_means(step_report& report, const step_sums& sums, const task_sums& counts) const {
  for (std::size_t t = 0; t < task_count; ++t) {
    const auto which = static_cast<task>(t);
    const double weight = weight_of(which, *recipe_);
    const double mean = counts[which] > 0 ? sums.loss[which] / counts[which] : 0;
    report.task_loss[t] = weight > 0 ? mean : std::numeric_limits<double>::quiet_NaN();
    report.loss += weight * mean;
  }
  const double pairs = counts[task::matching];
  report.negatives_product = sums.negatives_product / pairs;
  report.negatives_bank = sums.negatives_bank / pairs;
  report.hardness_product = sums.share_product / pairs;
  report.hardness_bank = sums.share_bank / pairs;
  report.gate_image = sums.gate_image / pairs;
}

result<step_result> step_runner::run(const batch& b, const step_plan& plan, const bank_view& bank) {
  step_report report{
      .step = plan.step, .phase = plan.phase, .rate = plan.rate, .pairs = b.size(), .tokens = tokens_of(b, replica_->model().shape())};
  stopwatch watch(*clock_);
  ARGOSY_ASSIGN(const layout of, lay_out(static_cast<std::int64_t>(b.size()), plan.phase));
  ARGOSY_ASSIGN(const task_sums counts, count(b, plan));
  watch.add_to(report.wait_s);

  ARGOSY_ASSIGN(product_columns columns, replica_->forward(b, plan, counts));  // (B, P)
  watch.add_to(report.forward_s);
  product_columns pushed = columns;
  if (of.gathers || of.fills_shared_bank) {
    ARGOSY_TRY(meet());
    watch.add_to(report.wait_s);
    ARGOSY_TRY(gather(columns, of.rows_of));
    pushed = {gathered_, gathered_product_, gathered_log_p_};
  }
  if (of.gathers) columns = pushed;  // (M, P)
  watch.add_to(report.gather_s);

  report.candidates_product = static_cast<std::uint64_t>(columns.embedding.rows);
  report.candidates_bank = static_cast<std::uint64_t>(bank.embedding.rows);
  ARGOSY_TRY(replica_->match(b, columns, of.first_own, bank));
  watch.add_to(report.match_s);
  if (of.gathers) ARGOSY_TRY(meet());
  watch.add_to(report.wait_s);
  ARGOSY_ASSIGN(const const_view d_product, own_gradient(of));  // (B, P)
  watch.add_to(report.gather_s);

  ARGOSY_TRY(backward(b, d_product));
  watch.add_to(report.backward_s);
  if (gradients_) {
    ARGOSY_TRY(gradients_->finish());
    report.backward_s += gradients_->computed_s();
    report.wait_s += gradients_->waited_s();
    report.reduce_s -= gradients_->computed_s() + gradients_->waited_s();
    report.overlap_s = gradients_->overlapped_s();
  }
  watch.add_to(report.reduce_s);
  if (weights_) ARGOSY_TRY(meet());  // no rank updates its shards while another may still lack the gradients
  watch.add_to(report.wait_s);
  ARGOSY_TRY(replica_->update(plan));
  watch.add_to(report.update_s);
  const status read = weights_ ? weights_->gather() : status{};
  watch.add_to(report.gather_s);
  if (read.code() == errc::aborted) return without_its_loss(report, pushed, read);
  ARGOSY_TRY(read);
  ARGOSY_ASSIGN(step_outcome done, replica_->outcome());
  watch.add_to(report.update_s);
  const status summed = of.alone ? status{} : sum_over_ranks(done.sums);
  watch.add_to(report.wait_s);
  if (summed.code() == errc::aborted) return without_its_loss(report, pushed, summed);
  ARGOSY_TRY(summed);

  fill_means(report, done.sums, counts);
  report.gradient_norm = done.update.gradient_norm;
  report.scale = done.update.scale;
  ARGOSY_TRY(check_finite("the loss", report.loss));
  ARGOSY_TRY(check_finite("the norm of the gradients", report.gradient_norm));
  return step_result{report, pushed};
}

}  // namespace argosy
