#include "model/replica.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "data/masks.hpp"
#include "kernels/adamw.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"
#include "kernels/transfer.hpp"
#include "model/tasks.hpp"

namespace argosy {
namespace {

// Places among the totals, after the losses of the tasks.
enum class total : std::uint8_t { share_product = task_count, share_bank, gate_image, squares, log_scale };
constexpr std::int64_t total_count = static_cast<std::int64_t>(total::log_scale) + 1;

struct hidden_parts {
  masked_text query, title;
  std::vector<std::int32_t> patch;
};

double mean_weight(double weight, double count) { return count > 0 ? weight / count : 0; }

}  // namespace

std::string_view name_of(task t) noexcept {
  constexpr std::string_view names[task_count] = {"qpm", "keyword", "mlm_query", "mlm_title", "mpm_r", "mpm", "qpc"};
  return names[static_cast<std::size_t>(t)];
}

double weight_of(task t, const recipe& r) noexcept {
  switch (t) {
    case task::matching: return r.tasks.matching;
    case task::keywords: return r.tasks.keywords;
    case task::query_words: return r.tasks.words;
    case task::title_words: return r.model.use_title ? r.tasks.words : 0;
    case task::patches: return r.model.use_image ? r.tasks.patches : 0;
    case task::patch_regression: return r.model.use_image ? r.tasks.patch_regression : 0;
    case task::classification: return r.tasks.classification;
  }
  return 0;
}

struct replica::impl {
  impl(device& dev, const recipe& of, retrieval_model made) : on(&dev), r(of), model(std::move(made)) {
    const auto& weights = model.weights();
    if (weight(task::query_words) > 0) query_words = word_head::bind(weights, "mlm.query", std::string(model.query_tokens()));
    if (weight(task::title_words) > 0) title_words = word_head::bind(weights, "mlm.title", std::string(model.title_tokens()));
    if (weight(task::patches) > 0 || weight(task::patch_regression) > 0) patches = patch_head::bind(weights, "mpm");
    if (weight(task::classification) > 0) classes = pair_head::bind(weights, "qpc");
  }

  double weight(task t) const noexcept { return weight_of(t, r); }
  bool hides() const noexcept { return query_words || title_words || patches; }
  bool in_parts(const batch& b) const noexcept { return r.train.micro_batch > 0 && r.train.micro_batch < b.size(); }

  hidden_parts hide(const batch&, std::uint64_t step) const;
  status embed(const batch&, const hidden_parts*);
  status run_heads(const hidden_parts&);
  status backward(const_view d_query, const_view d_product, bool with_heads, const gradients_complete& = {});
  status heads_alone(const batch&);
  status embed_for_matching(const batch&);

  status embed_in_parts(const batch&);
  status backward_in_parts(const batch&, const_view d_product, const gradients_complete&);

  status match(const batch&, const product_columns&, std::int64_t first_own, const bank_view&);
  status add_up(std::int64_t pairs, std::int64_t further);
  qpm_input matching_input(const batch&, const product_columns&, std::int64_t first_own, const bank_view&);
  status classify(const batch&, qpm_input, std::int64_t first_own);
  void weigh_queries(const batch&);
  status prepare_outputs(std::int64_t queries, std::int64_t columns);

  view total_of(task t) noexcept { return totals.all().column_range(static_cast<std::int64_t>(t), 1); }
  view total_of(total t) noexcept { return totals.all().column_range(static_cast<std::int64_t>(t), 1); }

  device* on;
  recipe r;
  retrieval_model model;
  std::optional<word_head> query_words, title_words;
  std::optional<patch_head> patches;
  std::optional<pair_head> classes;

  step_plan plan;
  task_sums counts;
  tensor totals;  // (1, total_count) of this step
  double negatives_product = 0, negatives_bank = 0;
  hidden_parts hidden;  // of the last pass
  const_view query, product;
  tensor all_queries, all_products, part_of_d_query;
  tensor log_p, loss, lse, share_product, share_bank, d_query, d_columns;
  std::vector<std::int32_t> own, negatives_of_products, negatives_of_bank, drawn;
  std::vector<std::int32_t> paired_query, paired_product, label;
  std::vector<float> row_weight;
};

hidden_parts replica::impl::hide(const batch& b, std::uint64_t step) const {
  const auto key = [&](draw_site site) {
    return draw_key{r.train.seed, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(site)};
  };
  const word_mask how{r.tasks.word_rate, model.inputs().mask_piece, static_cast<std::int32_t>(model.inputs().vocabulary)};
  const auto pair = pairs_of_products(b);
  hidden_parts made;
  if (query_words) made.query = mask_words(b.query, pairs_of_queries(b), key(draw_site::query_mask), how);
  if (title_words) made.title = mask_words(b.product.title, pair, key(draw_site::title_mask), how);
  if (patches) made.patch = mask_patches(b.product.image, pair, key(draw_site::patch_mask), r.tasks.patch_rate);
  return made;
}

// One pass of the towers, over what is not hidden.
status replica::impl::embed(const batch& b, const hidden_parts* hides) {
  const auto of_queries = pairs_of_queries(b), of_products = pairs_of_products(b);
  const retrieval_model::pass pass{true, r.train.seed, plan.step, of_queries};
  const bool hides_queries = hides != nullptr && query_words, hides_titles = hides != nullptr && title_words;
  ARGOSY_ASSIGN(query, model.embed_queries(hides_queries ? hides->query.text : b.query, pass));
  const retrieval_model::product_parts parts{
      hides_titles ? hides->title.text : b.product.title, b.product.image,
      hides != nullptr ? std::span<const std::int32_t>(hides->patch) : std::span<const std::int32_t>{}};
  ARGOSY_ASSIGN(product, model.embed_products(parts, {true, r.train.seed, plan.step, of_products}));
  return {};
}

status replica::impl::run_heads(const hidden_parts& hides) {
  const auto each = [&](task t) { return mean_weight(weight(t), counts[t]); };
  if (query_words)
    ARGOSY_TRY(query_words->run(*on, model.query_rows(), hides.query.row, hides.query.piece, each(task::query_words),
                                total_of(task::query_words)));
  if (title_words)
    ARGOSY_TRY(title_words->run(*on, model.title_rows(), hides.title.row, hides.title.piece, each(task::title_words),
                                total_of(task::title_words)));
  if (!patches) return {};
  const patch_head::settings how{each(task::patches), each(task::patch_regression), r.tasks.symmetric_patches, r.tasks.same_patch};
  return patches->run(*on, model.image_rows(), model.patch_rows(), model.embedded_patches(), hides.patch, how,
                      {total_of(task::patches), total_of(task::patch_regression)});
}

status replica::impl::backward(const_view d_of_queries, const_view d_of_products, bool with_heads, const gradients_complete& complete) {
  retrieval_model::row_gradients of_query, of_title, of_image;
  if (with_heads && query_words) of_query = {query_words->d_rows(), hidden.query.row};
  if (with_heads && title_words) of_title = {title_words->d_rows(), hidden.title.row};
  if (with_heads && patches) of_image = {patches->d_rows(), patches->read_rows()};
  ARGOSY_TRY(model.backward_queries(d_of_queries, of_query, complete));
  return model.backward_products(d_of_products, of_title, of_image, complete);
}

status replica::impl::heads_alone(const batch& b) {
  hidden = hide(b, plan.step);
  ARGOSY_TRY(embed(b, &hidden));
  ARGOSY_TRY(run_heads(hidden));
  return backward({}, {}, true);
}

status replica::impl::embed_for_matching(const batch& b) {
  if (r.tasks.clean_matching || !hides()) return embed(b, nullptr);
  hidden = hide(b, plan.step);
  return embed(b, &hidden);
}

status replica::impl::embed_in_parts(const batch& b) {
  ARGOSY_TRY(all_queries.resize(*on, static_cast<std::int64_t>(b.query.size()), model.width()));
  ARGOSY_TRY(all_products.resize(*on, static_cast<std::int64_t>(b.size()), model.width()));
  for (std::size_t first = 0; first < b.size(); first += r.train.micro_batch) {
    const std::size_t count = std::min<std::size_t>(r.train.micro_batch, b.size() - first);
    ARGOSY_TRY(embed_for_matching(part_of(b, first, count)));
    ARGOSY_TRY(move_rows(*on, {query, {}, query_rows_of_part(b, first, count), false}, all_queries));
    const view rows = all_products.all().row_range(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count));
    ARGOSY_TRY(move_rows(*on, {product, {}, {}, false}, rows));
    ARGOSY_TRY(add_total(*on, model.gates().column_range(1, 1), 1, total_of(total::gate_image)));
  }
  query = all_queries;
  product = all_products;
  return {};
}

status replica::impl::backward_in_parts(const batch& b, const_view d_product, const gradients_complete& complete) {
  const bool heads_with_matching = hides() && !r.tasks.clean_matching;
  for (std::size_t first = 0; first < b.size(); first += r.train.micro_batch) {
    const std::size_t count = std::min<std::size_t>(r.train.micro_batch, b.size() - first);
    const batch part = part_of(b, first, count);
    if (hides() && r.tasks.clean_matching) ARGOSY_TRY(heads_alone(part));
    ARGOSY_TRY(embed_for_matching(part));
    if (heads_with_matching) ARGOSY_TRY(run_heads(hidden));
    ARGOSY_TRY(part_of_d_query.resize(*on, static_cast<std::int64_t>(part.query.size()), model.width()));
    ARGOSY_TRY(move_rows(*on, {d_query, query_rows_of_part(b, first, count), {}, false}, part_of_d_query));
    const const_view rows = d_product.row_range(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count));
    const bool is_last = first + count == b.size();
    ARGOSY_TRY(backward(part_of_d_query, rows, heads_with_matching, is_last ? complete : gradients_complete{}));
  }
  return {};
}

status replica::impl::prepare_outputs(std::int64_t queries, std::int64_t columns) {
  for (auto* t : {&loss, &lse, &share_product, &share_bank}) ARGOSY_TRY(t->resize(*on, 1, queries));
  ARGOSY_TRY(d_query.resize(*on, queries, model.width()));
  ARGOSY_TRY(d_columns.resize(*on, columns, model.width()));
  negatives_of_products.resize(static_cast<std::size_t>(queries));
  negatives_of_bank.resize(static_cast<std::size_t>(queries));
  return {};
}

// Gradients are of `row_weight / pairs of all ranks` times the loss of a row.
void replica::impl::weigh_queries(const batch& b) {
  const double further = mean_weight(weight(task::keywords), counts[task::keywords]) * counts[task::matching];
  row_weight.assign(b.size(), static_cast<float>(weight(task::matching)));
  row_weight.resize(b.query.size(), static_cast<float>(further));
}

qpm_input replica::impl::matching_input(const batch& b, const product_columns& columns, std::int64_t first_own, const bank_view& bank) {
  own.clear();
  for (const std::int32_t row : b.own) own.push_back(row + static_cast<std::int32_t>(first_own));
  weigh_queries(b);
  qpm_input in;
  in.query = query;
  in.product = columns.embedding;
  in.bank = bank.embedding;
  in.log_scale = model.weights().at("log_scale").value;
  in.scale_limit = r.negatives.scale_limit;
  in.weight_product = r.negatives.weight_product;
  in.weight_bank = r.negatives.weight_bank;
  in.product_id = columns.product;
  in.bank_id = bank.product;
  in.product_log_p = columns.log_p;
  in.bank_log_p = bank.log_p;
  in.own = own;
  in.known_offset = b.known_offset;
  in.known_product = b.known_product;
  in.row_weight = row_weight;
  return in;
}

// One positive and one hard negative of each pair's query; the mean is over two a pair.
status replica::impl::classify(const batch& b, qpm_input in, std::int64_t first_own) {
  in.query = in.query.row_range(0, static_cast<std::int64_t>(b.size()));
  in.own = in.own.first(b.size());
  in.known_offset = in.known_offset.first(b.size() + 1);
  in.known_product = in.known_product.first(static_cast<std::size_t>(in.known_offset.back()));
  in.row_weight = {};
  drawn.resize(b.size());
  const auto pair = pairs_of_products(b);
  const draw_key key{r.train.seed, static_cast<std::uint32_t>(plan.step), static_cast<std::uint32_t>(draw_site::hard_negative)};
  const auto first_column = static_cast<std::uint32_t>(b.first_pair) - static_cast<std::uint32_t>(first_own);
  ARGOSY_TRY(qpm_draw(*on, in, {key, pair, first_column}, drawn));
  paired_query.clear(), paired_product.clear(), label.clear();
  const auto add_pair = [&](std::size_t row, std::int32_t column, std::int32_t matches) {
    paired_query.push_back(static_cast<std::int32_t>(row));
    paired_product.push_back(column);
    label.push_back(matches);
  };
  for (std::size_t row = 0; row < b.size(); ++row) {
    add_pair(row, own[row], 1);
    if (drawn[row] >= 0) add_pair(row, drawn[row], 0);
  }
  return classes->run(*on, {query, in.product, paired_query, paired_product, label},
                      mean_weight(weight(task::classification), counts[task::classification]), d_query, d_columns,
                      total_of(task::classification));
}

// Of the matching loss. Hardness is of the pairs' own queries.
status replica::impl::add_up(std::int64_t pairs, std::int64_t further) {
  ARGOSY_TRY(add_total(*on, loss.all().column_range(0, pairs), 1, total_of(task::matching)));
  ARGOSY_TRY(add_total(*on, loss.all().column_range(pairs, further), 1, total_of(task::keywords)));
  ARGOSY_TRY(add_total(*on, share_product.all().column_range(0, pairs), 1, total_of(total::share_product)));
  ARGOSY_TRY(add_total(*on, share_bank.all().column_range(0, pairs), 1, total_of(total::share_bank)));
  negatives_product = std::accumulate(negatives_of_products.begin(), negatives_of_products.begin() + pairs, 0.0);
  negatives_bank = std::accumulate(negatives_of_bank.begin(), negatives_of_bank.begin() + pairs, 0.0);
  return {};
}

status replica::impl::match(const batch& b, const product_columns& columns, std::int64_t first_own, const bank_view& bank) {
  ARGOSY_TRY(prepare_outputs(static_cast<std::int64_t>(b.query.size()), columns.embedding.rows));
  const qpm_input in = matching_input(b, columns, first_own, bank);
  const qpm_output out{loss, lse, share_product, share_bank, negatives_of_products, negatives_of_bank};
  ARGOSY_TRY(qpm_forward(*on, in, out));
  ARGOSY_TRY(qpm_backward(*on, in, out, 1 / counts[task::matching],
                          {.d_query = d_query, .d_product = d_columns, .d_log_scale = model.weights().at("log_scale").gradient}));
  ARGOSY_TRY(add_up(static_cast<std::int64_t>(b.size()), static_cast<std::int64_t>(b.further())));
  return classes ? classify(b, in, first_own) : status{};
}

replica::replica(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
replica::replica(replica&&) noexcept = default;
replica& replica::operator=(replica&&) noexcept = default;
replica::~replica() = default;

result<replica> replica::make(device& dev, const recipe& r, const model_inputs& in) {
  if (r.tasks.words > 0 && in.mask_piece < 0)
    return status{errc::invalid_argument, "tasks.words = " + std::to_string(r.tasks.words) + ": the vocabulary has no piece [MASK]"};
  const auto place = r.train.shard_moments ? placement::sharded : placement::training;
  ARGOSY_ASSIGN(auto model, retrieval_model::make(dev, r, in, place));
  auto made = std::make_unique<impl>(dev, r, std::move(model));
  ARGOSY_ASSIGN(made->totals, tensor::make(dev, 1, total_count));
  return replica(std::move(made));
}

task_sums replica::count(const batch& b, const step_plan& plan) const {
  const auto& m = *impl_;
  const hidden_parts hidden = m.hide(b, plan.step);
  const auto pairs = static_cast<double>(b.size());
  task_sums counts;
  counts[task::matching] = pairs;
  counts[task::keywords] = static_cast<double>(b.further());
  counts[task::query_words] = static_cast<double>(hidden.query.row.size());
  counts[task::title_words] = static_cast<double>(hidden.title.row.size());
  counts[task::patches] = counts[task::patch_regression] = static_cast<double>(hidden.patch.size());
  counts[task::classification] = 2 * pairs;
  return counts;
}

result<product_columns> replica::forward(const batch& b, const step_plan& plan, const task_sums& counts) {
  auto& m = *impl_;
  // First of all: an upload waits for what was given to the device before it.
  ARGOSY_TRY(m.log_p.resize(*m.on, 1, static_cast<std::int64_t>(b.size())));
  ARGOSY_TRY(upload(*m.on, b.product.log_p, m.log_p));
  m.model.weights().zero_gradients(*m.on);
  m.on->zero(m.totals);
  m.plan = plan;
  m.counts = counts;
  if (m.in_parts(b)) {
    ARGOSY_TRY(m.embed_in_parts(b));
  } else {
    if (m.hides() && m.r.tasks.clean_matching) ARGOSY_TRY(m.heads_alone(b));
    ARGOSY_TRY(m.embed_for_matching(b));
    if (m.hides() && !m.r.tasks.clean_matching) ARGOSY_TRY(m.run_heads(m.hidden));
    ARGOSY_TRY(add_total(*m.on, m.model.gates().column_range(1, 1), 1, m.total_of(total::gate_image)));
  }
  return product_columns{m.product, b.product.product, m.log_p};
}

status replica::match(const batch& b, const product_columns& columns, std::int64_t first_own, const bank_view& bank) {
  return impl_->match(b, columns, first_own, bank);
}

view replica::column_gradient() noexcept { return impl_->d_columns; }

status replica::backward(const batch& b, const const_view d_product, const gradients_complete& complete) {
  auto& m = *impl_;
  if (m.in_parts(b)) return m.backward_in_parts(b, d_product, complete);
  return m.backward(m.d_query, d_product, m.hides() && !m.r.tasks.clean_matching, complete);
}

status replica::update(const step_plan& plan) {
  auto& m = *impl_;
  auto& weights = m.model.weights();
  if (weights.moments().held().of == 0) return {errc::internal, "an update: nobody said whose moments"};
  const view squares = m.total_of(total::squares);
  for (const int i : {0, 1}) ARGOSY_TRY(add_squares(*m.on, weights.arena_of(i).gradient, squares));
  const auto& o = m.r.optimiser;
  for (auto& part : weights.moments().parts()) {
    auto& a = weights.arena_of(part.arena);
    const adamw_settings settings{
        plan.rate, o.beta1, o.beta2, o.eps, a.decay ? o.weight_decay : 0, o.clip, squares, static_cast<std::int64_t>(plan.step) + 1};
    const auto of_part = [&](tensor& whole) { return whole.all().column_range(part.at.first, part.at.count); };
    ARGOSY_TRY(adamw(*m.on, settings, of_part(a.gradient), of_part(a.value), part.first, part.second));
  }
  return {};
}

result<step_outcome> replica::outcome() {
  auto& m = *impl_;
  ARGOSY_TRY(move_rows(*m.on, {m.model.weights().at("log_scale").value, {}, {}, false}, m.total_of(total::log_scale)));
  ARGOSY_ASSIGN(const auto totals, numbers_of(*m.on, m.totals));
  const auto at = [&](total t) { return totals[static_cast<std::size_t>(t)]; };
  step_outcome made;
  std::copy_n(totals.begin(), task_count, made.sums.loss.of.begin());
  made.sums.negatives_product = m.negatives_product;
  made.sums.negatives_bank = m.negatives_bank;
  made.sums.share_product = at(total::share_product);
  made.sums.share_bank = at(total::share_bank);
  made.sums.gate_image = at(total::gate_image);
  made.update.gradient_norm = std::sqrt(at(total::squares));
  made.update.scale = std::min(std::exp(at(total::log_scale)), m.r.negatives.scale_limit);
  return made;
}

retrieval_model& replica::model() noexcept { return impl_->model; }
const retrieval_model& replica::model() const noexcept { return impl_->model; }
device& replica::on() noexcept { return *impl_->on; }

}  // namespace argosy
