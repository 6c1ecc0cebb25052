#include "kernels/cuda/cudnn_frontend.hpp"

#include <cudnn_frontend.h>

#include <map>
#include <unordered_map>
#include <vector>

#include "kernels/cuda/called.hpp"
#include "kernels/cuda/opened_library.hpp"

void* cudnn_frontend::cudnn_dlhandle = nullptr;  // where the frontend finds cuDNN's functions: open_cudnn()

namespace argosy::cuda {
namespace {

namespace fe = cudnn_frontend;
using tensor_of_graph = std::shared_ptr<fe::graph::Tensor_attributes>;

status open_cudnn() {
  static const status opened = [] {
    ARGOSY_ASSIGN(const opened_library library, opened_library::open("cuDNN", cudnn_file));
    fe::cudnn_dlhandle = library.handle();
    return status{};
  }();
  return opened;
}

// The frontend throws where a library or a function of it is not there.
template <class Call>
status called_frontend(const char* what, Call call) {
  try {
    fe::error_t said = call();
    if (said.is_good()) return {};
    return {errc::unavailable, std::string("cuDNN: fused attention: ") + what + ": " + said.get_message()};
  } catch (const std::exception& e) {
    return {errc::unavailable, std::string("cuDNN: fused attention: ") + what + ": " + e.what()};
  }
}

// Numbers of a graph's tensors: of the matrices, of their offsets, of the lengths.
constexpr std::int64_t matrix_uid(std::size_t which) { return 1 + static_cast<std::int64_t>(which); }
constexpr std::int64_t first_uid(std::size_t which) { return 101 + static_cast<std::int64_t>(which); }
constexpr std::int64_t q_length_uid = 201, kv_length_uid = 202;

class graph_of_attention final : public fused_plan {
public:
  explicit graph_of_attention(const fused_shape& s) : s_(s) {}

  status build(cudnnHandle_t on, const gpu_kind& gpu) {
    graph_.set_io_data_type(fe::DataType_t::BFLOAT16)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT)
        .set_sm_version(gpu.capability)
        .set_sm_count(gpu.multiprocessors);
    if (!gpu.facts.empty()) {
      auto facts = std::make_shared<fe::DeviceProperties>();
      const std::vector<std::uint8_t> bytes(gpu.facts.begin(), gpu.facts.end());
      ARGOSY_TRY(called_frontend("describing the GPU", [&] { return facts->deserialize(bytes); }));
      graph_.set_device_properties(facts);
    }
    if (s_.backward)
      draw_backward();
    else
      draw_forward();
    ARGOSY_TRY(called_frontend("the graph", [&] { return graph_.validate(); }));
    ARGOSY_TRY(
        called_frontend("the graph", [&] { return on == nullptr ? graph_.build_operation_graph() : graph_.build_operation_graph(on); }));
    ARGOSY_TRY(called_frontend("choosing an engine", [&] {
      return graph_.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
    }));
    ARGOSY_TRY(called_frontend("choosing an engine", [&] { return graph_.check_support(); }));
    ARGOSY_TRY(called_frontend("compiling", [&] { return graph_.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE); }));
    return called_frontend("its workspace", [&] { return graph_.get_workspace_size(workspace_bytes_); });
  }

  std::int64_t workspace_bytes() const noexcept override { return workspace_bytes_; }

  status run(cudnnHandle_t on, const fused_call& call, void* workspace) override {
    std::unordered_map<std::int64_t, void*> where{{q_length_uid, const_cast<std::int32_t*>(call.q_length)},
                                                  {kv_length_uid, const_cast<std::int32_t*>(call.kv_length)}};
    for (std::size_t i = 0; i < fused_matrices; ++i) {
      if (s_.stride[i] == 0) continue;
      where[matrix_uid(i)] = call.data[i];
      where[first_uid(i)] = const_cast<std::int32_t*>(call.first[i]);
    }
    return called_frontend("running", [&] { return graph_.execute(on, where, workspace); });
  }

private:
  // As it lies in memory: sequence b of `matrix` begins at its number first[b].
  void lay_out(fused which, fe::graph::Tensor_attributes& to) {
    const auto i = static_cast<std::size_t>(which);
    const std::int64_t longest = is_of_keys(which) ? s_.kv_longest : s_.q_longest, stride = s_.stride[i];
    const bool narrow = which == fused::lse;
    const auto first = graph_.tensor(fe::graph::Tensor_attributes()
                                         .set_uid(first_uid(i))
                                         .set_data_type(fe::DataType_t::INT32)
                                         .set_dim({s_.sequences + 1, 1, 1, 1})
                                         .set_stride({1, 1, 1, 1}));
    to.set_uid(matrix_uid(i))
        .set_dim({s_.sequences, s_.heads, longest, narrow ? 1 : s_.width})
        .set_stride({longest * stride, narrow ? 1 : s_.width, stride, 1})
        .set_data_type(narrow ? fe::DataType_t::FLOAT : fe::DataType_t::BFLOAT16)
        .set_ragged_offset(first);
  }
  tensor_of_graph in(fused which) {
    fe::graph::Tensor_attributes made;
    lay_out(which, made);
    return graph_.tensor(made);
  }
  void out(fused which, const tensor_of_graph& made) {
    lay_out(which, *made);
    made->set_output(true);
  }
  tensor_of_graph length(std::int64_t uid) {
    return graph_.tensor(fe::graph::Tensor_attributes()
                             .set_uid(uid)
                             .set_data_type(fe::DataType_t::INT32)
                             .set_dim({s_.sequences, 1, 1, 1})
                             .set_stride({1, 1, 1, 1}));
  }

  void draw_forward() {
    const bool with_lse = s_.stride[fused::lse] != 0;
    const auto how = fe::graph::SDPA_attributes()
                         .set_name("attention")
                         .set_generate_stats(with_lse)
                         .set_attn_scale(s_.scale)
                         .set_padding_mask(true)
                         .set_seq_len_q(length(q_length_uid))
                         .set_seq_len_kv(length(kv_length_uid));
    const auto [o, lse] = graph_.sdpa(in(fused::q), in(fused::k), in(fused::v), how);
    out(fused::o, o);
    if (with_lse) out(fused::lse, lse);
  }

  void draw_backward() {
    const auto how = fe::graph::SDPA_backward_attributes()
                         .set_name("attention_backward")
                         .set_attn_scale(s_.scale)
                         .set_padding_mask(true)
                         .set_seq_len_q(length(q_length_uid))
                         .set_seq_len_kv(length(kv_length_uid))
                         .set_max_total_seq_len_q(s_.q_rows)
                         .set_max_total_seq_len_kv(s_.kv_rows)
                         .set_deterministic_algorithm(true);
    const auto [d_q, d_k, d_v] =
        graph_.sdpa_backward(in(fused::q), in(fused::k), in(fused::v), in(fused::o), in(fused::d_o), in(fused::lse), how);
    out(fused::d_q, d_q);
    out(fused::d_k, d_k);
    out(fused::d_v, d_v);
  }

  fused_shape s_;
  fe::graph::Graph graph_;
  std::int64_t workspace_bytes_ = 0;
};

class cudnn_attention final : public fused_attention {
public:
  explicit cudnn_attention(cudaStream_t on) : stream_(on) {}
  ~cudnn_attention() override {
    if (workspace_ != nullptr) cudaFree(workspace_);
    if (handle_ != nullptr) fe::detail::destroy_handle(handle_);
  }

  status set_up() {
    ARGOSY_TRY(open_cudnn());
    int device = 0;
    cudaDeviceProp facts{};
    ARGOSY_TRY(called("the device", cudaGetDevice(&device)));
    ARGOSY_TRY(called("asking the device", cudaGetDeviceProperties(&facts, device)));
    gpu_ = {facts.major * 10 + facts.minor, facts.multiProcessorCount, {}};
    ARGOSY_TRY(answered("cudnnCreate", fe::detail::create_handle(&handle_)));
    return answered("cudnnSetStream", fe::detail::set_stream(handle_, stream_));
  }

  status run(const fused_call& call) override {
    auto found = plans_.find(call.shape);
    if (found == plans_.end()) {
      ARGOSY_ASSIGN(auto made, plan_fused_attention(handle_, gpu_, call.shape));
      if (plans_.size() >= most_plans) plans_.clear();
      found = plans_.emplace(call.shape, std::move(made)).first;
    }
    if (const std::int64_t wanted = found->second->workspace_bytes(); wanted > workspace_bytes_) ARGOSY_TRY(grow(wanted));
    return found->second->run(handle_, call, workspace_);
  }

private:
  static constexpr std::size_t most_plans = 512;

  static status answered(const char* what, cudnnStatus_t by_cudnn) {
    if (by_cudnn == CUDNN_STATUS_SUCCESS) return {};
    return {errc::unavailable, std::string("cuDNN: ") + what + ": " + fe::detail::get_error_string(by_cudnn)};
  }

  status grow(std::int64_t bytes) {
    if (workspace_ != nullptr) cudaFree(workspace_);
    workspace_ = nullptr;
    workspace_bytes_ = 0;
    ARGOSY_TRY(called("workspace of cuDNN's attention", cudaMalloc(&workspace_, static_cast<std::size_t>(bytes))));
    workspace_bytes_ = bytes;
    return {};
  }

  cudaStream_t stream_;
  gpu_kind gpu_;
  cudnnHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
  std::int64_t workspace_bytes_ = 0;
  std::map<fused_shape, std::unique_ptr<fused_plan>> plans_;
};

}  // namespace

result<std::unique_ptr<fused_plan>> plan_fused_attention(cudnnHandle_t on, const gpu_kind& gpu, const fused_shape& shape) {
  ARGOSY_TRY(open_cudnn());
  auto made = std::make_unique<graph_of_attention>(shape);
  ARGOSY_TRY(made->build(on, gpu));
  return std::unique_ptr<fused_plan>(std::move(made));
}

result<std::unique_ptr<fused_attention>> make_fused_attention(cudaStream_t on) {
  auto made = std::make_unique<cudnn_attention>(on);
  ARGOSY_TRY(made->set_up());
  return std::unique_ptr<fused_attention>(std::move(made));
}

}  // namespace argosy::cuda
