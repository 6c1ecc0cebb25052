// Moving rows, and adding many rows to few: the gradient of an embedding table. Rows that go to one target are summed by a plan made on the
// host: up to 64 of them by one block, in their order; where a target has more, the sums are summed again, 64 at a time.
#include "kernels/rows.hpp"

#include <vector>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/launch.hpp"

namespace argosy::cuda {
namespace {

constexpr std::int32_t rows_a_sum = 64;

template <int N, class From, class To>
struct move_pack {
  matrix<const From> from;
  const std::int32_t *from_index, *to_index;
  bool add;
  matrix<To> to;
  __device__ void operator()(std::int64_t n, std::int64_t col) const {
    const std::int64_t source = from_index == nullptr ? n : from_index[n], target = to_index == nullptr ? n : to_index[n];
    if (target < 0) return;
    float x[N] = {};
    if (source >= 0) load<N>(from.row(source) + col, x);
    To* const at = to.row(target) + col;
    if (add) {
      float before[N];
      load<N>(at, before);
#pragma unroll
      for (int i = 0; i < N; ++i) x[i] += before[i];
    }
    store<N>(at, x);
  }
};

// Which rows make each sum: rows order[first .. first + count) of the source.
struct row_sum {
  std::int32_t target, first, count;
};

struct sum_plan {
  std::vector<std::int32_t> order;
  std::vector<row_sum> sums;
  std::int32_t partial_rows = 0;  // sums whose target has several
};

// target[n] of row n; rows without a target are left out.
sum_plan plan_sums(std::span<const std::int32_t> target, std::int64_t targets) {
  std::vector<std::int32_t> first(static_cast<std::size_t>(targets) + 1);
  for (const auto t : target)
    if (t >= 0) ++first[static_cast<std::size_t>(t) + 1];
  for (std::size_t t = 0; t < static_cast<std::size_t>(targets); ++t) first[t + 1] += first[t];
  sum_plan made;
  made.order.resize(static_cast<std::size_t>(first.back()));
  std::vector<std::int32_t> next(first.begin(), first.end() - 1);
  for (std::size_t n = 0; n < target.size(); ++n)
    if (target[n] >= 0) made.order[static_cast<std::size_t>(next[static_cast<std::size_t>(target[n])]++)] = static_cast<std::int32_t>(n);
  for (std::int32_t t = 0; t < targets; ++t) {
    const auto begin = first[static_cast<std::size_t>(t)], end = first[static_cast<std::size_t>(t) + 1];
    for (auto at = begin; at < end; at += rows_a_sum) made.sums.push_back({t, at, std::min(rows_a_sum, end - at)});
  }
  return made;
}

template <class From>
struct sum_arguments {
  matrix<const From> from;
  const std::int32_t *from_index, *order;  // from_index: of the rows that `order` names, or null
  const row_sum* sums;
  const std::int32_t* part;  // (sums) row of `partial` that the sum goes to, or -1: to its target
  float* partial;
  matrix<float> to;
};

template <class From>
__global__ void sum_rows_of(sum_arguments<From> in) {
  const row_sum which = in.sums[blockIdx.x];
  const std::int32_t part = in.part[blockIdx.x];
  for (std::int64_t col = threadIdx.x; col < in.to.cols; col += blockDim.x) {
    float sum = 0;
    for (std::int32_t i = 0; i < which.count; ++i) {
      const std::int32_t n = in.order[which.first + i], source = in.from_index == nullptr ? n : in.from_index[n];
      if (source >= 0) sum += to_float(in.from.row(source)[col]);
    }
    if (part >= 0)
      in.partial[part * in.to.cols + col] = sum;
    else
      in.to.row(which.target)[col] += sum;
  }
}

bool repeats(std::span<const std::int32_t> target, std::int64_t targets) {
  std::vector<bool> seen(static_cast<std::size_t>(targets));
  for (const auto t : target) {
    if (t < 0) continue;
    if (seen[static_cast<std::size_t>(t)]) return true;
    seen[static_cast<std::size_t>(t)] = true;
  }
  return false;
}

}  // namespace

status cuda_device::move_rows(const move_rows_input& in, view to) {
  ARGOSY_TRY(become_current());
  overwritten(to.data);  // weights too: shards of others, read through this GPU's memory
  const bool several = in.add && !in.to_index.empty() && repeats(in.to_index, to.rows);
  if (several) return add_to_rows(in.from, in.from_index, in.to_index, to);
  ARGOSY_ASSIGN(const std::int32_t* from_index, staging_->copy(in.from_index));
  ARGOSY_ASSIGN(const std::int32_t* to_index, staging_->copy(in.to_index));
  const std::int64_t count = in.from_index.empty() ? in.from.rows : std::ssize(in.from_index);
  return by_type(in.from.type, [&](auto of_from) {
    return by_type(to.type, [&](auto of_to) {
      using From = decltype(of_from);
      using To = decltype(of_to);
      using narrow = std::conditional_t<sizeof(From) < sizeof(To), From, To>;
      return by_width<narrow>(
          [&](auto width) {
            const move_pack<width, From, To> each{as<From>(in.from), from_index, to_index, in.add, as<To>(to)};
            return for_each_pack<width>(stream_, "move_rows", count, to.cols, each);
          },
          in.from, to);
    });
  });
}

status cuda_device::add_to_rows(const_view from, std::span<const std::int32_t> from_index, std::span<const std::int32_t> target, view to) {
  if (to.type != dtype::f32) return {errc::invalid_argument, "move_rows: rows that meet are added up in float32, got " + shape_text(to)};
  sum_plan plan = plan_sums(target, to.rows);
  ARGOSY_ASSIGN(const std::int32_t* source, staging_->copy(from_index));
  const_view rows = from;
  tensor partial[2];
  for (int round = 0; !plan.sums.empty(); ++round) {
    // A target's sums lie side by side; where it has several, they become the rows of the next round.
    std::vector<std::int32_t> part(plan.sums.size(), -1), next_target;
    for (std::size_t s = 0; s < plan.sums.size(); ++s) {
      const auto same = [&](std::size_t other) { return other < plan.sums.size() && plan.sums[other].target == plan.sums[s].target; };
      if (!same(s + 1) && !(s > 0 && same(s - 1))) continue;
      part[s] = static_cast<std::int32_t>(next_target.size());
      next_target.push_back(plan.sums[s].target);
    }
    tensor& sums = partial[round % 2];
    ARGOSY_TRY(sums.resize(*this, std::ssize(next_target), to.cols));
    ARGOSY_ASSIGN(const std::int32_t* order, staging_->copy(std::span<const std::int32_t>(plan.order)));
    ARGOSY_ASSIGN(const row_sum* of, staging_->copy(std::span<const row_sum>(plan.sums)));
    ARGOSY_ASSIGN(const std::int32_t* parts, staging_->copy(std::span<const std::int32_t>(part)));
    ARGOSY_TRY(by_type(rows.type, [&](auto type) {
      using From = decltype(type);
      const sum_arguments<From> all{as<From>(rows), round == 0 ? source : nullptr, order, of, parts, sums.all().as<float>(), as<float>(to)};
      return launch(stream_, "move_rows", {dim3(static_cast<unsigned>(plan.sums.size())), 256}, sum_rows_of<From>, all);
    }));
    plan = plan_sums(next_target, to.rows);
    rows = sums;
  }
  return {};
}

}  // namespace argosy::cuda
