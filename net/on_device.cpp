#include "net/on_device.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/elementwise.hpp"
#include "kernels/rows.hpp"
#include "net/forwarding_group.hpp"

namespace argosy {
namespace {

class device_group final : public forwarding_group {
public:
  device_group(std::shared_ptr<collective> host, device& on) : forwarding_group(*host), host_(std::move(host)), on_(&on) {}
  using forwarding_group::all_gather;

  std::unique_ptr<collective> beside(device& on) override { return std::make_unique<device_group>(host_, on); }

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    if (mine.type == dtype::f64) return host_->all_gather(mine, rows_of, all);
    ARGOSY_ASSIGN(const auto ranks, publish(mine));
    std::int64_t first = 0;
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      if (!ranks[r].is(rows_of[r], mine.cols)) return disagree(r, ranks[r], mine);
      ARGOSY_TRY(copy(ranks[r], all.row_range(first, rows_of[r])));
      first += rows_of[r];
    }
    return leave();
  }

  status all_reduce(view x) override {
    if (x.type == dtype::f64) return host_->all_reduce(x);
    ARGOSY_ASSIGN(const auto ranks, publish(x));
    ARGOSY_TRY(check_alike(ranks, x));
    ARGOSY_TRY(sum_.resize(*on_, x.rows, columns_of(x, rank()).second));
    const auto part = [&](const const_view& v, int of) {
      const auto [first, count] = columns_of(x, of);
      return v.column_range(first, count);
    };
    ARGOSY_TRY(sum_over(
        ranks, [&](const const_view& v) { return part(v, rank()); }, sum_));
    ARGOSY_ASSIGN(const auto sums, publish(sum_));
    for (int r = 0; r < size(); ++r) {
      const auto [first, count] = columns_of(x, r);
      ARGOSY_TRY(copy(sums[static_cast<std::size_t>(r)], x.column_range(first, count)));
    }
    return leave();
  }

  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    if (all.type == dtype::f64) return host_->reduce_scatter(all, rows_of, mine);
    ARGOSY_ASSIGN(const auto ranks, publish(all));
    ARGOSY_TRY(check_alike(ranks, all));
    const auto first = std::accumulate(rows_of.begin(), rows_of.begin() + rank(), std::int64_t{0});
    ARGOSY_TRY(sum_over(
        ranks, [&](const const_view& v) { return v.row_range(first, mine.rows); }, mine));
    return leave();
  }

  status broadcast(view x, int root) override {
    if (x.type == dtype::f64) return host_->broadcast(x, root);
    ARGOSY_ASSIGN(const auto ranks, publish(x));
    ARGOSY_TRY(check_alike(ranks, x));
    if (rank() != root) ARGOSY_TRY(copy(ranks[static_cast<std::size_t>(root)], x));
    return leave();
  }

private:
  struct place {
    const void* data;
    std::int64_t rows, cols, stride;
    dtype type;
  };

  // What every rank brought, once all have brought it and what their devices had to do for it is done.
  result<std::vector<const_view>> publish(const_view mine) {
    ARGOSY_TRY(on_->wait());
    const place own{mine.data, mine.rows, mine.cols, mine.stride, mine.type};
    std::vector<place> all(static_cast<std::size_t>(size()));
    const std::vector<std::int64_t> bytes_of(all.size(), sizeof(place));
    ARGOSY_TRY(host_->all_gather(std::as_bytes(std::span(&own, 1)), bytes_of, std::as_writable_bytes(std::span(all))));
    std::vector<const_view> views;
    for (const place& p : all) views.push_back({p.data, p.type, p.rows, p.cols, p.stride});
    return views;
  }

  // Nobody changes what others read before all have read it.
  status leave() {
    ARGOSY_TRY(on_->wait());
    return host_->gather_counts(0).failure();
  }

  status copy(const_view from, view to) { return from.empty() ? status{} : move_rows(*on_, {from, {}, {}, false}, to); }

  template <class Part>
  status sum_over(const std::vector<const_view>& ranks, Part part, view to) {
    if (to.empty()) return {};
    ARGOSY_TRY(copy(part(ranks.front()), to));
    for (std::size_t r = 1; r < ranks.size(); ++r) ARGOSY_TRY(add(*on_, part(ranks[r]), to));
    return {};
  }

  static status disagree(std::size_t rank, const const_view& theirs, const const_view& mine) {
    return {errc::shape_mismatch, "rank " + std::to_string(rank) + " brings " + shape_text(theirs) + ", this one " + shape_text(mine)};
  }

  static status check_alike(const std::vector<const_view>& ranks, const const_view& mine) {
    for (std::size_t r = 0; r < ranks.size(); ++r)
      if (!ranks[r].is(mine.rows, mine.cols) || ranks[r].type != mine.type) return disagree(r, ranks[r], mine);
    return {};
  }

  // First column and number of columns of the part that a rank sums.
  std::pair<std::int64_t, std::int64_t> columns_of(const const_view& x, int of) const {
    const std::int64_t each = (x.cols + size() - 1) / size(), first = std::min(each * of, x.cols);
    return {first, std::min(each, x.cols - first)};
  }

  std::shared_ptr<collective> host_;
  device* on_;
  tensor sum_;
};

}  // namespace

std::unique_ptr<collective> make_device_group(std::unique_ptr<collective> host, device& on) {
  return std::make_unique<device_group>(std::move(host), on);
}

}  // namespace argosy
