#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <ostream>

#include "kernels/classify.hpp"
#include "kernels/linear.hpp"
#include "kernels/qpm_loss.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/random_rows.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr int repeats = 5;
constexpr double scale = 20;

// A kB count of /proc/self/status: VmRSS, VmHWM.
result<double> memory_of(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":")) return 1024 * std::stod(line.substr(key.size() + 1));
  return status{errc::unavailable, "/proc/self/status: no " + key};
}

// How far the resident memory of the process rises while `work` runs.
template <class Work>
result<double> extra_memory(const Work& work) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the high-water mark starts again
  ARGOSY_ASSIGN(const double before, memory_of("VmRSS"));
  ARGOSY_TRY(work());
  ARGOSY_ASSIGN(const double peak, memory_of("VmHWM"));
  return std::max(0.0, peak - before);
}

// A batch whose products are its own columns, and a bank; no two alike.
template <class Number>
struct loss_problem {
  std::vector<Number> query, product, bank, product_log_p, bank_log_p;
  std::vector<std::int64_t> product_id, bank_id;
  std::vector<std::int32_t> own, known_offset;
  std::int64_t batch, kept, columns;

  explicit loss_problem(const bench_loss_options& o)
      : query(widened(random_unit_rows(o.batch, o.columns, 1))),
        product(widened(random_unit_rows(o.batch, o.columns, 2))),
        bank(widened(random_unit_rows(o.bank, o.columns, 3))),
        product_log_p(o.batch, Number(-9)),
        bank_log_p(o.bank, Number(-10)),
        product_id(o.batch),
        bank_id(o.bank),
        own(o.batch),
        known_offset(o.batch + 1),
        batch(static_cast<std::int64_t>(o.batch)),
        kept(static_cast<std::int64_t>(o.bank)),
        columns(static_cast<std::int64_t>(o.columns)) {
    std::iota(product_id.begin(), product_id.end(), 0);
    std::iota(bank_id.begin(), bank_id.end(), batch);
    std::iota(own.begin(), own.end(), 0);
  }
  static std::vector<Number> widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

  qpm_input input() const {
    qpm_input in;
    in.query = view_of(query.data(), batch, columns);
    in.product = view_of(product.data(), batch, columns);
    if (kept > 0) in.bank = view_of(bank.data(), kept, columns);
    in.scale = scale;
    in.product_id = product_id;
    in.bank_id = bank_id;
    in.product_log_p = view_of(product_log_p.data(), 1, batch);
    in.bank_log_p = view_of(bank_log_p.data(), 1, kept);
    in.own = own;
    in.known_offset = known_offset;
    return in;
  }
};

// Results and gradients, touched ahead: what the caller owns does not count as extra.
template <class Number>
struct loss_results {
  std::vector<Number> loss, lse, share_product, share_bank, d_query, d_product;
  std::vector<std::int32_t> negatives_product, negatives_bank;
  Number d_log_scale = 0;
  std::int64_t batch, columns;

  loss_results(std::int64_t b, std::int64_t d) : batch(b), columns(d) {
    const auto rows = static_cast<std::size_t>(b);
    for (auto* v : {&loss, &lse, &share_product, &share_bank}) v->assign(rows, 1);
    for (auto* v : {&d_query, &d_product}) v->assign(rows * static_cast<std::size_t>(d), 1);
    negatives_product.assign(rows, 1);
    negatives_bank.assign(rows, 1);
  }
  view row(std::vector<Number>& v) { return view_of(v.data(), 1, batch); }
  view matrix(std::vector<Number>& v) { return view_of(v.data(), batch, columns); }
  qpm_output output() { return {row(loss), row(lse), row(share_product), row(share_bank), negatives_product, negatives_bank}; }
  status run(device& on, const qpm_input& in) {
    ARGOSY_TRY(qpm_forward(on, in, output()));
    return qpm_backward(on, in, output(), 1 / static_cast<double>(batch),
                        {matrix(d_query), matrix(d_product), view_of(&d_log_scale, 1, 1)});
  }
};

// What one writes first: all logits as one matrix, their softmax, and two more products. Eq. 3 for ids that never repeat and w2 = 1.
class stored_logits {
public:
  stored_logits(const loss_problem<float>& of, double weight_bank) : batch_(of.batch), all_(of.batch + of.kept), columns_(of.columns) {
    column_ = of.product;
    column_.insert(column_.end(), of.bank.begin(), of.bank.end());
    for (float& x : column_) x *= static_cast<float>(scale);
    for (const float log_p : of.product_log_p) bias_.push_back(-log_p);
    for (const float log_p : of.bank_log_p) bias_.push_back(static_cast<float>(std::log(weight_bank)) - log_p);
    d_column_.assign(column_.size(), 0);
  }
  status run(device& on, const loss_problem<float>& of, loss_results<float>& to) {
    std::vector<float> logits(static_cast<std::size_t>(batch_ * all_)), d_logits(logits.size());
    const view z = view_of(logits.data(), batch_, all_), d_z = view_of(d_logits.data(), batch_, all_);
    const linear_input product{view_of(of.query.data(), batch_, columns_), view_of(column_.data(), all_, columns_),
                               view_of(bias_.data(), 1, all_)};
    ARGOSY_TRY(linear_forward(on, product, z));
    ARGOSY_TRY(cross_entropy(on, {z, of.own}, 1 / static_cast<double>(batch_), to.row(to.loss), d_z));
    return linear_backward(on, product, d_z, {to.matrix(to.d_query), false, view_of(d_column_.data(), all_, columns_), {}});
  }

private:
  std::int64_t batch_, all_, columns_;
  std::vector<float> column_, bias_, d_column_;
};

struct loss_measure {
  timing step;
  double extra_bytes = 0, loss = 0;
};

template <class Work>
result<loss_measure> measure(const clock_source& clock, const std::vector<float>& loss, const Work& work) {
  loss_measure done;
  ARGOSY_ASSIGN(done.extra_bytes, extra_memory(work));
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    const steady_time start = clock.now();
    ARGOSY_TRY(work());
    seconds.push_back(seconds_between(start, clock.now()));
  }
  done.step = timing_of(seconds);
  done.loss = std::accumulate(loss.begin(), loss.end(), 0.0) / static_cast<double>(loss.size());
  return done;
}

// |a - b| / |b|
double relative_distance(const std::vector<float>& a, const std::vector<double>& b) {
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    apart += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(apart / size);
}

struct loss_outcome {
  loss_measure tiled, stored;
  std::optional<double> d_query_error, d_product_error;
};

result<loss_outcome> measure_loss(const bench_loss_options& options, const console& io) {
  const loss_problem<float> problem(options);
  const qpm_input in = problem.input();
  const auto on = make_cpu_device(options.threads);
  loss_results<float> tiled(problem.batch, problem.columns), stored(problem.batch, problem.columns);
  loss_outcome done;
  ARGOSY_ASSIGN(done.tiled, measure(io.clock, tiled.loss, [&] { return tiled.run(*on, in); }));
  stored_logits plain(problem, in.weight_bank);
  ARGOSY_ASSIGN(done.stored, measure(io.clock, stored.loss, [&] { return plain.run(*on, problem, stored); }));
  if (!options.check) return done;
  const loss_problem<double> wide(options);
  loss_results<double> exact(wide.batch, wide.columns);
  ARGOSY_TRY(exact.run(*make_reference_device(), wide.input()));
  done.d_query_error = relative_distance(tiled.d_query, exact.d_query);
  done.d_product_error = relative_distance(tiled.d_product, exact.d_product);
  return done;
}

nlohmann::ordered_json json_of(const loss_measure& m) {
  return {{"median_s", m.step.median}, {"low_s", m.step.low}, {"high_s", m.step.high}, {"extra_bytes", m.extra_bytes}, {"loss", m.loss}};
}

void print_json(const loss_outcome& done, const bench_loss_options& options, std::ostream& out) {
  nlohmann::ordered_json object{{"batch", options.batch},
                                {"bank", options.bank},
                                {"columns", options.columns},
                                {"tiled", json_of(done.tiled)},
                                {"stored", json_of(done.stored)}};
  if (done.d_query_error) object["d_query_error"] = *done.d_query_error;
  if (done.d_product_error) object["d_product_error"] = *done.d_product_error;
  out << object.dump(2) << '\n';
}

void print_table(const loss_outcome& done, const bench_loss_options& options, std::ostream& out) {
  out << grouped(options.batch) << " queries against their products and a bank of " << grouped(options.bank) << " x " << options.columns
      << ", forward and backward\n";
  text_table table;
  table.add({"", "a step: median (quartiles)", "extra memory", "loss"});
  const auto add = [&](const char* name, const loss_measure& m) {
    table.add({name, spread_text(m.step), bytes_text(static_cast<std::uint64_t>(m.extra_bytes)), fixed(m.loss, 5)});
  };
  add("in tiles", done.tiled);
  add("with all logits stored", done.stored);
  table.print(out);
  if (done.d_query_error)
    out << "gradients beside float64, of their norm: queries " << *done.d_query_error << ", products " << *done.d_product_error << '\n';
}

}  // namespace

status run_bench_loss(const bench_loss_options& options, const console& io) {
  ARGOSY_ASSIGN(const loss_outcome done, measure_loss(options, io));
  if (options.json) {
    print_json(done, options, io.out);
  } else {
    print_table(done, options, io.out);
  }
  return {};
}

}  // namespace argosy
