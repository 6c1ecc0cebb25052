#include "kernels/cpu/qpm_masks.hpp"

#include <algorithm>
#include <bit>

namespace argosy::cpu {
namespace {

// Numbers distinct product ids 0, 1, 2, ... in order of arrival: open addressing, at most half full.
class id_table {
public:
  explicit id_table(std::size_t most) : cells_(std::bit_ceil(2 * most + 2)) {}

  std::int32_t insert(std::int64_t id) {
    cell& found = find(id);
    if (found.number < 0) found = {id, size_++};
    return found.number;
  }
  std::int32_t number_of(std::int64_t id) { return find(id).number; }
  std::size_t size() const { return static_cast<std::size_t>(size_); }

private:
  struct cell {
    std::int64_t id = 0;
    std::int32_t number = -1;
  };

  cell& find(std::int64_t id) {
    const std::size_t last = cells_.size() - 1;
    std::size_t at = static_cast<std::size_t>((static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15ull) >> 20) & last;
    while (cells_[at].number >= 0 && cells_[at].id != id) at = (at + 1) & last;
    return cells_[at];
  }

  std::vector<cell> cells_;
  std::int32_t size_ = 0;
};

// For every wanted id its columns, as offsets into one list.
struct inverted {
  std::vector<std::size_t> offset;
  std::vector<std::int32_t> columns;
};

std::int64_t own_id(const qpm_input& in, std::size_t query) { return in.product_id[static_cast<std::size_t>(in.own[query])]; }

inverted invert(const qpm_input& in, id_table& wanted) {
  const std::size_t products = in.product_id.size(), all = products + in.bank_id.size();
  std::vector<std::int32_t> number(all);
  inverted lists{std::vector<std::size_t>(wanted.size() + 1), {}};
  for (std::size_t c = 0; c < all; ++c) {
    number[c] = wanted.number_of(c < products ? in.product_id[c] : in.bank_id[c - products]);
    if (number[c] >= 0) ++lists.offset[static_cast<std::size_t>(number[c]) + 1];
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) lists.offset[i + 1] += lists.offset[i];
  lists.columns.resize(lists.offset.back());
  std::vector<std::size_t> next(lists.offset.begin(), lists.offset.end() - 1);
  for (std::size_t c = 0; c < all; ++c)
    if (number[c] >= 0) lists.columns[next[static_cast<std::size_t>(number[c])]++] = static_cast<std::int32_t>(c);
  return lists;
}

}  // namespace

qpm_masks::qpm_masks(const qpm_input& in) {
  const std::size_t queries = in.own.size();
  id_table wanted(queries + in.known_product.size());
  for (std::size_t b = 0; b < queries; ++b) wanted.insert(own_id(in, b));
  for (const std::int64_t id : in.known_product) wanted.insert(id);
  const inverted lists = invert(in, wanted);

  offset_.push_back(0);
  const auto append = [&](std::int64_t id) {
    const auto number = static_cast<std::size_t>(wanted.number_of(id));
    columns_.insert(columns_.end(), lists.columns.begin() + static_cast<std::ptrdiff_t>(lists.offset[number]),
                    lists.columns.begin() + static_cast<std::ptrdiff_t>(lists.offset[number + 1]));
  };
  for (std::size_t b = 0; b < queries; ++b) {
    append(own_id(in, b));
    for (auto k = in.known_offset[b]; k < in.known_offset[b + 1]; ++k) append(in.known_product[static_cast<std::size_t>(k)]);
    const auto first = columns_.begin() + static_cast<std::ptrdiff_t>(offset_.back());
    std::sort(first, columns_.end());
    columns_.erase(std::unique(first, columns_.end()), columns_.end());
    columns_.erase(std::remove(columns_.begin() + static_cast<std::ptrdiff_t>(offset_.back()), columns_.end(), in.own[b]), columns_.end());
    offset_.push_back(columns_.size());
  }
}

}  // namespace argosy::cpu
