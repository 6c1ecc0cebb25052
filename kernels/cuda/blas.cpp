#include "kernels/cuda/blas.hpp"

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include "kernels/cuda/called.hpp"

namespace argosy::cuda {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what cuBLAS advises for compute capability 9.0
constexpr std::size_t most_plans = 4096;

status asked(std::string_view what, cublasStatus_t said) {
  if (said == CUBLAS_STATUS_SUCCESS) return {};
  return {errc::unavailable, "cuBLASLt: " + std::string(what) + ": " + cublasLtGetStatusString(said)};
}

cudaDataType_t type_of(dtype t) { return t == dtype::bf16 ? CUDA_R_16BF : CUDA_R_32F; }

// cuBLASLt's descriptors, freed with their owner.
template <class Handle, cublasStatus_t (*Destroy)(Handle)>
class owned {
public:
  owned() = default;
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;
  ~owned() {
    if (handle_ != nullptr) Destroy(handle_);
  }
  Handle* out() { return &handle_; }
  operator Handle() const { return handle_; }

private:
  Handle handle_ = nullptr;
};
using operation = owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using layout = owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using preference = owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

// What the choice of an algorithm depends on.
using plan_key = std::array<std::int64_t, 13>;

int alignment_of(const void* p) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  return at % 16 == 0 ? 16 : at % 8 == 0 ? 8 : at % 4 == 0 ? 4 : 2;
}

std::int64_t stride_of(const const_view& v) { return v.rows > 1 ? v.stride : std::max(v.stride, v.cols); }

plan_key key_of(const product_input& in, const view& c) {
  return {c.rows,
          c.cols,
          in.a.cols(),
          stride_of(in.a.matrix),
          stride_of(in.b.matrix),
          stride_of(c),
          in.a.transposed,
          in.b.transposed,
          static_cast<std::int64_t>(in.a.matrix.type) * 16 + static_cast<std::int64_t>(c.type),
          in.add * 8 + in.rounds * 4 + !in.bias.empty() * 2 + !in.row_sums.empty(),
          alignment_of(in.a.matrix.data),
          alignment_of(in.b.matrix.data),
          alignment_of(c.data)};
}

// A row-major matrix is its transpose in columns, as cuBLAS lays matrices out: C^T = op(B)^T op(A)^T.
class cublas final : public blas {
public:
  explicit cublas(cudaStream_t on) : stream_(on) {}
  ~cublas() override {
    if (workspace_ != nullptr) cudaFree(workspace_);
    if (handle_ != nullptr) cublasLtDestroy(handle_);
  }

  status open() {
    ARGOSY_TRY(asked("opening", cublasLtCreate(&handle_)));
    return called("workspace of cuBLASLt", cudaMalloc(&workspace_, workspace_bytes));
  }

  status multiply(const product_input& in, view c) override {
    if (c.empty()) return {};
    if (in.a.cols() == 0) return in.row_sums.empty() ? product_of_nothing(in, c) : none_for(in, c);
    // The product adds a bias that begins at 16 bytes; any other is added after it.
    if (!in.bias.empty() && alignment_of(in.bias.data) < 16) {
      product_input without = in;
      without.bias = {};
      ARGOSY_TRY(multiply(without, c));
      return add_row(stream_, in.bias, c);
    }
    operation how;
    layout first, second, result;
    ARGOSY_TRY(describe(in, how));
    ARGOSY_TRY(lay_out(in.b.matrix, first));
    ARGOSY_TRY(lay_out(in.a.matrix, second));
    ARGOSY_TRY(lay_out(c, result));
    const plan_key key = key_of(in, c);
    auto found = plans_.find(key);
    if (found == plans_.end()) {
      ARGOSY_ASSIGN(const std::optional<cublasLtMatmulAlgo_t> chosen, choose(in, how, first, second, result, c));
      if (plans_.size() >= most_plans) plans_.clear();
      found = plans_.emplace(key, chosen).first;
    }
    if (!found->second) return none_for(in, c);
    const float alpha = 1, beta = in.add ? 1 : 0;
    return asked("a product of " + shape_text(in.a.matrix) + " and " + shape_text(in.b.matrix),
                 cublasLtMatmul(handle_, how, &alpha, in.b.matrix.data, first, in.a.matrix.data, second, &beta, c.data, result, c.data,
                                result, &*found->second, workspace_, workspace_bytes, stream_));
  }

private:
  static status none_for(const product_input& in, const view& c) {
    return {errc::unavailable,
            "cuBLASLt: no algorithm for " + shape_text(in.a.matrix) + " and " + shape_text(in.b.matrix) + " to " + shape_text(c)};
  }

  status product_of_nothing(const product_input& in, view c) {
    if (!in.add)
      ARGOSY_TRY(called("clearing memory",
                        cudaMemset2DAsync(c.data, static_cast<std::size_t>(stride_of(c)) * size_of(c.type), 0,
                                          static_cast<std::size_t>(c.cols) * size_of(c.type), static_cast<std::size_t>(c.rows), stream_)));
    return in.bias.empty() ? status{} : add_row(stream_, in.bias, c);
  }

  template <class T>
  static status set(operation& how, cublasLtMatmulDescAttributes_t which, T value) {
    return asked("describing a product", cublasLtMatmulDescSetAttribute(how, which, &value, sizeof value));
  }

  static status describe(const product_input& in, operation& how) {
    const auto unit = in.rounds && in.a.matrix.type == dtype::f32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    ARGOSY_TRY(asked("describing a product", cublasLtMatmulDescCreate(how.out(), unit, CUDA_R_32F)));
    ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_TRANSA, in.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
    ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_TRANSB, in.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
    if (!in.row_sums.empty()) {
      // Of cuBLAS's second matrix, which is A.
      ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BGRADB));
      ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_32F));
      return set(how, CUBLASLT_MATMUL_DESC_BIAS_POINTER, in.row_sums.data);
    }
    if (in.bias.empty()) return {};
    ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS));
    ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type_of(in.bias.type)));
    return set(how, CUBLASLT_MATMUL_DESC_BIAS_POINTER, in.bias.data);
  }

  static status lay_out(const const_view& v, layout& made) {
    return asked("a layout", cublasLtMatrixLayoutCreate(made.out(), type_of(v.type), static_cast<std::uint64_t>(v.cols),
                                                        static_cast<std::uint64_t>(v.rows), stride_of(v)));
  }

  // Nothing: there is none.
  result<std::optional<cublasLtMatmulAlgo_t>> choose(const product_input& in, const operation& how, const layout& first,
                                                     const layout& second, const layout& made, const view& c) {
    preference wanted;
    ARGOSY_TRY(asked("a preference", cublasLtMatmulPreferenceCreate(wanted.out())));
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
      return asked("a preference", cublasLtMatmulPreferenceSetAttribute(wanted, which, &value, sizeof value));
    };
    const auto aligned = [](const void* p) { return static_cast<std::uint32_t>(alignment_of(p)); };
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, aligned(in.b.matrix.data)));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, aligned(in.a.matrix.data)));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, aligned(c.data)));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, aligned(c.data)));
    cublasLtMatmulHeuristicResult_t best{};
    int count = 0;
    const cublasStatus_t said = cublasLtMatmulAlgoGetHeuristic(handle_, how, first, second, made, made, wanted, 1, &best, &count);
    if (said == CUBLAS_STATUS_NOT_SUPPORTED || (said == CUBLAS_STATUS_INVALID_VALUE && !in.row_sums.empty()))
      count = 0;
    else
      ARGOSY_TRY(asked("choosing an algorithm for " + shape_text(in.a.matrix) + " and " + shape_text(in.b.matrix), said));
    return count == 0 ? std::nullopt : std::optional(best.algo);
  }

  cudaStream_t stream_;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
  std::map<plan_key, std::optional<cublasLtMatmulAlgo_t>> plans_;
};

}  // namespace

result<std::unique_ptr<blas>> make_blas(cudaStream_t on) {
  auto made = std::make_unique<cublas>(on);
  ARGOSY_TRY(made->open());
  return std::unique_ptr<blas>(std::move(made));
}

}  // namespace argosy::cuda
