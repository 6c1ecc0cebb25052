#include <cudnn.h>

#include <array>
#include <span>
#include <string>

#include "kernels/cuda/convolution.hpp"
#include "kernels/cuda/opened_library.hpp"

namespace argosy::cuda {
namespace {

constexpr std::size_t most_scratch = std::size_t{1} << 30;

// The library's functions by their names. Those of convolutions are cuDNN's older ones, which its version 9 still has.
struct functions {
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnCreateTensorDescriptor) create_tensor;
  decltype(&cudnnSetTensor4dDescriptor) set_tensor;
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor;
  decltype(&cudnnCreateFilterDescriptor) create_filter;
  decltype(&cudnnSetFilter4dDescriptor) set_filter;
  decltype(&cudnnDestroyFilterDescriptor) destroy_filter;
  decltype(&cudnnCreateConvolutionDescriptor) create_convolution;
  decltype(&cudnnSetConvolution2dDescriptor) set_convolution;
  decltype(&cudnnSetConvolutionMathType) set_math;
  decltype(&cudnnDestroyConvolutionDescriptor) destroy_convolution;
  decltype(&cudnnGetConvolutionForwardAlgorithm_v7) get_algorithms;
  decltype(&cudnnConvolutionForward) convolve;
};

result<functions> open_library() {
  ARGOSY_ASSIGN(const opened_library library, opened_library::open("cuDNN", cudnn_file));
  functions f{};
  ARGOSY_TRY(library.find("cudnnGetVersion", f.get_version));
  ARGOSY_TRY(library.find("cudnnCreate", f.create));
  ARGOSY_TRY(library.find("cudnnDestroy", f.destroy));
  ARGOSY_TRY(library.find("cudnnSetStream", f.set_stream));
  ARGOSY_TRY(library.find("cudnnGetErrorString", f.get_error_string));
  ARGOSY_TRY(library.find("cudnnCreateTensorDescriptor", f.create_tensor));
  ARGOSY_TRY(library.find("cudnnSetTensor4dDescriptor", f.set_tensor));
  ARGOSY_TRY(library.find("cudnnDestroyTensorDescriptor", f.destroy_tensor));
  ARGOSY_TRY(library.find("cudnnCreateFilterDescriptor", f.create_filter));
  ARGOSY_TRY(library.find("cudnnSetFilter4dDescriptor", f.set_filter));
  ARGOSY_TRY(library.find("cudnnDestroyFilterDescriptor", f.destroy_filter));
  ARGOSY_TRY(library.find("cudnnCreateConvolutionDescriptor", f.create_convolution));
  ARGOSY_TRY(library.find("cudnnSetConvolution2dDescriptor", f.set_convolution));
  ARGOSY_TRY(library.find("cudnnSetConvolutionMathType", f.set_math));
  ARGOSY_TRY(library.find("cudnnDestroyConvolutionDescriptor", f.destroy_convolution));
  ARGOSY_TRY(library.find("cudnnGetConvolutionForwardAlgorithm_v7", f.get_algorithms));
  ARGOSY_TRY(library.find("cudnnConvolutionForward", f.convolve));
  return f;
}

// It stays open until the program ends.
const result<functions>& the_library() {
  static const result<functions> opened = open_library();
  return opened;
}

status said(const functions& cudnn, const char* what, cudnnStatus_t by_cudnn) {
  if (by_cudnn == CUDNN_STATUS_SUCCESS) return {};
  return {errc::unavailable, std::string("cuDNN: ") + what + ": " + cudnn.get_error_string(by_cudnn)};
}

// Given back by `destroy`.
template <class T, class Destroy>
class owned {
public:
  explicit owned(Destroy destroy) noexcept : destroy_(destroy) {}
  ~owned() {
    if (made_ != nullptr) destroy_(made_);
  }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;
  T* place() noexcept { return &made_; }
  T get() const noexcept { return made_; }

private:
  T made_ = nullptr;
  Destroy destroy_;
};

class cudnn_convolution final : public convolution {
public:
  cudnn_convolution(const functions& cudnn, cudnnHandle_t on)
      : cudnn_(cudnn),
        on_(on),
        x_(cudnn.destroy_tensor),
        y_(cudnn.destroy_tensor),
        w_(cudnn.destroy_filter),
        how_(cudnn.destroy_convolution) {}

  status set_up(const convolution_shape& s) {
    ARGOSY_TRY(describe(s));
    ARGOSY_TRY(said(cudnn_, "cudnnSetConvolutionMathType", cudnn_.set_math(how_.get(), CUDNN_FMA_MATH)));
    return choose();
  }

  std::size_t scratch_bytes() const noexcept override { return scratch_bytes_; }

  status run(const float* x, const float* w, float* y, void* scratch) override {
    const float one = 1, none = 0;
    return said(cudnn_, "cudnnConvolutionForward",
                cudnn_.convolve(on_, &one, x_.get(), x, w_.get(), w, how_.get(), algorithm_, scratch, scratch_bytes_, &none, y_.get(), y));
  }

private:
  status describe(const convolution_shape& s) {
    const auto tensor = [&](auto& of, const image_shape& shape) -> status {
      ARGOSY_TRY(said(cudnn_, "cudnnCreateTensorDescriptor", cudnn_.create_tensor(of.place())));
      return said(cudnn_, "cudnnSetTensor4dDescriptor",
                  cudnn_.set_tensor(of.get(), CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, s.images, shape.channels, shape.height, shape.width));
    };
    ARGOSY_TRY(tensor(x_, s.in));
    ARGOSY_TRY(tensor(y_, s.out));
    ARGOSY_TRY(said(cudnn_, "cudnnCreateFilterDescriptor", cudnn_.create_filter(w_.place())));
    ARGOSY_TRY(said(cudnn_, "cudnnSetFilter4dDescriptor",
                    cudnn_.set_filter(w_.get(), CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, s.out.channels, s.in.channels, s.size, s.size)));
    ARGOSY_TRY(said(cudnn_, "cudnnCreateConvolutionDescriptor", cudnn_.create_convolution(how_.place())));
    return said(
        cudnn_, "cudnnSetConvolution2dDescriptor",
        cudnn_.set_convolution(how_.get(), s.padding, s.padding, s.stride, s.stride, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  }

  // What cuDNN takes to be the fastest of those that add up the products themselves, the same way every time: Winograd's and Fourier's forms
  // round more.
  status choose() {
    std::array<cudnnConvolutionFwdAlgoPerf_t, CUDNN_CONVOLUTION_FWD_ALGO_COUNT> known{};
    int count = 0;
    ARGOSY_TRY(
        said(cudnn_, "cudnnGetConvolutionForwardAlgorithm_v7",
             cudnn_.get_algorithms(on_, x_.get(), w_.get(), how_.get(), y_.get(), static_cast<int>(known.size()), &count, known.data())));
    for (const auto& one : std::span(known).first(static_cast<std::size_t>(count))) {
      const bool plain = one.algo <= CUDNN_CONVOLUTION_FWD_ALGO_DIRECT && one.mathType != CUDNN_TENSOR_OP_MATH &&
                         one.mathType != CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
      if (one.status != CUDNN_STATUS_SUCCESS || !plain || one.determinism != CUDNN_DETERMINISTIC || one.memory > most_scratch) continue;
      algorithm_ = one.algo;
      scratch_bytes_ = one.memory;
      return {};
    }
    return {errc::unavailable, "cuDNN: has no plain way to a convolution of float32 of this shape"};
  }

  const functions& cudnn_;
  cudnnHandle_t on_;
  owned<cudnnTensorDescriptor_t, decltype(&cudnnDestroyTensorDescriptor)> x_, y_;
  owned<cudnnFilterDescriptor_t, decltype(&cudnnDestroyFilterDescriptor)> w_;
  owned<cudnnConvolutionDescriptor_t, decltype(&cudnnDestroyConvolutionDescriptor)> how_;
  cudnnConvolutionFwdAlgo_t algorithm_ = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
  std::size_t scratch_bytes_ = 0;
};

class cudnn_convolutions final : public convolutions {
public:
  explicit cudnn_convolutions(const functions& cudnn) : cudnn_(cudnn), handle_(cudnn.destroy) {}

  status set_up(cudaStream_t on) {
    ARGOSY_TRY(said(cudnn_, "cudnnCreate", cudnn_.create(handle_.place())));
    return said(cudnn_, "cudnnSetStream", cudnn_.set_stream(handle_.get(), on));
  }

  result<std::unique_ptr<convolution>> make(const convolution_shape& s) override {
    auto made = std::make_unique<cudnn_convolution>(cudnn_, handle_.get());
    ARGOSY_TRY(made->set_up(s));
    return std::unique_ptr<convolution>(std::move(made));
  }

private:
  const functions& cudnn_;
  owned<cudnnHandle_t, decltype(&cudnnDestroy)> handle_;
};

}  // namespace

result<std::size_t> cudnn_version() {
  ARGOSY_TRY(the_library().failure());
  return the_library()->get_version();
}

result<std::unique_ptr<convolutions>> make_convolutions(cudaStream_t on) {
  ARGOSY_TRY(the_library().failure());
  auto made = std::make_unique<cudnn_convolutions>(*the_library());
  ARGOSY_TRY(made->set_up(on));
  return std::unique_ptr<convolutions>(std::move(made));
}

}  // namespace argosy::cuda
