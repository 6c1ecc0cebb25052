#include "kernels/transfer.hpp"

#include <type_traits>

#include "kernels/operators/checks.hpp"

namespace argosy {
namespace {

template <class T>
constexpr dtype type_of = std::is_same_v<T, float> ? dtype::f32 : dtype::f64;

template <class To, class From>
std::vector<To> converted(std::span<const From> from) {
  std::vector<To> to;
  to.reserve(from.size());
  for (const From x : from) to.push_back(static_cast<To>(x));
  return to;
}

template <class T>
status upload_as(device& on, std::span<const T> from, view to) {
  ARGOSY_TRY(want_matrix(on, "to", to));
  ARGOSY_TRY(want_count("from", from.size(), to.rows * to.cols));
  if (from.empty()) return {};
  if (to.type == type_of<T>) return on.upload(from.data(), to);
  using other = std::conditional_t<std::is_same_v<T, float>, double, float>;
  return on.upload(converted<other>(from).data(), to);
}

template <class T>
result<std::vector<T>> download_as(device& on, const_view from) {
  ARGOSY_TRY(want_matrix(on, "from", from));
  const auto count = static_cast<std::size_t>(from.rows * from.cols);
  std::vector<T> to(from.type == type_of<T> ? count : 0);
  if (count == 0) return to;
  if (from.type == type_of<T>) {
    ARGOSY_TRY(on.download(from, to.data()));
    return to;
  }
  std::vector<std::conditional_t<std::is_same_v<T, float>, double, float>> stored(count);
  ARGOSY_TRY(on.download(from, stored.data()));
  return converted<T>(std::span<const typename decltype(stored)::value_type>(stored));
}

}  // namespace

status upload(device& on, std::span<const float> from, view to) { return upload_as(on, from, to); }
status upload(device& on, std::span<const double> from, view to) { return upload_as(on, from, to); }
result<std::vector<double>> numbers_of(device& on, const_view from) { return download_as<double>(on, from); }
result<std::vector<float>> floats_of(device& on, const_view from) { return download_as<float>(on, from); }

}  // namespace argosy
