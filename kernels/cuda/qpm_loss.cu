// The matching loss in tiles of 1,024 queries by 4,096 columns: their similarities by one product, 16 MiB that stay in the cache, then a
// block of threads a query. The own column lies in its tile like any other, without weight. Which columns a query does not count is found
// on the host.
#include "kernels/qpm_loss.hpp"

#include <cmath>
#include <vector>

#include "kernels/cpu/qpm_masks.hpp"
#include "kernels/cuda/column_sums.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {
namespace {

constexpr std::int64_t queries_a_tile = 1024, columns_a_tile = 4096;
constexpr int warps_a_block = 8, threads_a_block = warps_a_block * warp_size;
constexpr float no_similarity = -1e30f;  // of a column that does not count: its share of any softmax is exactly 0

struct trained_scale {
  const float* log_scale;  // or null: constant
  float constant, limit;
  __device__ bool cut() const { return log_scale != nullptr && expf(*log_scale) >= limit; }
  __device__ float value() const { return log_scale == nullptr ? constant : fminf(expf(*log_scale), limit); }
};

// Of every query, on its way along the columns.
struct walked {
  float *top, *of_products, *of_bank;  // largest logit; sums of e^{logit - top} over negatives
  float *own_logit, *d_scale;
};

struct lists {
  const std::int32_t *own, *masked, *mask_offset;
  const float* weight;  // of the rows' gradients, or null
};

struct tile {
  float* cells;
  std::int64_t stride, first_query, first_column, columns;  // columns count through products and bank
  const float* log_p;                                       // of its columns
  float log_weight;                                         // of its source
  bool bank;
};

__device__ float logit(const tile& t, float scale, float similarity, std::int64_t column, bool own) {
  return scale * similarity - t.log_p[column] + (own ? 0.f : t.log_weight);
}

// Cells of columns that the query does not count become no_similarity.
__device__ void mask(const tile& t, const lists& of, std::int64_t query, float* cells) {
  for (std::int32_t i = of.mask_offset[query] + static_cast<std::int32_t>(threadIdx.x); i < of.mask_offset[query + 1];
       i += threads_a_block) {
    const std::int64_t column = of.masked[i] - t.first_column;
    if (column >= 0 && column < t.columns) cells[column] = no_similarity;
  }
  __syncthreads();
}

__global__ void start(std::int64_t queries, walked w) {
  const std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (b >= queries) return;
  w.top[b] = -INFINITY;
  w.of_products[b] = w.of_bank[b] = w.own_logit[b] = w.d_scale[b] = 0;
}

// Adds the negatives of one tile to the query's sums.
__global__ void __launch_bounds__(threads_a_block) add_tile(tile t, lists of, trained_scale trained, walked w) {
  const std::int64_t b = t.first_query + blockIdx.x, own = of.own[b] - t.first_column;
  float* const cells = t.cells + blockIdx.x * t.stride;
  mask(t, of, b, cells);
  const float scale = trained.value();
  float largest = -INFINITY, sum = 0;
  for (std::int64_t c = threadIdx.x; c < t.columns; c += threads_a_block) largest = fmaxf(largest, logit(t, scale, cells[c], c, c == own));
  const float before = w.top[b], top = fmaxf(before, block_largest<warps_a_block>(largest));
  for (std::int64_t c = threadIdx.x; c < t.columns; c += threads_a_block)
    if (c != own) sum += expf(logit(t, scale, cells[c], c, false) - top);
  sum = block_sum<warps_a_block>(sum);
  if (threadIdx.x != 0) return;
  const float shrink = expf(before - top);
  w.top[b] = top;
  w.of_products[b] = w.of_products[b] * shrink + (t.bank ? 0 : sum);
  w.of_bank[b] = w.of_bank[b] * shrink + (t.bank ? sum : 0);
  if (own >= 0 && own < t.columns) w.own_logit[b] = logit(t, scale, cells[own], own, true);
}

struct results {
  float *loss, *lse, *share_product, *share_bank;
};

__global__ void finish(std::int64_t queries, walked w, results out) {
  const std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (b >= queries) return;
  const double top = w.top[b], own_logit = w.own_logit[b], products = w.of_products[b], bank = w.of_bank[b];
  const double negatives = products + bank, all = exp(own_logit - top) + negatives;
  // ln(1 + negatives / own), with the logarithm of the ratio kept apart for a positive that underflows.
  const double margin = log(negatives) + top - own_logit;
  out.lse[b] = static_cast<float>(top + log(all));
  out.loss[b] = static_cast<float>(margin > 30 ? margin + exp(-margin) : log1p(exp(margin)));
  out.share_product[b] = static_cast<float>(products / all);
  out.share_bank[b] = static_cast<float>(bank / all);
}

// The cells become scale * d loss / d logit.
__global__ void __launch_bounds__(threads_a_block)
    logit_gradients(tile t, lists of, trained_scale trained, float d_loss, const float* lse, walked w) {
  const std::int64_t b = t.first_query + blockIdx.x, own = of.own[b] - t.first_column;
  float* const cells = t.cells + blockIdx.x * t.stride;
  mask(t, of, b, cells);
  const float scale = trained.value(), d = of.weight == nullptr ? d_loss : d_loss * of.weight[b], all = lse[b];
  float d_scale = 0;
  for (std::int64_t c = threadIdx.x; c < t.columns; c += threads_a_block) {
    const float x = cells[c], s = logit(t, scale, x, c, c == own);
    const float g = d * (c == own ? expm1f(s - all) : expf(s - all));
    d_scale += g == 0 ? 0 : g * x;
    cells[c] = scale * g;
  }
  d_scale = block_sum<warps_a_block>(d_scale);
  if (threadIdx.x == 0) w.d_scale[b] += d_scale;
}

__global__ void __launch_bounds__(threads_a_block)
    add_log_scale_gradient(std::int64_t queries, trained_scale trained, walked w, float* to) {
  double sum = 0;
  for (std::int64_t b = threadIdx.x; b < queries; b += threads_a_block) sum += w.d_scale[b];
  sum = block_sum<warps_a_block>(sum);
  if (threadIdx.x == 0 && !trained.cut()) *to += static_cast<float>(sum * trained.value());
}

// -log p stands in every logit of its column; the cells hold gradients times scale.
struct log_p_gradient {
  matrix<const float> cells;
  trained_scale trained;
  __device__ void operator()(std::int64_t row, std::int64_t col, float (&sum)[1]) const { sum[0] -= cells.row(row)[col] / trained.value(); }
};

// As random_gumbel of base/base.cpp.
__device__ double gumbel(draw_key key, std::uint32_t pair, std::uint32_t element) {
  const double u = (static_cast<double>(random_bits(key, pair, element)) + .5) * 0x1p-32;
  return -log(-log(u));
}

__device__ bool better(double score, std::int32_t column, double than, std::int32_t than_column) {
  return column >= 0 && (than_column < 0 || score > than || (score == than && column < than_column));
}

struct draw_arguments {
  draw_key key;
  const std::uint32_t* pair;
  std::uint32_t first_column;
  double* score;
  std::int32_t* column;
};

__global__ void no_draw(std::int64_t queries, std::int32_t* column) {
  const std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (b < queries) column[b] = -1;
}

__global__ void __launch_bounds__(threads_a_block) draw_of_tile(tile t, lists of, trained_scale trained, draw_arguments in) {
  const std::int64_t b = t.first_query + blockIdx.x, own = of.own[b] - t.first_column;
  float* const cells = t.cells + blockIdx.x * t.stride;
  mask(t, of, b, cells);
  const double scale = trained.value();
  double best = 0;
  std::int32_t chosen = -1;
  for (std::int64_t c = threadIdx.x; c < t.columns; c += threads_a_block) {
    if (c == own || cells[c] == no_similarity) continue;
    const auto column = static_cast<std::int32_t>(t.first_column + c);
    const double score =
        scale * cells[c] - t.log_p[c] + t.log_weight + gumbel(in.key, in.pair[b], in.first_column + static_cast<std::uint32_t>(column));
    if (better(score, column, best, chosen)) {
      best = score;
      chosen = column;
    }
  }
  __shared__ double scores[threads_a_block];
  __shared__ std::int32_t columns[threads_a_block];
  scores[threadIdx.x] = best;
  columns[threadIdx.x] = chosen;
  for (unsigned apart = threads_a_block / 2; apart > 0; apart /= 2) {
    __syncthreads();
    if (threadIdx.x < apart &&
        better(scores[threadIdx.x + apart], columns[threadIdx.x + apart], scores[threadIdx.x], columns[threadIdx.x])) {
      scores[threadIdx.x] = scores[threadIdx.x + apart];
      columns[threadIdx.x] = columns[threadIdx.x + apart];
    }
  }
  if (threadIdx.x == 0 && better(scores[0], columns[0], in.score[b], in.column[b])) {
    in.score[b] = scores[0];
    in.column[b] = columns[0];
  }
}

std::int64_t whole_packs(std::int64_t floats) { return (floats + 63) / 64 * 64; }

}  // namespace

// What forward, backward and draws share: the lists on the device, scratch, and the walk over the tiles.
class cuda_device::qpm_walk {
public:
  static result<qpm_walk> begin(cuda_device& on, const qpm_input& in, std::int64_t more_floats = 0) {
    qpm_walk w(on, in);
    ARGOSY_TRY(w.copy_lists());
    const std::int64_t queries = whole_packs(in.query.rows), columns = std::min(columns_a_tile, std::max(in.product.rows, in.bank.rows));
    w.stride_ = whole_packs(columns);
    const std::int64_t cells = w.stride_ * std::min(queries_a_tile, in.query.rows);
    ARGOSY_ASSIGN(float* memory, on.scratch(cells + 5 * queries + more_floats));
    w.cells_ = memory;
    float* const at = memory + cells;
    w.walked_ = {at, at + queries, at + 2 * queries, at + 3 * queries, at + 4 * queries};
    w.more_ = at + 5 * queries;
    ARGOSY_TRY(launch(on.stream_, "matching loss", {dim3(blocks_for(in.query.rows, 256)), 256}, start, in.query.rows, w.walked_));
    return w;
  }

  // body(tile, its embeddings) after the similarities of each tile.
  template <class Body>
  status walk(Body body) {
    for (std::int64_t first = 0; first < in_.query.rows; first += queries_a_tile)
      for (const bool bank : {false, true}) ARGOSY_TRY(walk_source(first, bank, body));
    return {};
  }

  std::int64_t queries_of(const tile& t) const { return std::min(queries_a_tile, in_.query.rows - t.first_query); }
  view cells(const tile& t) const { return {t.cells, dtype::f32, queries_of(t), t.columns, t.stride}; }
  template <class... P, class... A>
  status each_query(const tile& t, void (*kernel)(tile, lists, trained_scale, P...), A... arguments) {
    return launch(on_.stream_, "matching loss", {dim3(static_cast<unsigned>(queries_of(t))), threads_a_block}, kernel, t, lists_, scale_,
                  arguments...);
  }
  const cpu::qpm_masks& masks() const { return masks_; }
  const walked& state() const { return walked_; }
  const trained_scale& scale() const { return scale_; }
  float* more() const { return more_; }

private:
  qpm_walk(cuda_device& on, const qpm_input& in)
      : on_(on),
        in_(in),
        masks_(in),
        scale_{static_cast<const float*>(in.log_scale.data), static_cast<float>(in.scale), static_cast<float>(in.scale_limit)} {}

  status copy_lists() {
    std::vector<std::int32_t> columns, offset{0};
    for (std::int64_t b = 0; b < in_.query.rows; ++b) {
      const auto of = masks_.of(b);
      columns.insert(columns.end(), of.begin(), of.end());
      offset.push_back(static_cast<std::int32_t>(columns.size()));
    }
    ARGOSY_ASSIGN(lists_.own, on_.staging_->copy(in_.own));
    ARGOSY_ASSIGN(lists_.masked, on_.staging_->copy(std::span<const std::int32_t>(columns)));
    ARGOSY_ASSIGN(lists_.mask_offset, on_.staging_->copy(std::span<const std::int32_t>(offset)));
    ARGOSY_ASSIGN(lists_.weight, on_.staging_->copy(in_.row_weight));
    return {};
  }

  template <class Body>
  status walk_source(std::int64_t first_query, bool bank, Body body) {
    const const_view source = bank ? in_.bank : in_.product;
    const std::int64_t before = bank ? in_.product.rows : 0, rows = source.empty() ? 0 : source.rows;
    const double weight = bank ? in_.weight_bank : in_.weight_product;
    for (std::int64_t first = 0; first < rows; first += columns_a_tile) {
      const std::int64_t columns = std::min(columns_a_tile, rows - first);
      const tile t{cells_,
                   stride_,
                   first_query,
                   before + first,
                   columns,
                   (bank ? in_.bank_log_p : in_.product_log_p).as<float>() + first,
                   static_cast<float>(std::log(weight)),
                   bank};
      const const_view embedding = source.row_range(first, columns), queries = in_.query.row_range(first_query, queries_of(t));
      ARGOSY_TRY(on_.multiply({.a = {queries}, .b = {embedding, true}, .rounds = on_.rounds()}, cells(t)));
      ARGOSY_TRY(body(t, embedding));
    }
    return {};
  }

  cuda_device& on_;
  const qpm_input& in_;
  cpu::qpm_masks masks_;
  trained_scale scale_;
  lists lists_{};
  walked walked_{};
  float *cells_ = nullptr, *more_ = nullptr;
  std::int64_t stride_ = 0;
};

status cuda_device::qpm_forward(const qpm_input& in, const qpm_output& out) {
  if (in.query.rows == 0) return {};
  ARGOSY_ASSIGN(qpm_walk walk, qpm_walk::begin(*this, in));
  ARGOSY_TRY(walk.walk([&](const tile& t, const_view) { return walk.each_query(t, add_tile, walk.state()); }));
  const results to{out.loss.as<float>(), out.lse.as<float>(), out.share_product.as<float>(), out.share_bank.as<float>()};
  ARGOSY_TRY(launch(stream_, "matching loss", {dim3(blocks_for(in.query.rows, 256)), 256}, finish, in.query.rows, walk.state(), to));
  for (std::int64_t b = 0; b < in.query.rows; ++b) {
    const auto masked = walk.masks().of(b);
    const auto of_products = std::lower_bound(masked.begin(), masked.end(), static_cast<std::int32_t>(in.product.rows)) - masked.begin();
    const auto i = static_cast<std::size_t>(b);
    out.negatives_product[i] = static_cast<std::int32_t>(in.product.rows - 1 - of_products);
    out.negatives_bank[i] = static_cast<std::int32_t>(std::ssize(in.bank_id) - (std::ssize(masked) - of_products));
  }
  return {};
}

status cuda_device::qpm_backward(const qpm_input& in, const qpm_output& out, double d_loss, const qpm_gradient& g) {
  for (const view& wanted : {g.d_query, g.d_product, g.d_product_log_p}) zero(wanted);
  if (in.query.rows == 0) return {};
  ARGOSY_ASSIGN(qpm_walk walk, qpm_walk::begin(*this, in, parts_of(queries_a_tile) * columns_a_tile));
  const auto gradients = [&](const tile& t, const_view embedding) -> status {
    ARGOSY_TRY(walk.each_query(t, logit_gradients, static_cast<float>(d_loss), static_cast<const float*>(out.lse.data), walk.state()));
    const view cells = walk.cells(t);
    if (!g.d_query.empty())
      ARGOSY_TRY(
          multiply({.a = {cells}, .b = {embedding}, .add = true, .rounds = rounds()}, g.d_query.row_range(t.first_query, cells.rows)));
    if (t.bank) return {};
    if (!g.d_product_log_p.empty()) {
      const log_p_gradient each{as<float>(const_view(cells)), walk.scale()};
      ARGOSY_TRY(sum_columns_of<1>(stream_, "matching loss", cells.rows, cells.cols, each, walk.more()));
      ARGOSY_TRY(
          add_partial_sums(walk.more(), parts_of(cells.rows), cells.cols, g.d_product_log_p.column_range(t.first_column, t.columns)));
    }
    if (g.d_product.empty()) return {};
    return multiply({.a = {cells, true}, .b = {in.query.row_range(t.first_query, cells.rows)}, .add = true, .rounds = rounds()},
                    g.d_product.row_range(t.first_column, t.columns));
  };
  ARGOSY_TRY(walk.walk(gradients));
  if (g.d_log_scale.empty()) return {};
  return launch(stream_, "matching loss", {dim3(1), threads_a_block}, add_log_scale_gradient, in.query.rows, walk.scale(), walk.state(),
                g.d_log_scale.as<float>());
}

status cuda_device::qpm_draw(const qpm_input& in, const qpm_draws& draws, std::span<std::int32_t> drawn) {
  if (in.query.rows == 0) return {};
  qpm_input products = in;
  products.bank = {};
  products.bank_id = {};
  products.bank_log_p = {};
  const std::int64_t queries = whole_packs(in.query.rows);
  ARGOSY_ASSIGN(const std::uint32_t* pair, staging_->copy(draws.pair));
  ARGOSY_ASSIGN(qpm_walk walk, qpm_walk::begin(*this, products, 3 * queries));
  auto* const score = reinterpret_cast<double*>(walk.more());
  auto* const column = reinterpret_cast<std::int32_t*>(walk.more() + 2 * queries);
  ARGOSY_TRY(launch(stream_, "hard negatives", {dim3(blocks_for(in.query.rows, 256)), 256}, no_draw, in.query.rows, column));
  const draw_arguments how{draws.key, pair, draws.first_column, score, column};
  ARGOSY_TRY(walk.walk([&](const tile& t, const_view) { return walk.each_query(t, draw_of_tile, how); }));
  ARGOSY_TRY(called("a copy from the device", cudaMemcpyAsync(drawn.data(), column, drawn.size_bytes(), cudaMemcpyDeviceToHost, stream_)));
  return wait();
}

}  // namespace argosy::cuda
