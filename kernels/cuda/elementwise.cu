#include "kernels/elementwise.hpp"

#include <cmath>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/dropped.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/dropout.hpp"

namespace argosy::cuda {
namespace {

template <int N, class X, class Y>
struct add_pack {
  matrix<const X> x;
  matrix<Y> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float a[N], b[N];
    load<N>(x.row(row) + col, a);
    load<N>(y.row(row) + col, b);
#pragma unroll
    for (int i = 0; i < N; ++i) b[i] += a[i];
    store<N>(y.row(row) + col, b);
  }
};

template <class T>
struct add_row_element {
  const T* row;
  matrix<T> to;
  __device__ void operator()(std::int64_t n, std::int64_t col) const { put(to.row(n)[col], to_float(to.row(n)[col]) + to_float(row[col])); }
};

template <int N, class T>
struct scale_pack {
  const float* factor;
  matrix<T> x;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float a[N];
    load<N>(x.row(row) + col, a);
#pragma unroll
    for (int i = 0; i < N; ++i) a[i] *= factor[row];
    store<N>(x.row(row) + col, a);
  }
};

template <class T>
struct number_of_byte {
  const std::uint8_t* bytes;
  float scale, shift;
  matrix<T> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    put(y.row(row)[col], scale * static_cast<float>(bytes[row * y.cols + col]) + shift);
  }
};

// IEEE half precision without infinities and NaN: 2^112 moves the exponent's bias from 15 to 127, of denormal numbers too.
__device__ float number_of(std::uint16_t half) {
  const unsigned magnitude = (half & 0x7fffu) << 13;
  const float x = __uint_as_float(magnitude) * 0x1p112f;
  return (half & 0x8000u) != 0 ? -x : x;
}

template <class T>
struct number_of_half {
  const std::uint16_t* halves;
  matrix<T> y;
  __device__ void operator()(std::int64_t row, std::int64_t col) const { put(y.row(row)[col], number_of(halves[row * y.cols + col])); }
};

template <int N, class T>
struct drop_pack {
  dropped how;
  matrix<T> x;
  __device__ void operator()(std::int64_t row, std::int64_t col) const {
    float at[N];
    load<N>(x.row(row) + col, at);
    how.apply(row, col, x.cols, at);
    store<N>(x.row(row) + col, at);
  }
};

}  // namespace

status add_row(cudaStream_t on, const_view row, view to) {
  return by_type(to.type, [&](auto type) {
    using T = decltype(type);
    return for_each_pack<1>(on, "a bias", to.rows, to.cols, add_row_element<T>{static_cast<const T*>(row.data), as<T>(to)});
  });
}

status cuda_device::add(const_view x, view y) {
  return by_type(x.type, [&](auto of_x) {
    return by_type(y.type, [&](auto of_y) {
      using X = decltype(of_x);
      using Y = decltype(of_y);
      constexpr bool same = std::is_same_v<X, Y>;
      const auto run = [&](auto width) {
        return for_each_pack<width>(stream_, "add", x.rows, x.cols, add_pack<width, X, Y>{as<X>(x), as<Y>(y)});
      };
      if constexpr (same) return by_width<X>(run, x, y);
      return run(std::integral_constant<int, 1>{});
    });
  });
}

status cuda_device::scale_rows(std::span<const float> factor, view x) {
  ARGOSY_ASSIGN(const float* factors, staging_->copy(factor));
  return by_type(x.type, [&](auto type) {
    using T = decltype(type);
    return by_width<T>(
        [&](auto width) {
          return for_each_pack<width>(stream_, "scale_rows", x.rows, x.cols, scale_pack<width, T>{factors, as<T>(x)});
        },
        x);
  });
}

status cuda_device::from_bytes(std::span<const std::uint8_t> bytes, double scale, double shift, view y) {
  ARGOSY_ASSIGN(const std::uint8_t* copied, staging_->copy(bytes));
  return by_type(y.type, [&](auto type) {
    using T = decltype(type);
    const number_of_byte<T> each{copied, static_cast<float>(scale), static_cast<float>(shift), as<T>(y)};
    return for_each_pack<1>(stream_, "from_bytes", y.rows, y.cols, each);
  });
}

status cuda_device::from_halves(std::span<const std::uint16_t> halves, view y) {
  ARGOSY_ASSIGN(const std::uint16_t* copied, staging_->copy(halves));
  return by_type(y.type, [&](auto type) {
    using T = decltype(type);
    return for_each_pack<1>(stream_, "from_halves", y.rows, y.cols, number_of_half<T>{copied, as<T>(y)});
  });
}

result<dropped> cuda_device::dropped_by(const dropout_input& in) {
  if (in.rate == 0) return dropped{};
  ARGOSY_ASSIGN(const std::uint32_t* pair, staging_->copy(in.pair));
  ARGOSY_ASSIGN(const std::int32_t* position, staging_->copy(in.position));
  return dropped{in.key, static_cast<std::uint32_t>(std::ceil(in.rate * 0x1.0p24)), static_cast<float>(1 / (1 - in.rate)), pair, position};
}

status cuda_device::dropout(const dropout_input& in, view x) {
  if (in.rate == 0 || x.empty()) return {};
  ARGOSY_ASSIGN(const dropped how, dropped_by(in));
  return by_type(x.type, [&](auto type) {
    using T = decltype(type);
    return by_width<T>(
        [&](auto width) {
          return for_each_pack<width>(stream_, "dropout", x.rows, x.cols, drop_pack<width, T>{how, as<T>(x)});
        },
        x);
  });
}

}  // namespace argosy::cuda
