// A collective that cuts its group when it is to gather rows once more than so many times.
#pragma once

#include <limits>
#include <memory>
#include <utility>

#include "net/forwarding_group.hpp"

namespace argosy::test {

inline constexpr int no_cut = std::numeric_limits<int>::max();

class cut_group final : public forwarding_group {
public:
  cut_group(std::unique_ptr<collective> of, int gatherings) : forwarding_group(*of), of_(std::move(of)), left_(gatherings) {}
  using forwarding_group::all_gather;
  status all_gather(const_view mine, std::span<const std::int64_t> rows_of, view all) override {
    const status cut(errc::aborted, "the test cuts it");
    if (left_-- > 0) return of_->all_gather(mine, rows_of, all);
    aborter()->abort(cut);
    return cut;
  }

private:
  std::unique_ptr<collective> of_;
  int left_;
};

inline std::unique_ptr<collective> make_cut_group(std::unique_ptr<collective> of, int gatherings) {
  return std::make_unique<cut_group>(std::move(of), gatherings);
}

}  // namespace argosy::test
