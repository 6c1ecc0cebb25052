#include "tests/support/copying_group.hpp"

#include <algorithm>
#include <utility>

#include "net/forwarding_group.hpp"

namespace argosy::test {
namespace {

class copying_group final : public forwarding_group {
public:
  copying_group(std::unique_ptr<collective> far, device& on) : forwarding_group(*far), far_(std::move(far)), on_(&on) {}
  using forwarding_group::all_gather;

  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    ARGOSY_ASSIGN(const copy from, copied(mine));
    ARGOSY_ASSIGN(const copy to, copied(all));
    ARGOSY_TRY(far_->all_gather(from.far, rows_of, to.far));
    return bring_back(to, all);
  }
  status all_reduce(view x) override {
    ARGOSY_ASSIGN(const copy c, copied(x));
    ARGOSY_TRY(far_->all_reduce(c.far));
    return bring_back(c, x);
  }
  status reduce_scatter(const_view all, std::span<const std::int64_t> rows_of, view mine) override {
    ARGOSY_ASSIGN(const copy from, copied(all));
    ARGOSY_ASSIGN(const copy to, copied(mine));
    ARGOSY_TRY(far_->reduce_scatter(from.far, rows_of, to.far));
    return bring_back(to, mine);
  }
  status broadcast(view x, int root) override {
    ARGOSY_ASSIGN(const copy c, copied(x));
    ARGOSY_TRY(far_->broadcast(c.far, root));
    return bring_back(c, x);
  }

  std::unique_ptr<collective> beside(device& on) override {
    auto far = far_->beside(on);
    return far ? std::make_unique<copying_group>(std::move(far), on) : nullptr;
  }

private:
  struct copy {
    view far;
    std::shared_ptr<std::byte> memory;
  };

  static std::size_t row_bytes(const const_view& v) { return static_cast<std::size_t>(v.cols) * size_of(v.type); }

  result<copy> copied(const_view v) {
    if (v.type == dtype::f64) return copy{{const_cast<void*>(v.data), v.type, v.rows, v.cols, v.stride}, nullptr};
    ARGOSY_ASSIGN(auto memory, on_->allocate(static_cast<std::size_t>(v.rows * v.stride) * size_of(v.type)));
    const view far{memory.get(), v.type, v.rows, v.cols, v.stride};
    std::vector<std::byte> rows(static_cast<std::size_t>(v.rows) * row_bytes(v));
    for (std::int64_t r = 0; r < v.rows && v.cols > 0; ++r)
      std::copy_n(static_cast<const std::byte*>(v.row_range(r, 1).data), row_bytes(v),
                  rows.data() + static_cast<std::size_t>(r) * row_bytes(v));
    ARGOSY_TRY(on_->upload(rows.data(), far));
    return copy{far, std::move(memory)};
  }

  status bring_back(const copy& c, view to) {
    if (to.type == dtype::f64) return {};
    std::vector<std::byte> rows(static_cast<std::size_t>(to.rows) * row_bytes(to));
    ARGOSY_TRY(on_->download(c.far, rows.data()));
    for (std::int64_t r = 0; r < to.rows && to.cols > 0; ++r)
      std::copy_n(rows.data() + static_cast<std::size_t>(r) * row_bytes(to), row_bytes(to),
                  static_cast<std::byte*>(to.row_range(r, 1).data));
    return {};
  }

  std::unique_ptr<collective> far_;
  device* on_;
};

}  // namespace

std::unique_ptr<collective> make_copying_group(std::unique_ptr<collective> far, device& on) {
  return std::make_unique<copying_group>(std::move(far), on);
}

}  // namespace argosy::test
