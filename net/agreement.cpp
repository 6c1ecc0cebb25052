#include "net/agreement.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace argosy {
namespace {

std::string shape_of(const proposal& p) { return shape_text({nullptr, p.type, p.rows, p.cols, p.cols}); }

status check_size(std::string_view what, std::int64_t want, std::int64_t got) {
  if (want == got) return {};
  return {errc::shape_mismatch, std::string(what) + ": want " + std::to_string(want) + ", got " + std::to_string(got)};
}

status check_sizes(place_in_group at, std::span<const std::int64_t> sizes_of, std::int64_t mine) {
  ARGOSY_TRY(check_size("sizes of ranks", at.size, std::ssize(sizes_of)));
  const auto least = std::ranges::min(sizes_of);
  if (least < 0) return {errc::shape_mismatch, "sizes of ranks: want 0 or more, got " + std::to_string(least)};
  return check_size("own size", sizes_of[static_cast<std::size_t>(at.rank)], mine);
}

status check_sizes(place_in_group at, std::span<const std::int64_t> sizes_of, std::int64_t mine, std::int64_t all) {
  ARGOSY_TRY(check_sizes(at, sizes_of, mine));
  return check_size("size of all", std::reduce(sizes_of.begin(), sizes_of.end()), all);
}

status check_same_rows(const_view mine, const_view all) {
  if (mine.cols == all.cols && mine.type == all.type) return {};
  return {errc::shape_mismatch, "own rows are " + shape_text(mine) + ", the rows of all are " + shape_text(all)};
}

status check_sum(const_view x) {
  if (x.type != dtype::bf16) return {};
  return {errc::invalid_argument, "sums: want f32 or f64, got " + shape_text(x)};
}

status check_root(place_in_group at, int root) {
  if (root >= 0 && root < at.size) return {};
  return {errc::out_of_range, "root: want 0 .. " + std::to_string(at.size - 1) + ", got " + std::to_string(root)};
}

status first_of(status one, status other) { return one.ok() ? std::move(other) : std::move(one); }

status compare(const proposal& first, const proposal& other) {
  if (other.what != first.what) return {errc::shape_mismatch, "called another operation than rank 0"};
  if (other.cols != first.cols || other.type != first.type)
    return {errc::shape_mismatch, "want the width and type of rank 0, " + shape_of(first) + ", got " + shape_of(other)};
  if (!std::ranges::equal(other.sizes_of, first.sizes_of))
    return {errc::shape_mismatch, "disagrees with rank 0 about what each rank brings"};
  const bool same_rows = first.what == operation::all_reduce || first.what == operation::broadcast;
  if (same_rows && other.rows != first.rows)
    return {errc::shape_mismatch, "want " + shape_of(first) + " as rank 0, got " + shape_of(other)};
  const bool rooted = first.what == operation::broadcast || first.what == operation::gather_at_root;
  if (rooted && other.number != first.number)
    return {errc::shape_mismatch, "want root " + std::to_string(first.number) + ", got " + std::to_string(other.number)};
  return {};
}

}  // namespace

std::string rank_text(std::int64_t rank) { return "rank " + std::to_string(rank); }

status judge(std::span<const proposal> of) {
  for (std::size_t r = 0; r < of.size(); ++r) {
    ARGOSY_TRY(of[r].problem.within(rank_text(static_cast<std::int64_t>(r))));
    ARGOSY_TRY(compare(of[0], of[r]).within(rank_text(static_cast<std::int64_t>(r))));
  }
  return {};
}

proposal propose_gather(place_in_group at, const_view mine, std::span<const std::int64_t> rows_of, const_view all) {
  return {.what = operation::gather_rows,
          .type = mine.type,
          .rows = mine.rows,
          .cols = mine.cols,
          .sizes_of = rows_of,
          .problem = first_of(check_sizes(at, rows_of, mine.rows, all.rows), check_same_rows(mine, all))};
}

proposal propose_gather_bytes(place_in_group at, std::int64_t mine, std::span<const std::int64_t> bytes_of, std::int64_t all) {
  return {.what = operation::gather_bytes, .sizes_of = bytes_of, .problem = check_sizes(at, bytes_of, mine, all)};
}

proposal propose_gather_at_root(place_in_group at, std::int64_t mine, std::span<const std::int64_t> bytes_of, int root, std::int64_t all) {
  const status sizes = at.rank == root ? check_sizes(at, bytes_of, mine, all) : check_sizes(at, bytes_of, mine);
  return {.what = operation::gather_at_root, .number = root, .sizes_of = bytes_of, .problem = first_of(check_root(at, root), sizes)};
}

proposal propose_counts(std::int64_t mine) { return {.what = operation::gather_counts, .number = mine}; }

proposal propose_all_reduce(const_view x) {
  return {.what = operation::all_reduce, .type = x.type, .rows = x.rows, .cols = x.cols, .problem = check_sum(x)};
}

proposal propose_reduce_scatter(place_in_group at, const_view all, std::span<const std::int64_t> rows_of, const_view mine) {
  const status sizes = first_of(check_sizes(at, rows_of, mine.rows, all.rows), check_same_rows(mine, all));
  return {.what = operation::reduce_scatter,
          .type = all.type,
          .rows = all.rows,
          .cols = all.cols,
          .sizes_of = rows_of,
          .problem = first_of(sizes, check_sum(all))};
}

proposal propose_broadcast(place_in_group at, const_view x, int root) {
  return {.what = operation::broadcast, .type = x.type, .rows = x.rows, .cols = x.cols, .number = root, .problem = check_root(at, root)};
}

}  // namespace argosy
