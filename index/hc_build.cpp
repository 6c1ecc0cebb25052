#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "index/checked_rows.hpp"
#include "index/code_scan.hpp"
#include "index/hc_file.hpp"
#include "index/hc_index.hpp"
#include "index/hc_tree.hpp"
#include "index/inner_product.hpp"
#include "index/kmeans.hpp"
#include "index/packed_rows.hpp"
#include "index/product_quantiser.hpp"
#include "index/rotation.hpp"

namespace argosy {
namespace {

constexpr std::size_t quantiser_rows = 1 << 15;  // residuals that codebooks are trained on
constexpr std::size_t leaves_at_once = 256;      // encoded side by side, then written in order
constexpr std::size_t rows_at_once = 1 << 13;    // vectors brought into bytes side by side

// Where a row would be in a second leaf, and the loss there beside that in the first.
struct second_leaf {
  float loss = std::numeric_limits<float>::infinity();
  std::uint32_t row = 0, leaf = 0;
};

class hc_builder {
public:
  hc_builder(const_view vectors, const hc_settings& settings, const std::function<void(const hc_progress&)>& show, std::stop_token stop)
      : vectors_(vectors), settings_(settings), show_(show), stop_(std::move(stop)) {}

  status write(const std::filesystem::path& path) {
    project();
    ARGOSY_TRY(grow());
    const product_quantiser quantiser = train_quantiser();
    ARGOSY_ASSIGN(auto file, container_writer::create(path, hc::kind));
    ARGOSY_TRY(write_facts(file));
    ARGOSY_TRY(write_tree(file));
    ARGOSY_TRY(file.add("axis", std::span<const float>(rotation_.axes)));
    ARGOSY_TRY(file.add("weight", std::span<const float>(rotation_.weight)));
    ARGOSY_TRY(file.add("part", quantiser.first()));
    ARGOSY_TRY(file.add("codebook", quantiser.codebook()));
    ARGOSY_TRY(write_codes(quantiser, file));
    ARGOSY_TRY(write_vectors(file));
    return file.finish();
  }

private:
  std::size_t rows() const noexcept { return static_cast<std::size_t>(vectors_.rows); }
  std::size_t columns() const noexcept { return static_cast<std::size_t>(vectors_.cols); }
  const_view projected() const noexcept { return view_of(projected_.data(), vectors_.rows, static_cast<std::int64_t>(rotation_.kept)); }
  status report(const char* stage, std::uint64_t done, std::uint64_t total) const {
    if (show_) show_({stage, done, total});
    return stop_.stop_requested() ? status{errc::aborted, "building the index was interrupted"} : status{};
  }

  void project();
  status grow();
  product_quantiser train_quantiser() const;
  second_leaf best_second(std::uint32_t row, std::span<const std::uint32_t> nearest) const;
  void add_second_leaves(std::span<const std::uint32_t> nearest);
  void residual(std::uint32_t row, std::uint32_t leaf, float* out) const noexcept;
  void encode_leaf(std::size_t leaf, const product_quantiser&, std::uint8_t* blocks) const;
  status write_facts(container_writer&) const;
  status write_tree(container_writer&) const;
  status write_codes(const product_quantiser&, container_writer&) const;
  status write_vectors(container_writer&) const;
  status write_packed(container_writer&) const;
  std::size_t blocks_of(std::size_t leaf) const noexcept { return (groups_.of(leaf).size() + block_vectors - 1) / block_vectors; }

  const_view vectors_;
  hc_settings settings_;
  const std::function<void(const hc_progress&)>& show_;
  std::stop_token stop_;
  rotation rotation_;
  std::vector<float> projected_;  // (N, K)
  hc_tree tree_;
  std::vector<std::uint32_t> placed_, leaf_of_;  // every row in its leaf, then those in a second one
  row_groups groups_;                            // rows by leaf
};

void hc_builder::project() {
  rotation_ = train_rotation(vectors_, settings_.seed);
  projected_ = project_rows(rotation_, vectors_, settings_.threads);
}

status hc_builder::grow() {
  ARGOSY_TRY(report("tree", 0, 1));
  tree_ = train_tree(projected(),
                     {.levels = settings_.levels, .leaves = settings_.leaves, .seed = settings_.seed, .threads = settings_.threads});
  ARGOSY_TRY(report("leaves", 0, rows()));
  const auto nearest = nearest_leaves(tree_, projected(), settings_.threads);
  placed_ = all_rows(rows());
  for (const std::uint32_t row : placed_) leaf_of_.push_back(nearest[leaf_choices * row]);
  add_second_leaves(nearest);
  groups_ = group_rows(placed_, leaf_of_, tree_.leaves());
  return report("leaves", rows(), rows());
}

second_leaf hc_builder::best_second(std::uint32_t row, std::span<const std::uint32_t> nearest) const {
  second_leaf best{.row = row};
  const std::size_t width = rotation_.kept;
  std::vector<float> first(width), other(width);
  residual(row, nearest[0], first.data());
  const float square = inner_product(first.data(), first.data(), width);
  for (const std::uint32_t leaf : nearest.subspan(1)) {
    if (leaf == nearest[0] || !(square > 0)) continue;
    residual(row, leaf, other.data());
    const float along = inner_product(other.data(), first.data(), width);
    const float loss = (inner_product(other.data(), other.data(), width) + along * along / square) / square;
    if (loss < best.loss) best.loss = loss, best.leaf = leaf;
  }
  return best;
}

void hc_builder::add_second_leaves(std::span<const std::uint32_t> nearest) {
  const auto wanted = static_cast<std::size_t>(settings_.second_leaves * static_cast<double>(rows()));
  if (wanted == 0) return;
  std::vector<second_leaf> found(rows());
#pragma omp parallel for num_threads(settings_.threads) schedule(static)
  for (std::size_t row = 0; row < rows(); ++row)
    found[row] = best_second(static_cast<std::uint32_t>(row), nearest.subspan(leaf_choices * row, leaf_choices));
  const auto less = [](const second_leaf& a, const second_leaf& b) { return a.loss < b.loss || (a.loss == b.loss && a.row < b.row); };
  const auto last = found.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, found.size()));
  std::partial_sort(found.begin(), last, found.end(), less);
  for (auto one = found.begin(); one != last && std::isfinite(one->loss); ++one) {
    placed_.push_back(one->row);
    leaf_of_.push_back(one->leaf);
  }
}

void hc_builder::residual(std::uint32_t row, std::uint32_t leaf, float* out) const noexcept {
  tree_.levels.back().centroids.restore(leaf, out);
  const float* z = projected_.data() + row * rotation_.kept;
  for (std::size_t k = 0; k < rotation_.kept; ++k) out[k] = z[k] - out[k];
}

product_quantiser hc_builder::train_quantiser() const {
  const auto drawn = drawn_rows(all_rows(placed_.size()), quantiser_rows, settings_.seed);
  std::vector<float> residuals(drawn.size() * rotation_.kept);
  for (std::size_t i = 0; i < drawn.size(); ++i) residual(placed_[drawn[i]], leaf_of_[drawn[i]], residuals.data() + i * rotation_.kept);
  const const_view rows =
      view_of(std::as_const(residuals).data(), static_cast<std::int64_t>(drawn.size()), static_cast<std::int64_t>(rotation_.kept));
  return product_quantiser::train(rows, 2 * settings_.code_bytes, settings_.seed, settings_.threads);
}

// Into blocks of zeros.
void hc_builder::encode_leaf(std::size_t leaf, const product_quantiser& quantiser, std::uint8_t* blocks) const {
  const auto members = groups_.of(leaf);
  const std::size_t parts = quantiser.parts();
  std::vector<float> left(rotation_.kept);
  std::vector<std::uint8_t> codes(parts);
  for (std::size_t i = 0; i < members.size(); ++i) {
    residual(members[i], static_cast<std::uint32_t>(leaf), left.data());
    quantiser.encode(left.data(), codes.data());
    std::uint8_t* block = blocks + i / block_vectors * block_bytes(parts);
    const std::size_t at = i % block_vectors;
    for (std::size_t m = 0; m < parts; ++m) {
      std::uint8_t& both = block[m * part_bytes + at % part_bytes];
      both = static_cast<std::uint8_t>(both | codes[m] << (at < part_bytes ? 0 : 4));
    }
  }
}

status hc_builder::write_facts(container_writer& file) const {
  std::uint64_t facts[hc::fact_count] = {};
  facts[hc::fact_vectors] = rows();
  facts[hc::fact_columns] = columns();
  facts[hc::fact_levels] = tree_.levels.size();
  facts[hc::fact_kept] = rotation_.kept;
  facts[hc::fact_stored] = static_cast<std::uint64_t>(settings_.vectors);
  return file.add("facts", std::span<const std::uint64_t>(facts));
}

status hc_builder::write_tree(container_writer& file) const {
  std::vector<std::uint64_t> nodes, block = {0};
  for (const auto& level : tree_.levels) nodes.push_back(level.centroids.size());
  ARGOSY_TRY(file.add("nodes", std::span<const std::uint64_t>(nodes)));
  ARGOSY_TRY(file.begin("children", element::u64));
  for (const auto& level : tree_.levels) ARGOSY_TRY(file.append(std::span<const std::uint64_t>(level.children)));
  ARGOSY_TRY(file.begin("centroid", element::u8));
  for (const auto& level : tree_.levels) ARGOSY_TRY(file.append(std::as_bytes(std::span(level.centroids.bytes))));
  ARGOSY_TRY(file.begin("centroid_scale", element::f32));
  for (const auto& level : tree_.levels) ARGOSY_TRY(file.append(std::span<const float>(level.centroids.scale)));
  for (std::size_t leaf = 0; leaf < tree_.leaves(); ++leaf) block.push_back(block.back() + blocks_of(leaf));
  return file.add("leaf_block", std::span<const std::uint64_t>(block));
}

status hc_builder::write_codes(const product_quantiser& quantiser, container_writer& file) const {
  std::vector<std::uint32_t> slots;
  for (std::size_t leaf = 0; leaf < tree_.leaves(); ++leaf) {
    const auto members = groups_.of(leaf);
    slots.insert(slots.end(), members.begin(), members.end());
    slots.resize(slots.size() + blocks_of(leaf) * block_vectors - members.size(), hc::no_row);
  }
  ARGOSY_TRY(file.add("row", std::span<const std::uint32_t>(slots)));
  ARGOSY_TRY(file.begin("code", element::u8));
  for (std::size_t first = 0; first < tree_.leaves(); first += leaves_at_once) {
    const std::size_t end = std::min(first + leaves_at_once, tree_.leaves());
    std::vector<std::vector<std::uint8_t>> encoded(end - first);
#pragma omp parallel for num_threads(settings_.threads) schedule(dynamic)
    for (std::size_t leaf = first; leaf < end; ++leaf) {
      encoded[leaf - first].resize(blocks_of(leaf) * block_bytes(quantiser.parts()));
      encode_leaf(leaf, quantiser, encoded[leaf - first].data());
    }
    for (const auto& blocks : encoded) ARGOSY_TRY(file.append(std::as_bytes(std::span(blocks))));
    ARGOSY_TRY(report("codes", groups_.offset[end], placed_.size()));
  }
  return {};
}

status hc_builder::write_vectors(container_writer& file) const {
  if (settings_.vectors == stored_vectors::packed) return write_packed(file);
  ARGOSY_TRY(file.begin("vector", element::f32));
  for (std::int64_t r = 0; r < vectors_.rows; ++r) ARGOSY_TRY(file.append(std::span(vectors_.row<float>(r), columns())));
  return {};
}

status hc_builder::write_packed(container_writer& file) const {
  const std::vector<float> turned_axes = by_columns(rotation_.axes, columns());
  const row_layout layout = layout_for(columns(), rotation_.kept);
  std::vector<std::byte> packed(rows_at_once * layout.bytes());
  ARGOSY_TRY(file.begin("vector", element::u8));
  for (std::size_t first = 0; first < rows(); first += rows_at_once) {
    const std::size_t count = std::min(rows_at_once, rows() - first);
#pragma omp parallel for num_threads(settings_.threads) schedule(static)
    for (std::size_t r = 0; r < count; ++r) {
      thread_local std::vector<float> rotated;
      rotated.resize(columns());
      rotate(turned_axes, columns(), vectors_.row<float>(static_cast<std::int64_t>(first + r)), rotated.data());
      pack_row(layout, rotated.data(), packed.data() + r * layout.bytes());
    }
    ARGOSY_TRY(file.append(std::span<const std::byte>(packed).first(count * layout.bytes())));
    ARGOSY_TRY(report("vectors", first + count, rows()));
  }
  return {};
}

status check_settings(const hc_settings& settings, const_view vectors) {
  ARGOSY_TRY(check_vectors(vectors));
  if (vectors.rows == 0) return {errc::invalid_argument, "vectors: want at least one to cluster, got none"};
  if (vectors.cols > static_cast<std::int64_t>(hc::most_columns))
    return {errc::out_of_range,
            "vectors: want at most " + std::to_string(hc::most_columns) + " columns, got " + std::to_string(vectors.cols)};
  if (settings.levels < 0 || settings.levels > static_cast<int>(hc::most_levels))
    return {errc::out_of_range, "levels: want 1 to " + std::to_string(hc::most_levels) + ", got " + std::to_string(settings.levels)};
  if (settings.code_bytes < 1 || settings.code_bytes > hc::most_code_bytes)
    return {errc::out_of_range,
            "bytes of a code: want 1 to " + std::to_string(hc::most_code_bytes) + ", got " + std::to_string(settings.code_bytes)};
  if (!(settings.second_leaves >= 0 && settings.second_leaves <= 1))
    return {errc::out_of_range, "share of vectors in two leaves: want 0 to 1, got " + std::to_string(settings.second_leaves)};
  if (settings.threads < 1) return {errc::invalid_argument, "threads: want at least 1, got " + std::to_string(settings.threads)};
  return {};
}

}  // namespace

hc_settings settled(hc_settings settings, std::size_t vectors) noexcept {
  const double count = static_cast<double>(std::max<std::size_t>(1, vectors));
  if (settings.leaves == 0) settings.leaves = static_cast<std::size_t>(std::ceil(4 * std::sqrt(count)));
  settings.leaves = std::clamp<std::size_t>(settings.leaves, 1, std::max<std::size_t>(1, vectors));
  if (settings.levels == 0) settings.levels = settings.leaves <= 256 ? 1 : settings.leaves <= 65536 ? 2 : 3;
  return settings;
}

status write_hc_index(const std::filesystem::path& path, const_view vectors, const hc_settings& settings,
                      const std::function<void(const hc_progress&)>& show, std::stop_token stop) {
  ARGOSY_TRY(check_settings(settings, vectors));
  return hc_builder(vectors, settled(settings, static_cast<std::size_t>(vectors.rows)), show, std::move(stop)).write(path);
}

}  // namespace argosy
