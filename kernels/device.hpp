// A device: memory and the operators on it. Model code is written once against this interface and runs on
//   cpu_device        float32, oneDNN's products and our kernels, `threads` OpenMP threads of the calling thread
//   reference_device  float64, plain loops, one thread: the definition of every operator, and the oracle of its tests
// Callers use the checked functions of the operator headers (`linear_forward(device&, ...)`), which refuse bad shapes before anything is
// written and then call the virtual functions below.
// Rule      parameter gradients are added to (`+=`), everything else is overwritten (`=`) unless the header says otherwise.
// Threads   one device object belongs to one thread at a time, which need not always be the same.
// Memory    what a view shows is the device's: nobody else reads or writes it, but for what upload and download copy
//           (kernels/transfer.hpp). A device whose memory is the host's may be given views of the host's.
// Integers  index spans are in the host's memory; a device that cannot read it copies them before the call returns.
// Waiting   an operator may return before its work on the device is done; what it writes to a span of the host is there when it returns.
//           upload and download wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/status.hpp"
#include "kernels/tensor.hpp"

namespace argosy {

struct linear_input;
struct linear_gradient;
struct layer_norm_input;
struct layer_norm_saved;
struct layer_norm_gradient;
struct attention_input;
struct attention_gradient;
struct move_rows_input;
struct modal_gate_input;
struct modal_gate_gradient;
struct qpm_input;
struct qpm_output;
struct qpm_gradient;
struct qpm_draws;
struct pair_rows;
struct cross_entropy_input;
struct divergence_input;
struct adamw_settings;
struct dropout_input;

// A point in a device's work.   Threads  any.
class work_mark {
public:
  virtual ~work_mark() = default;
  // Until all that was asked for before it is done.
  virtual status wait() = 0;
};

class device {
public:
  virtual ~device() = default;
  virtual std::string_view name() const noexcept = 0;
  // Of parameters, gradients, losses and embeddings.
  virtual dtype type() const noexcept = 0;
  // Of the rows between operators; an operator takes rows of either type, but of one alone where it says so.
  virtual dtype row_type() const noexcept { return type(); }
  // Zeroed memory of this device, given back on the thread that lets go of it last; out of memory is a status, never an exception.
  virtual result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) = 0;
  virtual void zero(view) = 0;
  // Whether the host may read this device's memory by its addresses.
  virtual bool host_reads() const noexcept { return true; }
  // Until all work that was asked for is done. A device that works within its calls has nothing to wait for.
  virtual status wait() { return {}; }
  // After all work that was asked for until now. Null: it is done.
  virtual result<std::unique_ptr<work_mark>> mark() { return std::unique_ptr<work_mark>{}; }
  // Another device on the same memory, whose work goes on beside this one's, for another thread: this one's own, made when it is first
  // asked for. Null: there is none.
  virtual result<device*> beside() { return static_cast<device*>(nullptr); }

  // Called by kernels/transfer.hpp: rows one after the other, of the device's type. Both wait; download for all work before it too.
  virtual status upload(const void* from, view to) = 0;
  virtual status download(const_view from, void* to) = 0;

  // Called by the operator headers only; arguments are checked there.
  virtual status linear_forward(const linear_input&, view y) = 0;
  virtual status linear_backward(const linear_input&, const_view d_y, const linear_gradient&) = 0;
  virtual status bias_gelu_forward(const_view x, const_view bias, view y) = 0;
  virtual status bias_gelu_backward(const_view x, const_view bias, const_view d_y, view d_x, view d_bias) = 0;
  virtual status layer_norm_forward(const layer_norm_input&, view y, const layer_norm_saved&) = 0;
  virtual status layer_norm_backward(const layer_norm_input&, const layer_norm_saved&, const_view d_y, const layer_norm_gradient&) = 0;
  virtual status attention_forward(const attention_input&, view o, view lse) = 0;
  virtual status attention_backward(const attention_input&, const_view o, const_view lse, const_view d_o, const attention_gradient&) = 0;
  virtual status move_rows(const move_rows_input&, view to) = 0;
  virtual status scale_rows(std::span<const float> factor, view x) = 0;
  virtual status add(const_view x, view y) = 0;
  virtual status from_bytes(std::span<const std::uint8_t> bytes, double scale, double shift, view y) = 0;
  virtual status from_halves(std::span<const std::uint16_t> halves, view y) = 0;
  virtual status normalise_forward(const_view x, view y, view norm) = 0;
  virtual status normalise_backward(const_view y, const_view norm, const_view d_y, view d_x) = 0;
  virtual status modal_gate_forward(const modal_gate_input&, view product, view gate) = 0;
  virtual status modal_gate_backward(const modal_gate_input&, const_view gate, const_view d_product, const modal_gate_gradient&) = 0;
  virtual status qpm_forward(const qpm_input&, const qpm_output&) = 0;
  virtual status qpm_backward(const qpm_input&, const qpm_output&, double d_loss, const qpm_gradient&) = 0;
  virtual status qpm_draw(const qpm_input&, const qpm_draws&, std::span<std::int32_t> drawn) = 0;
  virtual status pair_features_forward(const pair_rows&, view y) = 0;
  virtual status pair_features_backward(const pair_rows&, const_view d_y, view d_query, view d_product) = 0;
  virtual status cross_entropy(const cross_entropy_input&, double d_loss, view loss, view d_logits) = 0;
  virtual status divergence(const divergence_input&, double d_loss, view loss, view d_predicted) = 0;
  virtual status dropout(const dropout_input&, view x) = 0;
  virtual status add_total(const_view x, double factor, view to) = 0;
  virtual status add_squares(const_view x, view to) = 0;
  virtual status adamw(const adamw_settings&, const_view gradient, view parameter, view first, view second) = 0;
};

// What the two factors of a linear map are rounded to before they are multiplied. Everything else is float32 whatever this is: sums,
// parameters, activations between operators, attention, LayerNorm, losses.
// fp8, on GPUs of compute capability 9.0 and up: as bfloat16, but the maps between rows of bfloat16 multiply 8-bit factors (kernels/cuda/fp8.hpp).
enum class compute : std::uint8_t { float32, bfloat16, fp8 };
std::string_view name_of(compute) noexcept;

// Whose attention a GPU runs over bfloat16 rows: ours, or cuDNN's where it takes them, and ours elsewhere (kernels/cuda/fused_attention.hpp).
enum class attention_by : std::uint8_t { argosy, cudnn };
std::string_view name_of(attention_by) noexcept;

// `threads` >= 1, or 0 for all cores of the machine.
std::unique_ptr<device> make_cpu_device(int threads, compute = compute::float32);
// Whether this processor multiplies bfloat16 itself. Where it does not, the factors are rounded and then multiplied as float32: the same
// numbers up to the order of sums, slower than float32.
bool cpu_multiplies_bfloat16() noexcept;
std::unique_ptr<device> make_reference_device();

// A contiguous matrix in a device's memory, zeroed when made. Grows and never shrinks under resize(), so that a step
// whose token count changes allocates only when it sets a record.
class tensor {
public:
  tensor() = default;
  static result<tensor> make(device&, std::int64_t rows, std::int64_t cols);
  // Of the device's type(). Contents are undefined after a resize to another shape.
  status resize(device&, std::int64_t rows, std::int64_t cols);
  // Of its row_type().
  status resize_rows(device&, std::int64_t rows, std::int64_t cols);
  view all() noexcept { return {memory_.get(), type_, rows_, cols_, cols_}; }
  const_view all() const noexcept { return {memory_.get(), type_, rows_, cols_, cols_}; }
  operator view() noexcept { return all(); }
  operator const_view() const noexcept { return all(); }
  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t cols() const noexcept { return cols_; }
  std::size_t bytes() const noexcept { return capacity_; }

private:
  status resize_to(device&, dtype, std::int64_t rows, std::int64_t cols);

  std::shared_ptr<std::byte> memory_;
  dtype type_ = dtype::f32;
  std::int64_t rows_ = 0, cols_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace argosy
