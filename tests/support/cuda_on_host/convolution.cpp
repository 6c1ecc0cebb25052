// kernels/cuda/convolution.hpp in plain loops.
#include "kernels/cuda/convolution.hpp"

namespace argosy::cuda {
namespace {

class plain_convolution final : public convolution {
public:
  explicit plain_convolution(const convolution_shape& s) : s_(s) {}

  // Some, so that it is looked after.
  std::size_t scratch_bytes() const noexcept override { return 64 * static_cast<std::size_t>(s_.size); }

  status run(const float* x, const float* w, float* y, void* scratch) override {
    if (scratch == nullptr) return {errc::invalid_argument, "a convolution without the scratch that it asked for"};
    for (std::size_t i = 0; i < scratch_bytes(); ++i) static_cast<unsigned char*>(scratch)[i] = 0xff;
    for (int n = 0; n < s_.images; ++n)
      for (int row = 0; row < s_.out.height; ++row)
        for (int col = 0; col < s_.out.width; ++col)
          for (int o = 0; o < s_.out.channels; ++o) *y++ = sum(x, w, n, row * s_.stride - s_.padding, col * s_.stride - s_.padding, o);
    return {};
  }

private:
  float sum(const float* x, const float* w, int image, int top, int left, int o) const {
    double all = 0;
    for (int h = 0; h < s_.size; ++h)
      for (int v = 0; v < s_.size; ++v) {
        if (top + h < 0 || left + v < 0 || top + h >= s_.in.height || left + v >= s_.in.width) continue;
        for (int c = 0; c < s_.in.channels; ++c) {
          const std::ptrdiff_t pixel = (std::ptrdiff_t{image} * s_.in.height + top + h) * s_.in.width + left + v;
          const std::ptrdiff_t at = (std::ptrdiff_t{o} * s_.size + h) * s_.size + v;
          all += static_cast<double>(x[pixel * s_.in.channels + c]) * static_cast<double>(w[at * s_.in.channels + c]);
        }
      }
    return static_cast<float>(all);
  }

  convolution_shape s_;
};

class plain_convolutions final : public convolutions {
public:
  result<std::unique_ptr<convolution>> make(const convolution_shape& s) override {
    return std::unique_ptr<convolution>(std::make_unique<plain_convolution>(s));
  }
};

}  // namespace

result<std::unique_ptr<convolutions>> make_convolutions(cudaStream_t) {
  return std::unique_ptr<convolutions>(std::make_unique<plain_convolutions>());
}

}  // namespace argosy::cuda
