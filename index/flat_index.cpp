#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "index/checked_rows.hpp"
#include "index/hc_file.hpp"
#include "index/hc_index.hpp"
#include "index/inner_product.hpp"
#include "index/panel.hpp"
#include "index/top_hits.hpp"
#include "index/vector_index.hpp"
#include "schema/container.hpp"

namespace argosy {
namespace {

constexpr file_kind flat_kind = {"index-flat", 1};
constexpr std::size_t queries_at_once = 128;   // their panels, 128 KiB at 256 columns, stay in the second cache ...
constexpr std::size_t tile_bytes = 128 << 10;  // ... beside the rows that they meet
constexpr std::size_t rows_worth_a_thread = 1024;

struct row_range {
  std::size_t first, end;
};

class flat_index final : public vector_index {
public:
  flat_index(std::optional<container_reader> file, std::span<const float> vectors, std::size_t rows, std::size_t columns)
      : file_(std::move(file)), vectors_(vectors), rows_(rows), columns_(columns) {}

  std::string_view kind() const noexcept override { return flat_kind.name; }
  std::size_t size() const noexcept override { return rows_; }
  std::size_t columns() const noexcept override { return columns_; }
  result<std::vector<std::vector<hit>>> search(const_view queries, const search_options&) const override;
  result<std::vector<float>> restore(std::size_t first, std::size_t count) const override;
  status verify() const override { return file_ ? file_->verify() : status{}; }

private:
  using lists = std::vector<top_hits>;
  const float* row(std::size_t r) const noexcept { return vectors_.data() + r * columns_; }
  row_range part(std::size_t which, std::size_t of) const noexcept { return {rows_ * which / of, rows_ * (which + 1) / of}; }
  void search_group(const_view queries, std::size_t k, int threads, std::vector<std::vector<hit>>& found) const;
  std::vector<hit> search_allowed(const float* query, std::size_t k, const row_set& allowed) const;
  void scan_for_one(const float* query, row_range, top_hits&) const noexcept;
  void scan_for_many(std::size_t queries, const float* panels, float* scores, row_range, top_hits*) const noexcept;
  std::vector<hit> merged(const float* query, std::size_t k, std::size_t which, std::size_t queries, const lists&) const;
  std::size_t tile_rows() const noexcept { return std::max<std::size_t>(1, tile_bytes / sizeof(float) / columns_); }

  std::optional<container_reader> file_;  // none: the vectors are somebody's
  std::span<const float> vectors_;
  std::size_t rows_, columns_;
};

result<std::vector<std::vector<hit>>> flat_index::search(const_view queries, const search_options& options) const {
  ARGOSY_TRY(check_search(queries, options, rows_, columns_));
  if (file_) ARGOSY_TRY(file_->touch("vectors", 0, vectors_.size_bytes()));
  std::vector<std::vector<hit>> found;
  if (rows_ == 0) {
    found.resize(static_cast<std::size_t>(queries.rows));
    return found;
  }
  if (options.allowed != nullptr) {
    found.resize(static_cast<std::size_t>(queries.rows));
#pragma omp parallel for num_threads(options.threads) schedule(dynamic)
    for (std::int64_t q = 0; q < queries.rows; ++q)
      found[static_cast<std::size_t>(q)] = search_allowed(queries.row<float>(q), options.k, *options.allowed);
    return found;
  }
  const auto threads = static_cast<int>(std::clamp<std::size_t>(rows_ / rows_worth_a_thread, 1, static_cast<std::size_t>(options.threads)));
  constexpr auto step = static_cast<std::int64_t>(queries_at_once);
  for (std::int64_t first = 0; first < queries.rows; first += step) {
    search_group(queries.row_range(first, std::min(step, queries.rows - first)), std::min(options.k, rows_), threads, found);
  }
  return found;
}

result<std::vector<float>> flat_index::restore(std::size_t first, std::size_t count) const {
  ARGOSY_TRY(check_rows(first, count, rows_));
  if (file_) ARGOSY_TRY(file_->touch("vectors", first * columns_ * sizeof(float), count * columns_ * sizeof(float)));
  const auto rows = vectors_.subspan(first * columns_, count * columns_);
  return std::vector<float>(rows.begin(), rows.end());
}

std::vector<hit> flat_index::search_allowed(const float* query, std::size_t k, const row_set& allowed) const {
  if (allowed.size() == 0) return {};
  top_hits best(std::min(k, allowed.size()));
  allowed.for_each([&](std::uint32_t r) { best.offer({r, inner_product(row(r), query, columns_)}); });
  return best.sorted();
}

// Every thread has its own part of the rows, and its own lists for all queries.
void flat_index::search_group(const_view queries, std::size_t k, int threads, std::vector<std::vector<hit>>& found) const {
  const auto count = static_cast<std::size_t>(queries.rows), parts = static_cast<std::size_t>(threads);
  const std::size_t panels = count == 1 ? 0 : (count + panel_queries - 1) / panel_queries;
  std::vector<float> packed(panels * panel_queries * columns_), scores(parts * tile_rows() * panel_queries);
  for (std::size_t p = 0; p < panels; ++p) {
    const auto first = static_cast<std::int64_t>(p * panel_queries), size = static_cast<std::int64_t>(panel_queries);
    pack_panel(queries.row_range(first, std::min(size, queries.rows - first)), packed.data() + p * panel_queries * columns_);
  }
  lists best;
  best.reserve(parts * count);
  for (std::size_t i = 0; i < parts * count; ++i) best.emplace_back(k);
  const std::size_t base = found.size();
  found.resize(base + count);
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static)
    for (std::size_t part_of = 0; part_of < parts; ++part_of) {
      top_hits* mine = best.data() + part_of * count;
      if (panels == 0) {
        scan_for_one(queries.row<float>(0), part(part_of, parts), *mine);
      } else {
        scan_for_many(count, packed.data(), scores.data() + part_of * tile_rows() * panel_queries, part(part_of, parts), mine);
      }
    }
#pragma omp for schedule(static)
    for (std::size_t q = 0; q < count; ++q) found[base + q] = merged(queries.row<float>(static_cast<std::int64_t>(q)), k, q, count, best);
  }
}

void flat_index::scan_for_one(const float* query, row_range range, top_hits& best) const noexcept {
  for (std::size_t r = range.first; r < range.end; ++r) best.offer({static_cast<std::uint32_t>(r), inner_product(row(r), query, columns_)});
}

// Offers a row's scores of one panel to those lists that it may enter. Most rows enter none.
void offer_row(std::uint32_t row, const float* scores, std::size_t count, float* thresholds, top_hits* best) noexcept {
  int enters = 0;
  for (std::size_t q = 0; q < panel_queries; ++q) enters |= scores[q] > thresholds[q] ? 1 : 0;
  if (enters == 0) return;
  for (std::size_t q = 0; q < count; ++q) {
    if (!(scores[q] > thresholds[q])) continue;
    best[q].offer({row, scores[q]});
    thresholds[q] = best[q].threshold();
  }
}

void flat_index::scan_for_many(std::size_t queries, const float* panels, float* scores, row_range range, top_hits* best) const noexcept {
  float thresholds[queries_at_once];
  std::fill_n(thresholds, queries_at_once, std::numeric_limits<float>::infinity());
  for (std::size_t q = 0; q < queries; ++q) thresholds[q] = best[q].threshold();
  for (std::size_t first = range.first; first < range.end; first += tile_rows()) {
    const std::size_t count = std::min(tile_rows(), range.end - first);
    for (std::size_t q = 0; q < queries; q += panel_queries) {
      score_panel(row(first), count, columns_, panels + q * columns_, scores);
      for (std::size_t r = 0; r < count; ++r) {
        offer_row(static_cast<std::uint32_t>(first + r), scores + r * panel_queries, std::min(panel_queries, queries - q), thresholds + q,
                  best + q);
      }
    }
  }
}

// The parts' lists in one. Scores are computed anew: a panel sums in another order than inner_product, which defines them.
std::vector<hit> flat_index::merged(const float* query, std::size_t k, std::size_t which, std::size_t queries, const lists& best) const {
  std::vector<hit> all;
  for (std::size_t at = which; at < best.size(); at += queries) {
    for (const ranked_key key : best[at].candidates()) all.push_back(hit_of(key));
  }
  const auto kept = all.begin() + static_cast<std::ptrdiff_t>(std::min(k, all.size()));
  std::nth_element(all.begin(), kept, all.end(), better);
  all.erase(kept, all.end());
  for (auto& one : all) one.score = inner_product(row(one.row), query, columns_);
  std::sort(all.begin(), all.end(), better);
  return all;
}

status check_shape(const container_reader& file, std::span<const std::uint64_t> shape, std::size_t values) {
  const bool right = shape.size() == 2 && shape[1] > 0 && shape[0] <= std::numeric_limits<std::uint32_t>::max() && values % shape[1] == 0 &&
                     values / shape[1] == shape[0];
  if (right) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(shape.size(), 2); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return {errc::corrupt, file.path().string() + ": section shape: want the rows and columns of " + std::to_string(values) +
                             " values, found (" + text + ")"};
}

}  // namespace

status write_flat_index(const std::filesystem::path& path, const_view vectors) {
  ARGOSY_TRY(check_vectors(vectors));
  ARGOSY_ASSIGN(auto writer, container_writer::create(path, flat_kind));
  const std::uint64_t shape[] = {static_cast<std::uint64_t>(vectors.rows), static_cast<std::uint64_t>(vectors.cols)};
  ARGOSY_TRY(writer.add("shape", std::span<const std::uint64_t>(shape)));
  ARGOSY_TRY(writer.begin("vectors", element::f32));
  for (std::int64_t r = 0; r < vectors.rows; ++r) ARGOSY_TRY(writer.append(std::span(vectors.row<float>(r), shape[1])));
  return writer.finish();
}

result<std::unique_ptr<vector_index>> open_flat_index(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(auto file, container_reader::open(path, flat_kind));
  ARGOSY_ASSIGN(const auto shape, file.section<std::uint64_t>("shape"));
  ARGOSY_ASSIGN(const auto vectors, file.unverified<float>("vectors"));
  ARGOSY_TRY(check_shape(file, shape, vectors.size()));
  return std::unique_ptr<vector_index>(std::make_unique<flat_index>(std::move(file), vectors, shape[0], shape[1]));
}

result<std::unique_ptr<vector_index>> flat_index_over(const_view vectors) {
  ARGOSY_TRY(check_vectors(vectors));
  if (vectors.stride != vectors.cols) return status(errc::shape_mismatch, "vectors: want rows without gaps, got " + shape_text(vectors));
  const auto rows = static_cast<std::size_t>(vectors.rows), columns = static_cast<std::size_t>(vectors.cols);
  return std::unique_ptr<vector_index>(
      std::make_unique<flat_index>(std::nullopt, std::span(vectors.row<float>(0), rows * columns), rows, columns));
}

result<std::unique_ptr<vector_index>> open_index(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(const auto kind, kind_of(path));
  if (kind == flat_kind.name) return open_flat_index(path);
  if (kind == hc::kind.name) return open_hc_index(path);
  return status(errc::invalid_argument,
                path.string() + ": want an index (\"index-flat\" or \"index-hc\"), found a container of kind \"" + kind + "\"");
}

std::vector<std::vector<hit>> search_reference(const_view vectors, const_view queries, std::size_t k) {
  ARGOSY_CHECK(vectors.cols == queries.cols);
  std::vector<std::vector<hit>> found;
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    std::vector<hit> all;
    for (std::int64_t r = 0; r < vectors.rows; ++r) {
      const double score = inner_product_reference(vectors.row<float>(r), queries.row<float>(q), static_cast<std::size_t>(vectors.cols));
      all.push_back({static_cast<std::uint32_t>(r), static_cast<float>(score)});
    }
    std::sort(all.begin(), all.end(), better);
    all.resize(std::min(k, all.size()));
    found.push_back(std::move(all));
  }
  return found;
}

}  // namespace argosy
