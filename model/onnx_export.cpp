#include "model/onnx_export.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "data/image.hpp"
#include "model/encoder.hpp"
#include "model/onnx_graph.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

using value = onnx_graph::value;

constexpr std::string_view folder_kind = "onnx-export";
constexpr std::uint32_t folder_version = 1;
constexpr float lowest = std::numeric_limits<float>::lowest();
constexpr float shortest = 1e-12F;  // kernels/normalise.hpp

std::span<const float> values_of(const parameter& p) { return {p.value.as<float>(), static_cast<std::size_t>(p.spec.rows * p.spec.cols)}; }

// The parts of the model, each a few nodes. Shapes stand beside the values: B sequences, T rows of each, d hidden, H heads.
class model_graph {
public:
  model_graph(const char* name, const loaded_model& from) : graph_(name), from_(&from), r_(from.model.shape()) {
    const auto& in = from.model.inputs();
    for (const auto& [key, number] : {std::pair("query_length", in.query_length), std::pair("title_length", in.title_length),
                                      std::pair("image_width", in.image_width), std::pair("image_height", in.image_height)})
      graph_.note(key, std::to_string(number));
    graph_.note("segmenter", from.facts.segmenter);
    if (!in.backbone.none()) graph_.note("backbone", text_of(in.backbone));
  }

  // A batch of rows with its mask.
  struct rows {
    value x;                    // (B, T, d)
    std::optional<value> bias;  // (B, 1, 1, T): 0, or the lowest number where there is padding; none: all are there
    value has;                  // (B, 1): 1 or 0
  };

  rows text(const std::string& tower, const char* ids_name, const char* mask_name, int layers);
  value patches();
  rows image(int layers);
  value product(const std::optional<rows>& title, const std::optional<rows>& image);
  value first_row(const rows& of) { return graph_.apply("Gather", {of.x, graph_.integer(0)}, {{"axis", std::int64_t{1}}}); }  // (B, d)
  void embedding(const std::string& projection, const value& x);
  status write(const std::filesystem::path& path) const { return graph_.write(path); }

private:
  const parameter& at(const std::string& name) const { return from_->model.weights().at(name); }
  value table(const std::string& name);
  value vector(const std::string& name);
  value linear(const std::string& name, const value& x);
  value norm(const std::string& name, const value& x);
  value gelu(const value& x);
  value add(const value& a, const value& b) { return graph_.apply("Add", {a, b}); }
  value times(const value& a, const value& b) { return graph_.apply("Mul", {a, b}); }
  value as_float(const value& x) { return graph_.apply("Cast", {x}, {{"to", std::int64_t{1}}}); }
  value inverse(const value& mask) { return graph_.apply("Sub", {graph_.number(1), mask}); }
  value blocked(const value& mask) { return times(inverse(mask), graph_.number(lowest)); }  // 0 where the mask is 1
  value in_heads(const value& x);
  value attention(const std::string& name, const value& own, const rows& other);
  value encoder_layers(const std::string& tower, rows of, int layers);
  value adapted(const std::string& side, const value& own, const rows* other);
  value gated(const value& title, const value& image, const value& has_title, const value& has_image);

  onnx_graph graph_;
  const loaded_model* from_;
  const model_recipe& r_;
};

value model_graph::table(const std::string& name) {
  const auto& p = at(name);
  return graph_.weight(name, {p.spec.rows, p.spec.cols}, values_of(p));
}

value model_graph::vector(const std::string& name) {
  const auto& p = at(name);
  return graph_.weight(name, {p.spec.cols}, values_of(p));
}

// x W^T + b; W is written as its transpose, (in, out), which MatMul takes.
value model_graph::linear(const std::string& name, const value& x) {
  const auto& p = at(name + ".weight");
  const auto w = values_of(p);
  std::vector<float> transposed(w.size());
  const auto out = static_cast<std::size_t>(p.spec.rows), in = static_cast<std::size_t>(p.spec.cols);
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t i = 0; i < in; ++i) transposed[i * out + o] = w[o * in + i];
  const auto weight = graph_.weight(name + ".weight", {p.spec.cols, p.spec.rows}, transposed);
  return add(graph_.apply("MatMul", {x, weight}), vector(name + ".bias"));
}

value model_graph::norm(const std::string& name, const value& x) {
  return graph_.apply("LayerNormalization", {x, vector(name + ".weight"), vector(name + ".bias")},
                      {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(layer_norm_eps)}});
}

// x (1 + erf(x / sqrt(2))) / 2: the operator Gelu is younger than opset 17.
value model_graph::gelu(const value& x) {
  const auto erf = graph_.apply("Erf", {times(x, graph_.number(static_cast<float>(std::sqrt(.5))))});
  return times(times(x, graph_.number(.5F)), add(erf, graph_.number(1)));
}

// (B, T, d) or (B, d) to (B, H, T, d / H).
value model_graph::in_heads(const value& x) {
  const auto split = graph_.apply("Reshape", {x, graph_.integers({0, -1, r_.heads, r_.hidden / r_.heads})});
  return graph_.apply("Transpose", {split}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
}

// o(softmax(q k^T / sqrt(d / H) + bias) v) in the shape (B, T, d) of the queries, T = 1 for (B, d).
value model_graph::attention(const std::string& name, const value& own, const rows& other) {
  const auto q = in_heads(linear(name + "q", own)), k = in_heads(linear(name + "k", other.x)), v = in_heads(linear(name + "v", other.x));
  const auto turned = graph_.apply("Transpose", {k}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(r_.hidden) / r_.heads));
  auto scores = times(graph_.apply("MatMul", {q, turned}), graph_.number(scale));  // (B, H, T, T of the other)
  if (other.bias) scores = add(scores, *other.bias);
  const auto shares = graph_.apply("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  const auto mixed = graph_.apply("Transpose", {graph_.apply("MatMul", {shares, v})}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
  return linear(name + "o", graph_.apply("Reshape", {mixed, graph_.integers({0, -1, r_.hidden})}));
}

value model_graph::encoder_layers(const std::string& tower, rows of, int layers) {
  for (int l = 0; l < layers; ++l) {
    const auto name = tower + "." + std::to_string(l) + ".";
    const auto hidden = norm(name + "ln1", add(of.x, attention(name, of.x, of)));
    of.x = norm(name + "ln2", add(hidden, linear(name + "down", gelu(linear(name + "up", hidden)))));
  }
  return of.x;
}

model_graph::rows model_graph::text(const std::string& tower, const char* ids_name, const char* mask_name, int layers) {
  const auto ids = graph_.input(ids_name, onnx_type::int64, {"batch", "length"});
  const auto mask = as_float(graph_.input(mask_name, onnx_type::int64, {"batch", "length"}));
  const auto length = graph_.apply("Slice", {graph_.apply("Shape", {ids}), graph_.integers({1}), graph_.integers({2})});
  const auto places = graph_.apply("Slice", {table(tower + ".position"), graph_.integers({0}), length, graph_.integers({0})});  // (T, d)
  const auto words = graph_.apply("Gather", {table(r_.shared_tokens ? "token" : tower + ".token"), ids});
  rows made;
  made.x = norm(tower + ".embedding_ln", add(add(words, places), vector(tower + ".type")));
  made.bias = graph_.apply("Unsqueeze", {blocked(mask), graph_.integers({1, 2})});
  made.has = graph_.apply("ReduceMax", {mask}, {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{1}}});
  made.x = encoder_layers(tower, made, layers);
  return made;
}

// (B, 16, W), as image_tower takes them.
value model_graph::patches() {
  const auto& in = from_->model.inputs();
  if (!in.backbone.none()) return graph_.input("features", onnx_type::float32, {"batch", patches_per_image, in.patch_width()});
  const auto bytes = graph_.input("patches", onnx_type::uint8, {"batch", patches_per_image, in.patch_width()});
  return times(add(as_float(bytes), graph_.number(-128)), graph_.number(1.0F / 64));
}

model_graph::rows model_graph::image(int layers) {
  const value numbers = patches();
  const auto has = graph_.input("has_image", onnx_type::int64, {"batch"});
  const auto embedded = linear("image.patch", numbers);  // (B, 16, d)
  const auto batch = graph_.apply("Slice", {graph_.apply("Shape", {has}), graph_.integers({0}), graph_.integers({1})});
  const auto shape = graph_.apply("Concat", {batch, graph_.integers({1, r_.hidden})}, {{"axis", std::int64_t{0}}});
  const auto cls = graph_.apply("Expand", {vector("image.cls"), shape});  // (B, 1, d)
  const auto all = graph_.apply("Concat", {cls, embedded}, {{"axis", std::int64_t{1}}});
  rows made;
  made.x = norm("image.embedding_ln", add(add(all, table("image.position")), vector("image.type")));
  made.has = graph_.apply("Unsqueeze", {as_float(has), graph_.integers({1})});
  made.x = encoder_layers("image", made, layers);
  return made;
}

// LN(own + attention over the other modality); `other` null: nobody has it.
value model_graph::adapted(const std::string& side, const value& own, const rows* other) {
  if (other == nullptr) return norm("adapt." + side + ".ln", own);
  const auto seen = graph_.apply("Squeeze", {attention("adapt." + side + ".", own, *other), graph_.integers({1})});
  return norm("adapt." + side + ".ln", add(own, times(seen, other->has)));
}

// Without an image all weight is the title's, without a title the image's: kernels/modal_gate.hpp.
value model_graph::gated(const value& title, const value& image, const value& has_title, const value& has_image) {
  const auto both = graph_.apply("Concat", {title, image}, {{"axis", std::int64_t{1}}});
  const auto logits = linear("adapt.gate.down", gelu(linear("adapt.gate.up", both)));
  const auto no_title = times(times(inverse(has_title), has_image), graph_.number(lowest));
  const auto absent = graph_.apply("Concat", {no_title, blocked(has_image)}, {{"axis", std::int64_t{1}}});
  const auto gate = graph_.apply("Softmax", {add(logits, absent)}, {{"axis", std::int64_t{1}}});
  const auto column = [&](std::int64_t i) {
    return graph_.apply("Slice", {gate, graph_.integers({i}), graph_.integers({i + 1}), graph_.integers({1})});
  };
  return add(times(column(0), title), times(column(1), image));
}

value model_graph::product(const std::optional<rows>& title, const std::optional<rows>& image) {
  const auto own = [&](const rows& of) { return times(first_row(of), of.has); };
  if (!image) return adapted("t", own(*title), nullptr);
  if (!title) {
    const auto nothing = vector("adapt.t.ln.bias");  // LayerNorm of the zeros that stand for a title
    return add(times(image->has, adapted("v", own(*image), nullptr)), times(inverse(image->has), nothing));
  }
  return gated(adapted("t", own(*title), &*image), adapted("v", own(*image), &*title), title->has, image->has);
}

void model_graph::embedding(const std::string& projection, const value& x) {
  auto made = linear(projection, x);
  if (r_.cosine) {
    const auto length = graph_.apply("ReduceL2", {made}, {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{1}}});
    made = graph_.apply("Div", {made, graph_.apply("Max", {length, graph_.number(shortest)})});
  }
  graph_.output(made, "embedding", {"batch", r_.projection});
}

status write_query(const loaded_model& from, const std::filesystem::path& path) {
  model_graph graph("query", from);
  const auto rows = graph.text("query", "input_ids", "attention_mask", from.model.shape().query_layers);
  graph.embedding("project.query", graph.first_row(rows));
  return graph.write(path);
}

status write_product(const loaded_model& from, const std::filesystem::path& path) {
  const auto& r = from.model.shape();
  model_graph graph("product", from);
  std::optional<model_graph::rows> title, image;
  if (r.use_title) title = graph.text("title", "title_ids", "title_mask", r.title_layers);
  if (r.use_image) image = graph.image(r.image_layers);
  graph.embedding("project.product", graph.product(title, image));
  return graph.write(path);
}

}  // namespace

status export_onnx(const loaded_model& from, const std::filesystem::path& to) {
  ARGOSY_ASSIGN(auto writer, folder_writer::create(to, folder_kind, folder_version));
  ARGOSY_TRY(write_query(from, writer.path() / "query.onnx"));
  ARGOSY_TRY(write_product(from, writer.path() / "product.onnx"));
  ARGOSY_TRY(replace_file(writer.path() / "vocab.txt", from.facts.vocabulary));
  return writer.seal();
}

}  // namespace argosy
