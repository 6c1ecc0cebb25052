#include "model/retrieval_model.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "data/image.hpp"
#include "kernels/normalise.hpp"
#include "kernels/rows.hpp"
#include "model/tasks.hpp"
#include "model/towers.hpp"

namespace argosy {
namespace {

// Draws of the three encoders never share a site.
constexpr std::uint32_t sites_of_a_tower = 1024;
enum class tower : std::uint32_t { query, title, image };

// By what the names of their parameters begin.
constexpr std::string_view query_projection = "project.query.", product_projection = "project.product.", adaptation = "adapt.";
std::string_view name_of(tower t) {
  constexpr std::string_view names[] = {"query.", "title.", "image."};
  return names[static_cast<std::size_t>(t)];
}

std::uint32_t first_site(tower t) {
  return static_cast<std::uint32_t>(draw_site::dropout) + static_cast<std::uint32_t>(t) * sites_of_a_tower;
}

encoder::shape encoder_shape(const model_recipe& r, int layers) { return {layers, r.heads, r.hidden, r.feed_forward}; }

const char* token_table(const model_recipe& r, tower t) {
  if (r.shared_tokens) return "token";
  return t == tower::query ? "query.token" : "title.token";
}

void add_head_specs(std::vector<parameter_spec>& specs, const recipe& r, const model_inputs& in) {
  const model_recipe& m = r.model;
  if (r.tasks.words > 0) {
    word_head::add_specs(specs, "mlm.query", m.hidden, in.vocabulary, m.initial);
    if (m.use_title) word_head::add_specs(specs, "mlm.title", m.hidden, in.vocabulary, m.initial);
  }
  if (m.use_image && (r.tasks.patches > 0 || r.tasks.patch_regression > 0)) patch_head::add_specs(specs, "mpm", m.hidden, m.initial);
  if (r.tasks.classification > 0) pair_head::add_specs(specs, "qpc", m.projection, m.initial);
}

// A projection and, for cosine, the scaling to length one.
struct head {
  linear_slot project;
  bool cosine = true;
  tensor raw, unit, norm, d_raw;

  result<const_view> forward(device& on, const_view x) {
    ARGOSY_TRY(raw.resize(on, x.rows, project.weight.rows));
    ARGOSY_TRY(argosy::forward(on, project, x, raw));
    if (!cosine) return const_view(raw.all());
    ARGOSY_TRY(unit.resize(on, x.rows, project.weight.rows));
    ARGOSY_TRY(norm.resize(on, 1, x.rows));
    ARGOSY_TRY(normalise_forward(on, raw, unit, norm));
    return const_view(unit.all());
  }

  status backward(device& on, const_view x, const_view d_out, view d_x) {
    if (!cosine) return argosy::backward(on, project, x, d_out, d_x);
    ARGOSY_TRY(d_raw.resize(on, d_out.rows, d_out.cols));
    ARGOSY_TRY(normalise_backward(on, unit, norm, d_out, d_raw));
    return argosy::backward(on, project, x, d_raw, d_x);
  }
};

status add_rows(device& on, const retrieval_model::row_gradients& from, view to) {
  return from.d.empty() ? status{} : move_rows(on, {from.d, {}, from.row, true}, to);
}

}  // namespace

int model_inputs::patch_width() const noexcept { return backbone.none() ? patch_bytes(image_width, image_height) : backbone.features; }

model_inputs inputs_of(const prepared_data& data) {
  return {.vocabulary = static_cast<std::int64_t>(data.vocab().size()),
          .query_length = data.query_length(),
          .title_length = data.title_length(),
          .image_width = data.image_width(),
          .image_height = data.image_height(),
          .mask_piece = data.vocab().mask().value_or(-1),
          .backbone = data.backbone()};
}

struct retrieval_model::impl {
  device* on = nullptr;
  model_recipe recipe;
  model_inputs inputs;
  parameters weights;
  text_tower query, title;
  image_tower image;
  modal_adaptation adapt;
  head query_head, product_head;

  packed_text query_text, title_text;  // of the last pass, for its backward
  std::vector<std::int32_t> no_rows, no_offset;
  const_view query_rows, title_rows, image_rows, adapted;
  bool heads_read_queries = false;  // recipe: tasks.words
  bool query_cls_alone = false;     // the last pass
  tensor query_cls, d_query_cls, d_query, d_title, d_image, d_adapted;

  pass_context context_of(const pass& p, tower t) const { return {p.training ? recipe.dropout : 0, p.seed, p.step, p.pair, first_site(t)}; }
  modal_adaptation::packed_rows titles() const {
    if (!recipe.use_title) return {{}, no_offset, no_rows};
    return {title_rows, title_text.offset, title.first_rows()};
  }
  modal_adaptation::packed_rows images() const {
    if (!recipe.use_image) return {{}, no_offset, no_rows};
    return {image_rows, image.offset(), image.first_rows()};
  }
};

retrieval_model::retrieval_model(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
retrieval_model::retrieval_model(retrieval_model&&) noexcept = default;
retrieval_model& retrieval_model::operator=(retrieval_model&&) noexcept = default;
retrieval_model::~retrieval_model() = default;

std::vector<parameter_spec> retrieval_model::parameters_of(const recipe& whole, const model_inputs& in) {
  const model_recipe& r = whole.model;
  std::vector<parameter_spec> specs;
  const auto text = [&](const char* name, tower t, int layers, int longest) {
    const bool own = !r.shared_tokens || t == tower::query;
    text_tower::add_specs(specs, name, token_table(r, t), own, in.vocabulary, longest, encoder_shape(r, layers), r.initial);
  };
  text("query", tower::query, r.query_layers, in.query_length);
  if (r.use_title) text("title", tower::title, r.title_layers, in.title_length);
  if (r.use_image) image_tower::add_specs(specs, "image", in.patch_width(), encoder_shape(r, r.image_layers), r.initial);
  modal_adaptation::add_specs(specs, "adapt", r.hidden, r.initial);
  add_linear_specs(specs, "project.query", r.projection, r.hidden, r.initial);
  add_linear_specs(specs, "project.product", r.projection, r.hidden, r.initial);
  specs.push_back({"log_scale", 1, 1, initial::constant, std::log(whole.negatives.scale), false});
  add_head_specs(specs, whole, in);
  return specs;
}

result<retrieval_model> retrieval_model::make(device& on, const recipe& whole, const model_inputs& in, placement place) {
  const model_recipe& r = whole.model;
  if (in.vocabulary < 1) return status{errc::invalid_argument, "vocabulary: want at least one piece, got " + std::to_string(in.vocabulary)};
  auto made = std::make_unique<impl>();
  made->on = &on;
  made->recipe = r;
  made->inputs = in;
  made->heads_read_queries = whole.tasks.words > 0;
  ARGOSY_ASSIGN(made->weights, parameters::make(on, parameters_of(whole, in), whole.train.seed, place));
  const auto& w = made->weights;
  made->query = text_tower::bind(w, "query", token_table(r, tower::query), encoder_shape(r, r.query_layers));
  if (r.use_title) made->title = text_tower::bind(w, "title", token_table(r, tower::title), encoder_shape(r, r.title_layers));
  if (r.use_image) made->image = image_tower::bind(w, "image", encoder_shape(r, r.image_layers));
  made->adapt = modal_adaptation::bind(w, "adapt", r.hidden, r.heads);
  made->query_head = {slot_of(w, "project.query"), r.cosine, {}, {}, {}, {}};
  made->product_head = {slot_of(w, "project.product"), r.cosine, {}, {}, {}, {}};
  return retrieval_model(std::move(made));
}

result<const_view> retrieval_model::embed_queries(const packed_text& text, const pass& p) {
  auto& m = *impl_;
  m.query_text = text;
  const bool any_empty = text.size() == 0 || std::ranges::adjacent_find(text.offset) != text.offset.end();
  m.query_cls_alone = !(p.training && m.heads_read_queries) && !any_empty && m.recipe.query_layers > 0;
  ARGOSY_ASSIGN(m.query_rows, m.query.forward(*m.on, text, m.context_of(p, tower::query), m.query_cls_alone));
  if (m.query_cls_alone) return m.query_head.forward(*m.on, m.query_rows);
  ARGOSY_TRY(m.query_cls.resize_rows(*m.on, static_cast<std::int64_t>(text.size()), m.recipe.hidden));
  ARGOSY_TRY(move_rows(*m.on, {m.query_rows, m.query.first_rows(), {}, false}, m.query_cls));
  return m.query_head.forward(*m.on, m.query_cls);
}

result<const_view> retrieval_model::embed_products(const product_parts& parts, const pass& p) {
  auto& m = *impl_;
  const std::size_t count = parts.image.size();
  m.no_rows.assign(count, -1);
  m.no_offset.assign(count + 1, 0);
  if (m.recipe.use_title) {
    m.title_text = parts.title;
    ARGOSY_ASSIGN(m.title_rows, m.title.forward(*m.on, parts.title, m.context_of(p, tower::title)));
  }
  if (m.recipe.use_image) {
    ARGOSY_ASSIGN(m.image_rows, m.image.forward(*m.on, parts.image, parts.masked_patch, m.context_of(p, tower::image)));
  }
  ARGOSY_ASSIGN(m.adapted, m.adapt.forward(*m.on, m.titles(), m.images()));
  return m.product_head.forward(*m.on, m.adapted);
}

const_view retrieval_model::gates() const noexcept { return impl_->adapt.gate(); }

const_view retrieval_model::query_rows() const noexcept { return impl_->query_cls_alone ? const_view() : impl_->query_rows; }
const_view retrieval_model::title_rows() const noexcept { return impl_->title_rows; }
const_view retrieval_model::image_rows() const noexcept { return impl_->image_rows; }
std::span<const std::int32_t> retrieval_model::patch_rows() const noexcept { return impl_->image.patch_rows(); }
const_view retrieval_model::embedded_patches() const noexcept { return impl_->image.embedded(); }

status retrieval_model::backward_queries(const_view d_embedding, const row_gradients& of_heads, const gradients_complete& complete) {
  auto& m = *impl_;
  ARGOSY_TRY(m.d_query.resize_rows(*m.on, m.query_rows.rows, m.recipe.hidden));
  if (m.query_cls_alone) {
    ARGOSY_CHECK(of_heads.d.empty());
    if (d_embedding.empty()) return {};
    ARGOSY_TRY(m.query_head.backward(*m.on, m.query_rows, d_embedding, m.d_query));
  } else {
    m.on->zero(m.d_query);
    if (!d_embedding.empty()) {
      ARGOSY_TRY(m.d_query_cls.resize_rows(*m.on, m.query_cls.rows(), m.recipe.hidden));
      ARGOSY_TRY(m.query_head.backward(*m.on, m.query_cls, d_embedding, m.d_query_cls));
      ARGOSY_TRY(move_rows(*m.on, {m.d_query_cls, {}, m.query.first_rows(), true}, m.d_query));
    }
    ARGOSY_TRY(add_rows(*m.on, of_heads, m.d_query));
  }
  tell(complete, query_projection);
  ARGOSY_TRY(m.query.backward(*m.on, m.query_text, m.d_query, complete));
  tell(complete, name_of(tower::query));
  return {};
}

status retrieval_model::backward_products(const_view d_embedding, const row_gradients& of_title_head, const row_gradients& of_image_head,
                                          const gradients_complete& complete) {
  auto& m = *impl_;
  const auto titles = m.titles(), images = m.images();
  ARGOSY_TRY(m.d_title.resize_rows(*m.on, titles.rows.rows, m.recipe.hidden));
  ARGOSY_TRY(m.d_image.resize_rows(*m.on, images.rows.rows, m.recipe.hidden));
  if (d_embedding.empty()) {
    m.on->zero(m.d_title);
    m.on->zero(m.d_image);
  } else {
    ARGOSY_TRY(m.d_adapted.resize_rows(*m.on, m.adapted.rows, m.recipe.hidden));
    ARGOSY_TRY(m.product_head.backward(*m.on, m.adapted, d_embedding, m.d_adapted));
    ARGOSY_TRY(m.adapt.backward(*m.on, titles, images, m.d_adapted, m.d_title, m.d_image));
  }
  tell(complete, product_projection);
  tell(complete, adaptation);
  ARGOSY_TRY(add_rows(*m.on, of_title_head, m.d_title));
  ARGOSY_TRY(add_rows(*m.on, of_image_head, m.d_image));
  if (m.recipe.use_title) {
    ARGOSY_TRY(m.title.backward(*m.on, m.title_text, m.d_title, complete));
    tell(complete, name_of(tower::title));
  }
  if (m.recipe.use_image) {
    ARGOSY_TRY(m.image.backward(*m.on, m.d_image, complete));
    tell(complete, name_of(tower::image));
  }
  return {};
}

std::vector<std::string> retrieval_model::gradient_order(const recipe& whole) {
  const model_recipe& r = whole.model;
  std::vector<std::string> order;
  const auto add_tower = [&](tower t, const char* name, int layers) {
    for (int l = layers; l-- > 0;) order.push_back(encoder::name_of_layer(name, static_cast<std::size_t>(l)));
    order.emplace_back(name_of(t));
  };
  order.emplace_back(query_projection);
  add_tower(tower::query, "query", r.query_layers);
  order.emplace_back(product_projection);
  order.emplace_back(adaptation);
  if (r.use_title) add_tower(tower::title, "title", r.title_layers);
  if (r.use_image) add_tower(tower::image, "image", r.image_layers);
  return order;
}

device& retrieval_model::on() const noexcept { return *impl_->on; }
parameters& retrieval_model::weights() noexcept { return impl_->weights; }
const parameters& retrieval_model::weights() const noexcept { return impl_->weights; }
const model_recipe& retrieval_model::shape() const noexcept { return impl_->recipe; }
std::string_view retrieval_model::query_tokens() const noexcept { return token_table(impl_->recipe, tower::query); }
std::string_view retrieval_model::title_tokens() const noexcept { return token_table(impl_->recipe, tower::title); }
const model_inputs& retrieval_model::inputs() const noexcept { return impl_->inputs; }
std::int64_t retrieval_model::width() const noexcept { return impl_->recipe.projection; }

}  // namespace argosy
