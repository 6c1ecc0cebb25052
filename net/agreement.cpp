#include "net/agreement.hpp"

#include <algorithm>
#include <cstring>
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

status check_sum(const_view x, bool of_bf16_too) {
  if (x.type != dtype::bf16 || of_bf16_too) return {};
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

proposal propose_all_reduce(const_view x, bool of_bf16_too) {
  return {.what = operation::all_reduce, .type = x.type, .rows = x.rows, .cols = x.cols, .problem = check_sum(x, of_bf16_too)};
}

proposal propose_reduce_scatter(place_in_group at, const_view all, std::span<const std::int64_t> rows_of, const_view mine,
                                bool of_bf16_too) {
  const status sizes = first_of(check_sizes(at, rows_of, mine.rows, all.rows), check_same_rows(mine, all));
  return {.what = operation::reduce_scatter,
          .type = all.type,
          .rows = all.rows,
          .cols = all.cols,
          .sizes_of = rows_of,
          .problem = first_of(sizes, check_sum(all, of_bf16_too))};
}

proposal propose_broadcast(place_in_group at, const_view x, int root) {
  return {.what = operation::broadcast, .type = x.type, .rows = x.rows, .cols = x.cols, .number = root, .problem = check_root(at, root)};
}

namespace {

// A proposal as numbers: those of `head`, then the sizes.
enum head : std::size_t { what, type, rows, cols, number, sizes, problem, reason, end_of_head = reason + 20 };
constexpr std::size_t reason_bytes = (end_of_head - reason) * 8;

bool is_within(std::int64_t x, std::int64_t last) { return x >= 0 && x <= last; }

}  // namespace

std::vector<std::int64_t> numbers_of(const proposal& p, int ranks) {
  std::vector<std::int64_t> n(end_of_head + static_cast<std::size_t>(ranks));
  n[what] = static_cast<std::int64_t>(p.what);
  n[type] = static_cast<std::int64_t>(p.type);
  n[rows] = p.rows;
  n[cols] = p.cols;
  n[number] = p.number;
  n[sizes] = std::min<std::int64_t>(std::ssize(p.sizes_of), ranks);
  n[problem] = static_cast<std::int64_t>(p.problem.code());
  std::memcpy(&n[reason], p.problem.message().data(), std::min(p.problem.message().size(), reason_bytes));
  std::copy_n(p.sizes_of.begin(), n[sizes], n.begin() + end_of_head);
  return n;
}

proposal proposal_of(std::span<const std::int64_t> n) {
  const std::int64_t most = std::ssize(n) - static_cast<std::int64_t>(end_of_head);
  if (!is_within(n[what], static_cast<std::int64_t>(operation::broadcast)) || !is_within(n[type], static_cast<std::int64_t>(dtype::bf16)) ||
      !is_within(n[sizes], most) || !is_within(n[problem], static_cast<std::int64_t>(errc::internal)))
    return {.problem = {errc::shape_mismatch, "sent a proposal that is none"}};
  proposal p{.what = static_cast<operation>(n[what]),
             .type = static_cast<dtype>(n[type]),
             .rows = n[rows],
             .cols = n[cols],
             .number = n[number],
             .sizes_of = n.subspan(end_of_head, static_cast<std::size_t>(n[sizes]))};
  if (n[problem] == 0) return p;
  const std::string_view text(reinterpret_cast<const char*>(&n[reason]), reason_bytes);
  p.problem = {static_cast<errc>(n[problem]), std::string(text.substr(0, text.find('\0')))};
  return p;
}

}  // namespace argosy
