#include "tests/support/forwarding_device.hpp"

#include <string>

#include "base/check.hpp"
#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/classify.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/linear.hpp"
#include "kernels/modal_gate.hpp"
#include "kernels/qpm_loss.hpp"
#include "kernels/rows.hpp"

namespace argosy::test {
namespace {

class forwarding_device final : public device {
public:
  forwarding_device(std::unique_ptr<device> inner, std::unique_ptr<view_changer> views)
      : inner_(std::move(inner)), views_(std::move(views)), name_("forwarding to " + std::string(inner_->name())) {}

  std::string_view name() const noexcept override { return name_; }
  dtype type() const noexcept override { return inner_->type(); }
  dtype row_type() const noexcept override { return inner_->row_type(); }
  bool host_reads() const noexcept override { return views_->host_reads(inner_->host_reads()); }
  status wait() override { return inner_->wait(); }
  result<std::unique_ptr<work_mark>> mark() override { return views_->mark(); }
  result<device*> beside() override { return views_->beside(); }
  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override { return views_->allocate(bytes); }
  void zero(view x) override {
    inner_->zero(open(x));
    ARGOSY_CHECK(done({}).ok());
  }
  status upload(const void* from, view to) override { return done(inner_->upload(from, open(to))); }
  status download(const_view from, void* to) override { return done(inner_->download(open(from), to)); }

  status linear_forward(const linear_input& in, view y) override { return done(inner_->linear_forward(open(in), open(y))); }
  status linear_backward(const linear_input& in, const_view d_y, const linear_gradient& g) override {
    return done(inner_->linear_backward(open(in), open(d_y), {open(g.d_x), g.add_to_d_x, open(g.d_weight), open(g.d_bias)}));
  }
  status bias_gelu_forward(const_view x, const_view bias, view y) override {
    return done(inner_->bias_gelu_forward(open(x), open(bias), open(y)));
  }
  status bias_gelu_backward(const_view x, const_view bias, const_view d_y, view d_x, view d_bias) override {
    return done(inner_->bias_gelu_backward(open(x), open(bias), open(d_y), open(d_x), open(d_bias)));
  }
  status layer_norm_forward(const layer_norm_input& in, view y, const layer_norm_saved& saved) override {
    return done(inner_->layer_norm_forward(open(in), open(y), open(saved)));
  }
  status layer_norm_backward(const layer_norm_input& in, const layer_norm_saved& saved, const_view d_y,
                             const layer_norm_gradient& g) override {
    return done(
        inner_->layer_norm_backward(open(in), open(saved), open(d_y), {open(g.d_x), open(g.d_gain), open(g.d_bias), open(g.d_residual)}));
  }
  status attention_forward(const attention_input& in, view o, view lse) override {
    return done(inner_->attention_forward(open(in), open(o), open(lse)));
  }
  status attention_backward(const attention_input& in, const_view o, const_view lse, const_view d_o, const attention_gradient& g) override {
    return done(inner_->attention_backward(open(in), open(o), open(lse), open(d_o), {open(g.d_q), open(g.d_k), open(g.d_v)}));
  }
  status move_rows(const move_rows_input& in, view to) override {
    return done(inner_->move_rows({open(in.from), in.from_index, in.to_index, in.add}, open(to)));
  }
  status scale_rows(std::span<const float> factor, view x) override { return done(inner_->scale_rows(factor, open(x))); }
  status add(const_view x, view y) override { return done(inner_->add(open(x), open(y))); }
  status from_bytes(std::span<const std::uint8_t> bytes, double scale, double shift, view y) override {
    return done(inner_->from_bytes(bytes, scale, shift, open(y)));
  }
  status from_halves(std::span<const std::uint16_t> halves, view y) override { return done(inner_->from_halves(halves, open(y))); }
  status normalise_forward(const_view x, view y, view norm) override {
    return done(inner_->normalise_forward(open(x), open(y), open(norm)));
  }
  status normalise_backward(const_view y, const_view norm, const_view d_y, view d_x) override {
    return done(inner_->normalise_backward(open(y), open(norm), open(d_y), open(d_x)));
  }
  status modal_gate_forward(const modal_gate_input& in, view product, view gate) override {
    return done(inner_->modal_gate_forward(open(in), open(product), open(gate)));
  }
  status modal_gate_backward(const modal_gate_input& in, const_view gate, const_view d_product, const modal_gate_gradient& g) override {
    return done(inner_->modal_gate_backward(open(in), open(gate), open(d_product), {open(g.d_title), open(g.d_image), open(g.d_logits)}));
  }
  status qpm_forward(const qpm_input& in, const qpm_output& out) override { return done(inner_->qpm_forward(open(in), open(out))); }
  status qpm_backward(const qpm_input& in, const qpm_output& out, double d_loss, const qpm_gradient& g) override {
    return done(inner_->qpm_backward(open(in), open(out), d_loss,
                                     {open(g.d_query), open(g.d_product), open(g.d_log_scale), open(g.d_product_log_p)}));
  }
  status qpm_draw(const qpm_input& in, const qpm_draws& draws, std::span<std::int32_t> drawn) override {
    return done(inner_->qpm_draw(open(in), draws, drawn));
  }
  status pair_features_forward(const pair_rows& in, view y) override { return done(inner_->pair_features_forward(open(in), open(y))); }
  status pair_features_backward(const pair_rows& in, const_view d_y, view d_query, view d_product) override {
    return done(inner_->pair_features_backward(open(in), open(d_y), open(d_query), open(d_product)));
  }
  status cross_entropy(const cross_entropy_input& in, double d_loss, view loss, view d_logits) override {
    return done(inner_->cross_entropy({open(in.logits), in.label}, d_loss, open(loss), open(d_logits)));
  }
  status divergence(const divergence_input& in, double d_loss, view loss, view d_predicted) override {
    return done(inner_->divergence({open(in.target), open(in.predicted)}, d_loss, open(loss), open(d_predicted)));
  }
  status dropout(const dropout_input& in, view x) override { return done(inner_->dropout(in, open(x))); }
  status add_total(const_view x, double factor, view to) override { return done(inner_->add_total(open(x), factor, open(to))); }
  status add_squares(const_view x, view to) override { return done(inner_->add_squares(open(x), open(to))); }
  status adamw(const adamw_settings& s, const_view gradient, view parameter, view first, view second) override {
    adamw_settings opened = s;
    opened.squares = open(s.squares);
    return done(inner_->adamw(opened, open(gradient), open(parameter), open(first), open(second)));
  }

private:
  view open(view v) { return v.data == nullptr ? v : views_->written(v); }
  const_view open(const_view v) { return v.data == nullptr ? v : views_->read(v); }
  status done(const status& said) {
    const status ended = views_->called();
    return said.ok() ? ended : said;
  }
  linear_input open(const linear_input& in) { return {open(in.x), open(in.weight), open(in.bias)}; }
  layer_norm_input open(const layer_norm_input& in) {
    return {open(in.x), open(in.residual), open(in.gain), open(in.bias), in.eps, in.drop};
  }
  layer_norm_saved open(const layer_norm_saved& saved) { return {open(saved.normalised), open(saved.rstd)}; }
  attention_input open(const attention_input& in) {
    return {in.heads, in.scale, open(in.q), open(in.k), open(in.v), in.q_offset, in.kv_offset};
  }
  modal_gate_input open(const modal_gate_input& in) { return {open(in.title), open(in.image), open(in.logits), in.present}; }
  pair_rows open(const pair_rows& in) { return {open(in.query), open(in.product)}; }
  qpm_input open(qpm_input in) {
    for (const_view* each : {&in.query, &in.product, &in.bank, &in.log_scale, &in.product_log_p, &in.bank_log_p}) *each = open(*each);
    return in;
  }
  qpm_output open(qpm_output out) {
    for (view* each : {&out.loss, &out.lse, &out.share_product, &out.share_bank}) *each = open(*each);
    return out;
  }

  std::unique_ptr<device> inner_;
  std::unique_ptr<view_changer> views_;
  std::string name_;
};

}  // namespace

std::unique_ptr<device> make_forwarding_device(std::unique_ptr<device> inner, std::unique_ptr<view_changer> views) {
  return std::make_unique<forwarding_device>(std::move(inner), std::move(views));
}

}  // namespace argosy::test
