#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/devices.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/random_rows.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr double least_seconds = .15;  // of one measurement: many calls, one wait
constexpr int measurements = 5;
constexpr std::int64_t different_rows = 512, different_cols = 4096;  // of random numbers, which repeat beyond

struct kernel_time {
  std::string name;
  double flops = 0, bytes = 0;  // of one call, each operand read or written once
  timing seconds;
};

// Matrices of one device and the calls that are timed on them. A matrix is filled once; what a call writes, later calls may read.
class kernel_bench {
public:
  kernel_bench(device& on, const bench_kernels_options& o, const console& io)
      : on_(on),
        io_(io),
        rows_(static_cast<std::int64_t>(o.rows / o.length * o.length)),
        hidden_(static_cast<std::int64_t>(o.hidden)),
        wide_(4 * hidden_),
        heads_(static_cast<int>(o.hidden / 64)),
        length_(static_cast<std::int64_t>(o.length)),
        table_(static_cast<std::int64_t>(o.table)),
        bank_(static_cast<std::int64_t>(o.bank)),
        batch_(static_cast<std::int64_t>(o.batch)) {}

  result<std::vector<kernel_time>> run() {
    ARGOSY_TRY(linear_maps());
    ARGOSY_TRY(elementwise());
    ARGOSY_TRY(norms());
    ARGOSY_TRY(attention("attention"));
    ARGOSY_TRY(tables());
    ARGOSY_TRY(loss());
    ARGOSY_TRY(optimiser());
    return std::move(times_);
  }

  result<std::vector<kernel_time>> run_attention(const std::string& name) {
    ARGOSY_TRY(attention(name));
    return std::move(times_);
  }

private:
  using call = std::function<status()>;

  result<tensor> filled(std::int64_t rows, std::int64_t cols, bool as_rows, double size = 1) {
    tensor made, exact;
    ARGOSY_TRY(exact.resize(on_, rows, cols));
    const std::int64_t drawn = std::min(rows, different_rows), width = std::min(cols, different_cols);
    const auto draws = random_unit_rows(static_cast<std::uint64_t>(drawn), static_cast<std::uint64_t>(width), 1);
    const auto scale = static_cast<float>(size * std::sqrt(static_cast<double>(width)));
    std::vector<float> numbers(static_cast<std::size_t>(rows * cols));
    for (std::int64_t r = 0, i = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < cols; ++c, ++i)
        numbers[static_cast<std::size_t>(i)] = scale * draws[static_cast<std::size_t>(r % drawn * width + c % width)];
    ARGOSY_TRY(upload(on_, numbers, exact));
    if (!as_rows || on_.row_type() == on_.type()) return exact;
    ARGOSY_TRY(made.resize_rows(on_, rows, cols));
    ARGOSY_TRY(move_rows(on_, {exact, {}, {}, false}, made));
    return made;
  }
  double row_bytes(std::int64_t cols) const { return static_cast<double>(rows_ * cols) * static_cast<double>(size_of(on_.row_type())); }

  status wait() {
    if (mark_.rows() == 0) ARGOSY_TRY(mark_.resize(on_, 1, 1));
    return numbers_of(on_, mark_).failure();
  }

  result<double> seconds_of(const call& work, int calls) {
    ARGOSY_TRY(wait());
    const auto start = io_.clock.now();
    for (int i = 0; i < calls; ++i) ARGOSY_TRY(work());
    ARGOSY_TRY(wait());
    return seconds_between(start, io_.clock.now()) / calls;
  }

  status measure(std::string name, double flops, double bytes, const call& work) {
    if (io_.stop.stop_requested()) return interrupted("nothing was printed");
    ARGOSY_TRY(work());  // what is chosen or compiled once
    ARGOSY_ASSIGN(const double first, seconds_of(work, 2));
    const int calls = std::clamp(static_cast<int>(least_seconds / std::max(first, 1e-9)), 1, 10'000);
    std::vector<double> seconds;
    for (int i = 0; i < measurements; ++i) {
      ARGOSY_ASSIGN(seconds.emplace_back(), seconds_of(work, calls));
    }
    times_.push_back({std::move(name), flops, bytes, timing_of(std::move(seconds))});
    return {};
  }

  status linear_map(const std::string& name, std::int64_t inputs, std::int64_t outputs) {
    ARGOSY_ASSIGN(tensor x, filled(rows_, inputs, true));
    ARGOSY_ASSIGN(tensor y, filled(rows_, outputs, true));
    ARGOSY_ASSIGN(tensor weight, filled(outputs, inputs, false, .05));
    ARGOSY_ASSIGN(tensor bias, filled(1, outputs, false, .05));
    ARGOSY_ASSIGN(tensor d_weight, filled(outputs, inputs, false));
    const linear_input in{x, weight, bias};
    const double flops = 2.0 * static_cast<double>(rows_ * inputs * outputs), weights = static_cast<double>(inputs * outputs);
    const auto size = static_cast<double>(size_of(on_.row_type()));
    const double moved = row_bytes(inputs) + row_bytes(outputs) + weights * size;
    ARGOSY_TRY(measure(name + " forward", flops, moved, [&] { return linear_forward(on_, in, y); }));
    ARGOSY_TRY(measure(name + " d_x", flops, moved, [&] { return linear_backward(on_, in, y, {x, false, {}, {}}); }));
    return measure(name + " d_weight", flops, row_bytes(inputs) + row_bytes(outputs) + 8 * weights, [&] {
      return linear_backward(on_, in, y, {{}, false, d_weight, {}});
    });
  }

  status linear_maps() {
    ARGOSY_TRY(linear_map("linear, " + std::to_string(hidden_) + " to " + std::to_string(3 * hidden_), hidden_, 3 * hidden_));
    ARGOSY_TRY(linear_map("linear, " + std::to_string(hidden_) + " to " + std::to_string(hidden_), hidden_, hidden_));
    ARGOSY_TRY(linear_map("linear, " + std::to_string(hidden_) + " to " + std::to_string(wide_), hidden_, wide_));
    return linear_map("linear, " + std::to_string(wide_) + " to " + std::to_string(hidden_), wide_, hidden_);
  }

  status elementwise() {
    ARGOSY_ASSIGN(tensor x, filled(rows_, wide_, true));
    ARGOSY_ASSIGN(tensor y, filled(rows_, wide_, true));
    ARGOSY_ASSIGN(tensor bias, filled(1, wide_, false));
    ARGOSY_ASSIGN(tensor d_bias, filled(1, wide_, false));
    const double one = row_bytes(wide_);
    ARGOSY_TRY(measure("copy", 0, 2 * one, [&] { return move_rows(on_, {x, {}, {}, false}, y); }));
    ARGOSY_TRY(measure("bias + GELU forward", 0, 2 * one, [&] { return bias_gelu_forward(on_, x, bias, y); }));
    return measure("bias + GELU backward", 0, 3 * one, [&] { return bias_gelu_backward(on_, x, bias, y, y, d_bias); });
  }

  status norms() {
    ARGOSY_ASSIGN(tensor x, filled(rows_, hidden_, true));
    ARGOSY_ASSIGN(tensor residual, filled(rows_, hidden_, true));
    ARGOSY_ASSIGN(tensor y, filled(rows_, hidden_, true));
    ARGOSY_ASSIGN(tensor normalised, filled(rows_, hidden_, true));
    ARGOSY_ASSIGN(tensor gain, filled(1, hidden_, false));
    ARGOSY_ASSIGN(tensor d_gain, filled(1, hidden_, false));
    ARGOSY_ASSIGN(tensor rstd, filled(1, rows_, false));
    const layer_norm_input in{x, residual, gain, gain};
    const double one = row_bytes(hidden_);
    ARGOSY_TRY(measure("residual + LayerNorm forward", 0, 4 * one, [&] { return layer_norm_forward(on_, in, y, {normalised, rstd}); }));
    ARGOSY_TRY(measure("residual + LayerNorm backward", 0, 3 * one, [&] {
      return layer_norm_backward(on_, in, {normalised, rstd}, x, {y, d_gain, d_gain});
    }));

    // Dropout by itself, before LayerNorm and after its backward, beside dropout in their passes.
    const std::vector<std::uint32_t> pair(static_cast<std::size_t>(rows_), 1);
    std::vector<std::int32_t> position(pair.size());
    std::iota(position.begin(), position.end(), 0);
    const dropout_input how{{.seed = 1, .step = 1, .site = 16}, .1, pair, position};
    ARGOSY_ASSIGN(tensor dropped, filled(rows_, hidden_, true));
    layer_norm_input inside = in;
    inside.drop = how;
    ARGOSY_TRY(measure("dropout", 0, 2 * one, [&] { return dropout(on_, how, dropped); }));
    const auto one_then_the_other = [&]() -> status {
      ARGOSY_TRY(dropout(on_, how, dropped));
      return layer_norm_forward(on_, in, y, {normalised, rstd});
    };
    ARGOSY_TRY(measure("dropout, then residual + LayerNorm forward", 0, 6 * one, one_then_the_other));
    ARGOSY_TRY(measure("dropout + residual + LayerNorm forward", 0, 4 * one, [&] {
      return layer_norm_forward(on_, inside, y, {normalised, rstd});
    }));
    const auto one_after_the_other = [&]() -> status {
      ARGOSY_TRY(layer_norm_backward(on_, in, {normalised, rstd}, x, {y, d_gain, d_gain}));
      ARGOSY_TRY(move_rows(on_, {y, {}, {}, false}, dropped));
      return dropout(on_, how, dropped);
    };
    ARGOSY_TRY(measure("LayerNorm backward, then copy and dropout", 0, 7 * one, one_after_the_other));
    return measure("dropout + residual + LayerNorm backward", 0, 4 * one, [&] {
      return layer_norm_backward(on_, inside, {normalised, rstd}, x, {dropped, d_gain, d_gain, y});
    });
  }

  status attention(const std::string& name) {
    ARGOSY_ASSIGN(tensor qkv, filled(rows_, 3 * hidden_, true));
    ARGOSY_ASSIGN(tensor d_qkv, filled(rows_, 3 * hidden_, true));
    ARGOSY_ASSIGN(tensor o, filled(rows_, hidden_, true));
    ARGOSY_ASSIGN(tensor d_o, filled(rows_, hidden_, true));
    ARGOSY_ASSIGN(tensor lse, filled(rows_, heads_, false));
    std::vector<std::int32_t> offset;
    for (std::int64_t row = 0; row <= rows_; row += length_) offset.push_back(static_cast<std::int32_t>(row));
    const auto part = [&](tensor& of, int i) { return of.all().column_range(i * hidden_, hidden_); };
    const attention_input in{heads_, .125, part(qkv, 0), part(qkv, 1), part(qkv, 2), offset, offset};
    const double flops = 4.0 * static_cast<double>(rows_ * length_ * hidden_), lse_bytes = static_cast<double>(rows_ * heads_) * 4;
    const std::string of = ", length " + std::to_string(length_);
    ARGOSY_TRY(
        measure(name + " forward" + of, flops, 4 * row_bytes(hidden_) + lse_bytes, [&] { return attention_forward(on_, in, o, lse); }));
    return measure(name + " backward" + of, 2.5 * flops, 8 * row_bytes(hidden_) + lse_bytes, [&] {
      return attention_backward(on_, in, o, lse, d_o, {part(d_qkv, 0), part(d_qkv, 1), part(d_qkv, 2)});
    });
  }

  status tables() {
    ARGOSY_ASSIGN(tensor table, filled(table_, hidden_, false));
    ARGOSY_ASSIGN(tensor x, filled(rows_, hidden_, true));
    std::vector<std::int32_t> piece(static_cast<std::size_t>(rows_)), one(piece.size(), 0);
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<std::int32_t>(i * 7919 % static_cast<std::size_t>(table_));
    const double moved = row_bytes(hidden_) + static_cast<double>(rows_ * hidden_) * 4;
    ARGOSY_TRY(measure("embedding", 0, moved, [&] { return move_rows(on_, {table, piece, {}, false}, x); }));
    ARGOSY_TRY(measure("embedding gradient", 0, moved + static_cast<double>(rows_ * hidden_) * 4, [&] {
      return move_rows(on_, {x, {}, piece, true}, table);
    }));
    return measure("gradient of one row from all", 0, row_bytes(hidden_), [&] { return move_rows(on_, {x, {}, one, true}, table); });
  }

  status loss() {
    constexpr std::int64_t columns = 256;
    ARGOSY_ASSIGN(tensor query, filled(batch_, columns, false, 1. / 16));
    ARGOSY_ASSIGN(tensor product, filled(batch_, columns, false, 1. / 16));
    ARGOSY_ASSIGN(tensor kept, filled(bank_, columns, false, 1. / 16));
    ARGOSY_ASSIGN(tensor log_p, filled(1, batch_, false));
    ARGOSY_ASSIGN(tensor kept_log_p, filled(1, bank_, false));
    ARGOSY_ASSIGN(tensor numbers, filled(4, batch_, false));
    ARGOSY_ASSIGN(tensor d_query, filled(batch_, columns, false));
    ARGOSY_ASSIGN(tensor d_product, filled(batch_, columns, false));
    std::vector<std::int64_t> id(static_cast<std::size_t>(batch_)), kept_id(static_cast<std::size_t>(bank_));
    std::iota(id.begin(), id.end(), 0);
    std::iota(kept_id.begin(), kept_id.end(), batch_);
    std::vector<std::int32_t> own(id.size()), known(id.size() + 1, 0), negatives(id.size());
    std::iota(own.begin(), own.end(), 0);
    const qpm_input in{.query = query,
                       .product = product,
                       .bank = kept,
                       .scale = 20,
                       .product_id = id,
                       .bank_id = kept_id,
                       .product_log_p = log_p,
                       .bank_log_p = kept_log_p,
                       .own = own,
                       .known_offset = known,
                       .known_product = {}};
    const auto row = [&](std::int64_t i) { return numbers.all().row_range(i, 1); };
    const qpm_output out{row(0), row(1), row(2), row(3), negatives, negatives};
    const double cells = static_cast<double>(batch_) * static_cast<double>(batch_ + bank_), flops = 2 * cells * columns;
    ARGOSY_TRY(measure("loss of eq. 3 forward", flops, 8 * cells, [&] { return qpm_forward(on_, in, out); }));
    return measure("loss of eq. 3 backward", 2 * flops + 2.0 * static_cast<double>(batch_ * batch_) * columns, 16 * cells,
                   [&] { return qpm_backward(on_, in, out, 1, {.d_query = d_query, .d_product = d_product}); });
  }

  status optimiser() {
    const std::int64_t numbers = 12 * hidden_ * hidden_;  // of one block
    tensor all[4];
    for (auto& t : all) {
      ARGOSY_ASSIGN(t, filled(1, numbers, false));
    }
    tensor squares;
    ARGOSY_TRY(squares.resize(on_, 1, 1));
    const auto bytes = static_cast<double>(numbers) * 4;
    ARGOSY_TRY(measure("norm of the gradients", 0, bytes, [&] { return add_squares(on_, all[0], squares); }));
    return measure("AdamW", 0, 7 * bytes, [&] { return adamw(on_, {.rate = 1e-6}, all[0], all[1], all[2], all[3]); });
  }

  device& on_;
  const console& io_;
  std::int64_t rows_, hidden_, wide_;
  int heads_;
  std::int64_t length_, table_, bank_, batch_;
  tensor mark_;
  std::vector<kernel_time> times_;
};

void print_json(const std::vector<kernel_time>& all, const device_facts& facts, const bench_kernels_options& o, std::ostream& out) {
  auto kernels = nlohmann::ordered_json::array();
  for (const auto& k : all)
    kernels.push_back({{"name", k.name},
                       {"seconds", k.seconds.median},
                       {"low_s", k.seconds.low},
                       {"high_s", k.seconds.high},
                       {"flops", k.flops},
                       {"bytes", k.bytes}});
  const nlohmann::ordered_json object{{"device", facts.what}, {"compute", name_of(o.arithmetic)},
                                      {"rows", o.rows},       {"hidden", o.hidden},
                                      {"length", o.length},   {"kernels", kernels}};
  out << object.dump(2) << '\n';
}

void print_table(const std::vector<kernel_time>& all, const device_facts& facts, std::ostream& out) {
  out << facts.what << "; " << facts.notes << '\n';
  text_table table;
  table.add({"", "microseconds", "TFLOP/s", "GB/s"});
  for (const auto& k : all) {
    const double s = k.seconds.median;
    table.add({k.name, fixed(s * 1e6, 1), k.flops > 0 ? fixed(k.flops / s * 1e-12, 2) : "", fixed(k.bytes / s * 1e-9, 1)});
  }
  table.print(out);
}

}  // namespace

status run_bench_kernels(const bench_kernels_options& options, const console& io) {
  if (options.hidden % 64 != 0)
    return {errc::invalid_argument, "--hidden: want a multiple of 64, the width of a head, got " + std::to_string(options.hidden)};
  if (options.rows < options.length)
    return {errc::invalid_argument,
            "--rows: want at least one sequence of " + std::to_string(options.length) + ", got " + std::to_string(options.rows)};
  ARGOSY_ASSIGN(const auto on, open_device(options.device, options.threads, options.arithmetic));
  ARGOSY_ASSIGN(auto times, kernel_bench(*on, options, io).run());
  if (options.device != "cpu" && options.arithmetic != compute::float32) {
    const auto cudnn = open_device(options.device, options.threads, options.arithmetic, attention_by::cudnn);
    const auto beside = cudnn.ok() ? kernel_bench(**cudnn, options, io).run_attention("cuDNN's attention") : cudnn.failure();
    if (beside.ok())
      times.insert(times.end(), beside->begin(), beside->end());
    else
      io.err << "cuDNN's attention was not measured: " << beside.failure().message() << '\n';
  }
  const device_list devices = list_devices();
  const std::string wanted = options.device == "cuda" ? "cuda:0" : options.device;
  const auto facts = std::ranges::find(devices.found, wanted, &device_facts::name);
  if (options.json)
    print_json(times, *facts, options, io.out);
  else
    print_table(times, *facts, io.out);
  return {};
}

}  // namespace argosy
