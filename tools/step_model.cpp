#include "tools/step_model.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace argosy {
namespace {

constexpr double number_bytes = sizeof(float);
constexpr double label_bytes = sizeof(std::int64_t) + sizeof(float);  // a column's product and log p
constexpr double gradient_passes = 2, update_passes = 7;  // floats: gradients cleared and their norm; AdamW's (kernels/adamw.hpp)
constexpr double direct_whole = 16 * 1024;
// Of the loss: kernels/cuda/qpm_loss.cu; those of the CPU are smaller.
constexpr double tile_queries = 1024, tile_columns = 4096;
// Meetings of a step by their kind: rows counted, tasks counted, losses added; and before the gradients' sum. After the switch two more.
constexpr double rounds_counted = 1, small_sums = 2, meetings_own = 1, meetings_crossing = 3;

double product(double rows, double inner, double columns) { return 2 * rows * inner * columns; }

// Rows of a batch in the three encoders.
struct batch_rows {
  double queries = 0, pairs = 0;
  double query = 0, title = 0, image = 0, patches = 0;
  double text() const { return query + title; }
};

batch_rows rows_of(const recipe& r, const data_shape& data, double pairs) {
  batch_rows rows{.pairs = pairs};
  rows.queries = pairs * (1 + (r.tasks.keywords > 0 ? r.tasks.keyword_rate : 0));
  rows.query = rows.queries * data.query.mean;
  if (r.model.use_title) rows.title = pairs * data.title.mean;
  if (r.model.use_image) {
    rows.image = pairs * data.image.mean;
    rows.patches = pairs * (data.image.mean - 1);
  }
  return rows;
}

// A block, forward and backward, of which `wanted` of the rows are computed and the others have keys and values alone.
double block_flops(const model_recipe& m, double rows, double wanted, double squares) {
  const double d = m.hidden, f = m.feed_forward;
  return 3 * product(rows, d, 2 * d) + 3 * product(wanted, d, 2 * d + 2 * f) + 14 * d * squares * wanted / rows;
}

// `wanted`: rows of the last block that are read.
double tower_flops(const model_recipe& m, int layers, double rows, double squares, double wanted) {
  return (layers - 1) * block_flops(m, rows, rows, squares) + block_flops(m, rows, wanted, squares);
}

double towers_flops(const recipe& r, const data_shape& data, const batch_rows& rows) {
  const model_recipe& m = r.model;
  const double wanted = r.tasks.words > 0 ? rows.query : rows.queries;  // model/retrieval_model.hpp
  double flops = tower_flops(m, m.query_layers, rows.query, rows.queries * data.query.square, wanted);
  if (m.use_title) flops += tower_flops(m, m.title_layers, rows.title, rows.pairs * data.title.square, rows.title);
  if (m.use_image) flops += tower_flops(m, m.image_layers, rows.image, rows.pairs * data.image.square, rows.image);
  return flops;
}

double around_towers_flops(const recipe& r, const data_shape& data, const batch_rows& rows) {
  const double d = r.model.hidden, p = r.model.projection;
  double flops = 3 * product(rows.pairs + rows.queries, d, p);
  if (r.model.use_image) flops += 2 * product(rows.patches, data.inputs.patch_width(), d);
  if (r.model.use_image && r.model.use_title)  // modal adaptation
    flops += 3 * product(rows.title + rows.image, d, 2 * d) + 15 * product(rows.pairs, d, d);
  return flops;
}

double heads_flops(const recipe& r, const batch_rows& rows) {
  const double d = r.model.hidden, p = r.model.projection;
  double flops = 0;
  if (r.tasks.words > 0) flops += 3 * product(r.tasks.word_rate * rows.text(), d, d);
  if (r.tasks.patches > 0) flops += 6 * product(rows.patches, d, d);
  if (r.tasks.classification > 0) flops += 3 * product(2 * rows.pairs, 4 * p, p);
  return flops;
}

double losses_flops(const recipe& r, const data_shape& data, const batch_rows& rows, double columns) {
  const double d = r.model.hidden, p = r.model.projection, bank = static_cast<double>(r.negatives.bank);
  double flops = 3 * product(rows.queries, p, columns + bank) + product(rows.queries, p, columns);
  if (r.tasks.words > 0) flops += 4 * product(r.tasks.word_rate * rows.text(), d, static_cast<double>(data.inputs.vocabulary));
  if (r.tasks.patches > 0) flops += 4 * product(r.tasks.patch_rate * rows.patches, d, rows.patches);
  return flops;
}

double parameters_of(const recipe& r, const data_shape& data) {
  double numbers = 0;
  for (const parameter_spec& each : retrieval_model::parameters_of(r, data.inputs))
    numbers += static_cast<double>(each.rows) * static_cast<double>(each.cols);
  return numbers;
}

std::uint64_t machines(const hardware& h, std::uint64_t ranks) { return (ranks + h.per_machine - 1) / h.per_machine; }
const link_speed& link_of(const hardware& h, std::uint64_t ranks) { return machines(h, ranks) > 1 ? h.between : h.within; }

// Of a message round the ring: it goes between machines once a machine.
double round_trip_s(const hardware& h, std::uint64_t ranks) {
  const std::uint64_t hops = ranks - 1, between = machines(h, ranks) > 1 ? std::min(machines(h, ranks), hops) : 0;
  return static_cast<double>(between) * h.between.latency_s + static_cast<double>(hops - between) * h.within.latency_s;
}

// How many times longer everything takes where ranks share cores.
double sharing(const hardware& h, std::uint64_t ranks) {
  if (h.cores <= 0) return 1;
  const auto together = static_cast<double>(std::min(ranks, h.per_machine));
  return std::max(1.0, together * h.threads / h.cores);
}

double crowding(const hardware& h, std::uint64_t ranks) {
  if (h.cores <= h.threads) return 1;  // a rank alone keeps all of them busy
  const double busy = std::min(h.cores, static_cast<double>(std::min(ranks, h.per_machine)) * h.threads);
  return 1 + (h.crowded - 1) * (busy - h.threads) / (h.cores - h.threads);
}

// Of all moments, what a rank holds and updates: model/sharding.hpp.
double held_share(const recipe& r, const job_size& size) {
  return r.train.shard_moments ? std::min(1.0, 2 / static_cast<double>(size.ranks)) : 1;
}

double columns_of(const job_size& size, bool crossing) {
  return static_cast<double>(size.pairs_per_rank) * (crossing ? static_cast<double>(size.ranks) : 1);
}

double compute_s(const step_work& work, const hardware& h) {
  return work.product_flops / h.product_flops + work.loss_flops / h.loss_flops + work.optimiser_bytes / h.memory_bytes;
}

// Each of them meets the other ranks (actors/gradient_exchange.hpp).
double further_buckets(const recipe& r, double parameters) {
  if (r.train.bucket_kib == 0) return 0;
  return std::ceil(parameters * number_bytes / (1024.0 * static_cast<double>(r.train.bucket_kib))) - 1;
}

step_time time_of(const recipe& r, const data_shape& data, const job_size& size, const hardware& h, bool crossing) {
  const step_work work = work_of(r, data, size, crossing);
  step_time t{.compute_s = compute_s(work, h) * sharing(h, size.ranks) * crowding(h, size.ranks)};
  if (size.ranks == 1) return t;
  const double columns = columns_of(size, crossing), embedding = number_bytes * r.model.projection;
  if (crossing)
    t.gather_s = gather_s(h, size.ranks, columns * embedding) + gather_s(h, size.ranks, columns * number_bytes) +
                 gather_s(h, size.ranks, columns * sizeof(std::int64_t)) + gather_s(h, size.ranks, columns * embedding);
  if (r.train.shard_moments) {
    t.gather_s += gather_s(h, size.ranks, work.parameters * number_bytes) + gather_s(h, size.ranks, 0);  // two arenas
    if (h.row_bytes < number_bytes)
      t.compute_s += (number_bytes + h.row_bytes) * work.parameters / h.memory_bytes;  // the copy of the weights
  }
  t.reduce_s = reduce_s(h, size.ranks, work.parameters * number_bytes) * (1 - h.overlap);
  const double meetings = rounds_counted + (crossing ? meetings_crossing : meetings_own) + (r.train.shard_moments ? 1 : 0) +
                          further_buckets(r, work.parameters);
  t.wait_s = meetings * meeting_s(h, size.ranks) + small_sums * reduce_s(h, size.ranks, 128) +
             t.compute_s * h.spread * expected_maximum(size.ranks);
  return t;
}

// What model/encoder.hpp keeps of a block: x, q, k, v, mixed, hidden and both normalised rows, and two as wide as the feed-forward.
double activation_bytes(const recipe& r, const data_shape& data, const job_size& size, const hardware& h) {
  const auto pairs =
      static_cast<double>(r.train.micro_batch > 0 ? std::min(r.train.micro_batch, size.pairs_per_rank) : size.pairs_per_rank);
  const batch_rows rows = rows_of(r, data, pairs);
  const double a_row = (8.0 * r.model.hidden + 2.0 * r.model.feed_forward) * h.row_bytes;
  return a_row * (rows.query * r.model.query_layers + rows.title * r.model.title_layers + rows.image * r.model.image_layers);
}

rank_memory memory_of(const recipe& r, const data_shape& data, const job_size& size, const hardware& h, double parameters) {
  const double columns = columns_of(size, true), column = number_bytes * r.model.projection + label_bytes;
  const double queries = rows_of(r, data, static_cast<double>(size.pairs_per_rank)).queries;
  const double all = size.ranks > 1 ? columns : 0;
  const double widest = std::max(columns, static_cast<double>(r.negatives.bank));
  const double own_shard = r.train.shard_moments && size.ranks > 1 ? parameters * number_bytes / static_cast<double>(size.ranks) : 0;
  return {.weights = parameters * (number_bytes + (h.row_bytes < number_bytes ? h.row_bytes : 0)),
          .gradients = parameters * number_bytes,
          .moments = 2 * parameters * number_bytes * held_share(r, size),
          .activations = activation_bytes(r, data, size, h),
          .bank = static_cast<double>(r.negatives.bank) * column,
          .gathered = all * (column + number_bytes * r.model.projection) + own_shard,  // products, and their gradients
          .loss_tiles = std::min(queries, tile_queries) * std::min(widest, tile_columns) * number_bytes};
}

status want_positive(std::string_view what, double value) {
  if (value > 0 && std::isfinite(value)) return {};
  return {errc::invalid_argument, std::string(what) + ": want a number above 0, got " + std::to_string(value)};
}

status want_share(std::string_view what, double value, double below) {
  if (value >= 0 && value <= below) return {};
  return {errc::invalid_argument,
          std::string(what) + ": want a number from 0 to " + std::to_string(below) + ", got " + std::to_string(value)};
}

status check(const job_size& size, const hardware& h) {
  ARGOSY_TRY(want_positive("ranks", static_cast<double>(size.ranks)));
  ARGOSY_TRY(want_positive("pairs per rank", static_cast<double>(size.pairs_per_rank)));
  ARGOSY_TRY(want_positive("product_flops", h.product_flops));
  ARGOSY_TRY(want_positive("loss_flops", h.loss_flops));
  ARGOSY_TRY(want_positive("memory_bytes", h.memory_bytes));
  ARGOSY_TRY(want_positive("row_bytes", h.row_bytes));
  ARGOSY_TRY(want_positive("per_machine", static_cast<double>(h.per_machine)));
  ARGOSY_TRY(want_positive("threads", h.threads));
  ARGOSY_TRY(want_positive("crowded", h.crowded));
  for (const auto& [name, link] : {std::pair{"within", &h.within}, std::pair{"between", &h.between}}) {
    ARGOSY_TRY(want_positive(std::string(name) + ".bytes_per_s", link->bytes_per_s));
    ARGOSY_TRY(want_share(std::string(name) + ".latency_s", link->latency_s, 60));
  }
  ARGOSY_TRY(want_share("cores", h.cores, 1e6));
  ARGOSY_TRY(want_share("spread", h.spread, 10));
  return want_share("overlap", h.overlap, 1);
}

}  // namespace

step_work work_of(const recipe& r, const data_shape& data, const job_size& size, bool crossing) {
  const batch_rows rows = rows_of(r, data, static_cast<double>(size.pairs_per_rank));
  const double parameters = parameters_of(r, data);
  const bool twice = r.train.micro_batch > 0 && r.train.micro_batch < size.pairs_per_rank;  // forward, model/replica.hpp
  return {.product_flops = towers_flops(r, data, rows) * (twice ? 4.0 / 3 : 1) + around_towers_flops(r, data, rows) + heads_flops(r, rows),
          .loss_flops = losses_flops(r, data, rows, columns_of(size, crossing)),
          .optimiser_bytes = (gradient_passes + update_passes * held_share(r, size)) * number_bytes * parameters,
          .parameters = parameters};
}

double gather_s(const hardware& h, std::uint64_t ranks, double bytes) noexcept {
  if (ranks < 2) return 0;
  const auto n = static_cast<double>(ranks);
  const link_speed& link = link_of(h, ranks);
  const double latency_s = h.algorithm == exchange_algorithm::ring ? round_trip_s(h, ranks) : 2 * link.latency_s;
  return (latency_s + bytes * (n - 1) / n / link.bytes_per_s) * sharing(h, ranks);
}

double reduce_s(const hardware& h, std::uint64_t ranks, double bytes) noexcept {
  if (ranks < 2) return 0;
  if (h.algorithm == exchange_algorithm::ring) return 2 * gather_s(h, ranks, bytes);
  const auto n = static_cast<double>(ranks);
  const link_speed& link = link_of(h, ranks);
  const bool whole = bytes <= direct_whole;
  const double rounds = whole ? 2 : 3, sent = whole ? bytes * (n - 1) : 2 * bytes * (n - 1) / n;
  return (rounds * link.latency_s + sent / link.bytes_per_s) * sharing(h, ranks);
}

double meeting_s(const hardware& h, std::uint64_t ranks) noexcept {
  if (h.algorithm == exchange_algorithm::ring) return gather_s(h, ranks, 8.0 * static_cast<double>(ranks));
  return ranks < 2 ? 0 : link_of(h, ranks).latency_s * sharing(h, ranks);
}

// E[max] = integral of 1 - F(x)^n above 0, less that of F(x)^n below it.
double expected_maximum(std::uint64_t n) noexcept {
  constexpr double reach = 9, width = 1e-3;
  const auto exponent = static_cast<double>(n);
  double sum = 0;
  for (double x = width / 2; x < reach; x += width) {
    const double above = std::pow(.5 * std::erfc(-x / std::sqrt(2.0)), exponent),
                 below = std::pow(.5 * std::erfc(x / std::sqrt(2.0)), exponent);
    sum += (1 - above - below) * width;
  }
  return sum;
}

result<step_forecast> forecast(const recipe& r, const data_shape& data, const job_size& size, const hardware& h) {
  ARGOSY_TRY(check(size, h));
  step_forecast f{.work = work_of(r, data, size, true), .share_crossing = 1 - std::clamp(r.negatives.cross_device_start, 0.0, 1.0)};
  f.own = time_of(r, data, size, h, false);
  f.crossing = time_of(r, data, size, h, true);
  f.pairs_per_s = static_cast<double>(size.ranks * size.pairs_per_rank) / f.mean_step_s();
  const job_size alone{.ranks = 1, .pairs_per_rank = size.pairs_per_rank};
  f.efficiency = time_of(r, data, alone, h, false).total_s() / f.mean_step_s();
  const double own = columns_of(size, false), all = columns_of(size, true);
  f.negatives = {.in_batch = own - 1, .cross_device = all - own, .bank = static_cast<double>(r.negatives.bank)};
  f.memory = memory_of(r, data, size, h, f.work.parameters);
  return f;
}

}  // namespace argosy
