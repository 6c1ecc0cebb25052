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

plan_key key_of(const fp8_product& in, const view& c) {
  constexpr std::int64_t eight_bits = 1024;  // unlike any pair of types above
  return {c.rows,
          c.cols,
          in.a.cols,
          in.a.is_gradient,
          in.b.is_gradient,
          stride_of(c),
          0,
          0,
          eight_bits + static_cast<std::int64_t>(c.type),
          in.add * 4 + in.fast * 2 + !in.bias.empty(),
          alignment_of(in.a.data),
          alignment_of(in.b.data),
          alignment_of(c.data)};
}

// What cuBLASLt is asked for. It lays matrices out in columns, where a row-major matrix is its transpose, and so is given the second factor first:
// C^T = op(B)^T op(A)^T.
struct request {
  request(const void* first_, const void* second_, view to_, bool add_) : first_data(first_), second_data(second_), to(to_), add(add_) {}

  operation how;
  layout first, second, made;
  const void *first_data, *second_data;
  view to;
  bool add, may_be_missing = false;
};

template <class T>
status set(const operation& how, cublasLtMatmulDescAttributes_t which, T value) {
  return asked("describing a product", cublasLtMatmulDescSetAttribute(how, which, &value, sizeof value));
}

status lay_out(cudaDataType_t type, std::int64_t rows, std::int64_t cols, std::int64_t stride, layout& made) {
  return asked("a layout",
               cublasLtMatrixLayoutCreate(made.out(), type, static_cast<std::uint64_t>(cols), static_cast<std::uint64_t>(rows), stride));
}
status lay_out(const const_view& v, layout& made) { return lay_out(type_of(v.type), v.rows, v.cols, stride_of(v), made); }
status lay_out(const fp8_matrix& m, layout& made) {
  return lay_out(m.is_gradient ? CUDA_R_8F_E5M2 : CUDA_R_8F_E4M3, m.rows, m.cols, m.cols, made);
}

status add_bias(const operation& how, const const_view& bias) {
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS));
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type_of(bias.type)));
  return set(how, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias.data);
}

status describe(const product_input& in, operation& how) {
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
  return in.bias.empty() ? status{} : add_bias(how, in.bias);
}

// The one form that compute capability 9.0 has for 8-bit factors: both with the letter that is summed over as their fastest.
status describe(const fp8_product& in, operation& how) {
  ARGOSY_TRY(asked("describing a product", cublasLtMatmulDescCreate(how.out(), CUBLAS_COMPUTE_32F, CUDA_R_32F)));
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T));
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N));
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, in.b.unit));
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, in.a.unit));
  ARGOSY_TRY(set(how, CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<std::int8_t>(in.fast)));
  return in.bias.empty() ? status{} : add_bias(how, in.bias);
}

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
    if (in.a.cols() == 0 && in.row_sums.empty()) return product_of_nothing(in, c);
    if (needs_bias_after(in.bias)) {
      product_input without = in;
      without.bias = {};
      ARGOSY_TRY(multiply(without, c));
      return add_row(stream_, in.bias, c);
    }
    request r(in.b.matrix.data, in.a.matrix.data, c, in.add);
    r.may_be_missing = !in.row_sums.empty();
    const auto name = [&] {
      return "a product of " + shape_text(in.a.matrix) + " and " + shape_text(in.b.matrix) + " to " + shape_text(c);
    };
    if (in.a.cols() == 0) return no_algorithm(name());
    ARGOSY_TRY(describe(in, r.how));
    ARGOSY_TRY(lay_out(in.b.matrix, r.first));
    ARGOSY_TRY(lay_out(in.a.matrix, r.second));
    return run(r, key_of(in, c), name);
  }

  status multiply(const fp8_product& in, view c) override {
    if (c.empty()) return {};
    if (needs_bias_after(in.bias)) {
      fp8_product without = in;
      without.bias = {};
      ARGOSY_TRY(multiply(without, c));
      return add_row(stream_, in.bias, c);
    }
    request r(in.b.data, in.a.data, c, in.add);
    const auto name = [&] {
      return "an 8-bit product of " + std::to_string(in.a.rows) + " x " + std::to_string(in.a.cols) + " and " + std::to_string(in.b.rows) +
             " x " + std::to_string(in.b.cols) + " to " + shape_text(c);
    };
    ARGOSY_TRY(describe(in, r.how));
    ARGOSY_TRY(lay_out(in.b, r.first));
    ARGOSY_TRY(lay_out(in.a, r.second));
    return run(r, key_of(in, c), name);
  }

private:
  // The product adds a bias that begins at 16 bytes; any other is added after it.
  static bool needs_bias_after(const const_view& bias) { return !bias.empty() && alignment_of(bias.data) < 16; }
  static status no_algorithm(const std::string& name) { return {errc::unavailable, "cuBLASLt: no algorithm for " + name}; }

  status product_of_nothing(const product_input& in, view c) {
    if (!in.add)
      ARGOSY_TRY(called("clearing memory",
                        cudaMemset2DAsync(c.data, static_cast<std::size_t>(stride_of(c)) * size_of(c.type), 0,
                                          static_cast<std::size_t>(c.cols) * size_of(c.type), static_cast<std::size_t>(c.rows), stream_)));
    return in.bias.empty() ? status{} : add_row(stream_, in.bias, c);
  }

  // `name` makes the product's name where there is a failure to tell.
  template <class Name>
  status run(request& r, const plan_key& key, const Name& name) {
    ARGOSY_TRY(lay_out(r.to, r.made));
    auto found = plans_.find(key);
    if (found == plans_.end()) {
      ARGOSY_ASSIGN(const std::optional<cublasLtMatmulAlgo_t> chosen, choose(r, name));
      if (plans_.size() >= most_plans) plans_.clear();
      found = plans_.emplace(key, chosen).first;
    }
    if (!found->second) return no_algorithm(name());
    const float alpha = 1, beta = r.add ? 1 : 0;
    const cublasStatus_t said = cublasLtMatmul(handle_, r.how, &alpha, r.first_data, r.first, r.second_data, r.second, &beta, r.to.data,
                                               r.made, r.to.data, r.made, &*found->second, workspace_, workspace_bytes, stream_);
    return said == CUBLAS_STATUS_SUCCESS ? status{} : asked(name(), said);
  }

  // Nothing: there is none.
  template <class Name>
  result<std::optional<cublasLtMatmulAlgo_t>> choose(const request& r, const Name& name) {
    preference wanted;
    ARGOSY_TRY(asked("a preference", cublasLtMatmulPreferenceCreate(wanted.out())));
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
      return asked("a preference", cublasLtMatmulPreferenceSetAttribute(wanted, which, &value, sizeof value));
    };
    const auto aligned = [](const void* p) { return static_cast<std::uint32_t>(alignment_of(p)); };
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, aligned(r.first_data)));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, aligned(r.second_data)));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, aligned(r.to.data)));
    ARGOSY_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, aligned(r.to.data)));
    cublasLtMatmulHeuristicResult_t best{};
    int count = 0;
    const cublasStatus_t said = cublasLtMatmulAlgoGetHeuristic(handle_, r.how, r.first, r.second, r.made, r.made, wanted, 1, &best, &count);
    if (said == CUBLAS_STATUS_NOT_SUPPORTED || (said == CUBLAS_STATUS_INVALID_VALUE && r.may_be_missing))
      return std::optional<cublasLtMatmulAlgo_t>();
    ARGOSY_TRY(asked("choosing an algorithm for " + name(), said));
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
