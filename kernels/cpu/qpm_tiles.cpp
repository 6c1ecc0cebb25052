#include "kernels/cpu/qpm_tiles.hpp"

#include <cmath>

namespace argosy::cpu {
namespace {

void append_bias(const_view log_p, double weight, std::vector<float>& bias) {
  const float log_weight = static_cast<float>(std::log(weight));
  for (std::int64_t c = 0; !log_p.empty() && c < log_p.cols; ++c) bias.push_back(log_weight - log_p.as<float>()[c]);
}

qpm_query start_of(const qpm_input& in, std::int64_t b) {
  const std::int64_t own = in.own[static_cast<std::size_t>(b)];
  const float *u = in.query.row<float>(b), *v = in.product.row<float>(own);
  qpm_query start;
  for (std::int64_t d = 0; d < in.query.cols; ++d) start.own_dot += static_cast<double>(u[d]) * static_cast<double>(v[d]);
  start.own_logit = in.scale * start.own_dot - static_cast<double>(in.product_log_p.as<float>()[own]);
  start.top = start.own_logit;
  return start;
}

}  // namespace

qpm_tiles::qpm_tiles(int threads, const qpm_input& in, float* scratch) : threads_(threads), in_(in), masks_(in), cells_(scratch) {
  append_bias(in.product_log_p, in.weight_product, bias_);
  append_bias(in.bank_log_p, in.weight_bank, bias_);
  states_.reserve(in.own.size());
  for (std::int64_t b = 0; b < in.query.rows; ++b) states_.push_back(start_of(in, b));
}

status qpm_tiles::similarities(const qpm_tile& t) {
  return multiply(threads_, {t.queries, t.columns, in_.query.cols}, 1.f, plain(in_.query.row_range(t.query, t.queries)),
                  transposed(t.embedding), false, cells_, stride);
}

void qpm_tiles::mask_row(const qpm_tile& t, std::int64_t row) {
  const std::int64_t end = t.column + t.columns, own_column = own(t.query + row);
  const std::span<const std::int32_t> masked_columns = masks_.of(t.query + row);
  std::size_t& next = query(t.query + row).next_mask;
  for (; next < masked_columns.size() && masked_columns[next] < end; ++next) cells(row)[masked_columns[next] - t.column] = masked;
  if (own_column >= t.column && own_column < end) cells(row)[own_column - t.column] = masked;
}

}  // namespace argosy::cpu
