#include "index/hc_index.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "index/checked_rows.hpp"
#include "index/code_scan.hpp"
#include "index/hc_sections.hpp"
#include "index/inner_product.hpp"
#include "index/packed_rows.hpp"
#include "index/product_quantiser.hpp"
#include "index/ranked_key.hpp"
#include "index/rotation.hpp"

namespace argosy {
namespace {

// Leaves that are scored for each that is visited. The paper has 4 (40 branches of 100 leaves, of which 1,000 are kept), with which recall at
// 16 leaves of the fashion products was .90 instead of .95.
constexpr std::size_t spread = 16;
constexpr std::size_t published_share = 10;  // the paper visits a tenth of its leaves
constexpr std::uint32_t usual_rerank = 256;
constexpr std::size_t rows_ahead = 8;  // fetched before they are scored

struct scored_node {
  float score;
  std::uint32_t node;
};
bool better_node(const scored_node& a, const scored_node& b) noexcept { return better({a.node, a.score}, {b.node, b.score}); }

// Steps of a table. A score that is no number, as those of a broken file may be, is the least.
std::int32_t steps_of(float score) noexcept {
  constexpr float most = 1e9f;
  return static_cast<std::int32_t>(std::nearbyint(std::min(most, std::max(-most, score))));
}

// The best of a scan by estimate, in steps of the table, of equal ones the smaller row: whatever the order of leaves.
class estimates {
public:
  void reset(std::size_t wanted) {
    wanted_ = wanted;
    threshold_ = std::numeric_limits<std::int32_t>::min();
    held_.clear();
    held_.reserve(2 * wanted);
  }
  // What a row must reach to be offered.
  std::int32_t threshold() const noexcept { return threshold_; }
  void offer(std::int32_t estimate, std::uint32_t row) {
    held_.push_back(key_of(estimate, row));
    if (held_.size() == 2 * wanted_) halve();
  }
  template <class Take>
  void for_each(Take&& take) {
    keep_best(held_, wanted_);
    for (const ranked_key one : held_) take(row_of_key(one));
  }
  std::size_t size() const noexcept { return std::min(held_.size(), wanted_); }

private:
  void halve() {
    keep_best(held_, wanted_);
    threshold_ = integer_score(held_.back());
  }
  std::size_t wanted_ = 0;
  std::int32_t threshold_ = 0;
  std::vector<ranked_key> held_;
};

struct scratch {
  std::vector<float> rotated, p;  // of the group's queries; of the one that is searched
  split_query query;
  packed_query packed_p;
  code_table table;
  std::vector<scored_node> nodes, below;
  std::vector<std::uint16_t> sums;
  std::vector<std::uint32_t> hits, rows;
  estimates best;
  std::vector<ranked_key> scored;
};

class hc_index final : public vector_index {
public:
  hc_index(container_reader file, const hc::sections& sections, product_quantiser quantiser, section_blocks rows, section_blocks codes,
           section_blocks vectors)
      : file_(std::move(file)),
        at_(sections),
        axes_(by_columns(sections.axis, sections.columns)),
        quantiser_(std::move(quantiser)),
        row_blocks_(std::move(rows)),
        code_blocks_(std::move(codes)),
        vector_blocks_(std::move(vectors)),
        kernels_(&available_scan_kernels().front()),
        effort_{static_cast<std::uint32_t>((at_.leaves() + published_share - 1) / published_share), usual_rerank} {}

  std::string_view kind() const noexcept override { return hc::kind.name; }
  std::size_t size() const noexcept override { return at_.rows; }
  std::size_t columns() const noexcept override { return at_.columns; }
  result<std::vector<std::vector<hit>>> search(const_view queries, const search_options&) const override;
  status verify() const override { return file_.verify(); }
  search_effort effort() const noexcept override { return effort_; }
  void use(search_effort effort) noexcept override { effort_ = effort; }
  std::size_t leaves() const noexcept override { return at_.leaves(); }
  stored_vectors stored() const noexcept { return at_.stored; }
  result<std::vector<float>> restore(std::size_t first, std::size_t count) const override;

private:
  struct plan {
    std::size_t k, leaves, rerank;
    const row_set* allowed;
  };
  plan plan_of(const search_options&) const noexcept;
  status search_group(const_view queries, std::size_t first, const plan&, std::vector<std::vector<hit>>& found) const;
  status search_one(const float* query, const float* rotated, const plan&, scratch&, std::vector<hit>& found) const;
  void add_all_rows(const row_set* allowed, std::vector<std::uint32_t>& to) const;
  void project(const float* rotated, scratch&) const;
  void keep_leaves(const plan&, scratch&) const;
  void score_nodes(const hc::level&, std::size_t first, std::size_t end, const packed_query&, std::vector<scored_node>&) const;
  status scan_leaf(scored_node, const row_set* allowed, scratch&) const;
  status score_rows(const float* query, std::size_t k, scratch&, std::vector<hit>& found) const;
  std::size_t bytes_of_a_row() const noexcept {
    return at_.stored == stored_vectors::packed ? at_.layout.bytes() : at_.columns * sizeof(float);
  }
  const std::byte* row_bytes(std::uint32_t row) const noexcept {
    return (at_.stored == stored_vectors::packed ? at_.packed.data() : std::as_bytes(at_.floats).data()) + row * bytes_of_a_row();
  }
  void fetch_row(std::uint32_t row) const noexcept;
  float score(const float* query, const split_query& packed, std::uint32_t row) const noexcept;

  container_reader file_;
  hc::sections at_;
  std::vector<float> axes_;  // by columns
  product_quantiser quantiser_;
  section_blocks row_blocks_, code_blocks_, vector_blocks_;
  const scan_kernels* kernels_;
  search_effort effort_;
};

// Of allowed rows, few are scored one by one. Of many, more leaves are visited: the k best among a share s of all rows lie about as far out
// as the k / s best of all, and the leaves that hold those grow by far less (ours, measured by `bench index --filters`).
hc_index::plan hc_index::plan_of(const search_options& options) const noexcept {
  const search_effort chosen{options.effort.leaves > 0 ? options.effort.leaves : effort_.leaves,
                             options.effort.rerank > 0 ? options.effort.rerank : effort_.rerank};
  const std::size_t k = std::min(options.k, at_.rows);
  plan made{k, chosen.leaves, std::max<std::size_t>(chosen.rerank, 2 * k), options.allowed};
  if (made.allowed != nullptr && made.allowed->size() > 0) {
    const double share = static_cast<double>(made.allowed->size()) / static_cast<double>(at_.rows);
    made.leaves = static_cast<std::size_t>(static_cast<double>(made.leaves) * (1 + std::log2(1 / share)));
  }
  const std::size_t always = answers_always_visited * k * at_.leaves() / at_.rows + 1;
  made.leaves = std::min(std::max(made.leaves, always), at_.leaves());
  made.rerank = std::min(made.rerank, made.allowed != nullptr ? made.allowed->size() : at_.rows);
  made.k = std::min(made.k, made.rerank);
  return made;
}

result<std::vector<std::vector<hit>>> hc_index::search(const_view queries, const search_options& options) const {
  ARGOSY_TRY(check_search(queries, options, at_.rows, at_.columns));
  const plan made = plan_of(options);
  std::vector<std::vector<hit>> found(static_cast<std::size_t>(queries.rows));
  if (found.size() == 1 || options.threads == 1) {
    for (std::size_t q = 0; q < found.size(); q += rotated_together) ARGOSY_TRY(search_group(queries, q, made, found));
    return found;
  }
  status failed;
#pragma omp parallel for num_threads(options.threads) schedule(dynamic)
  for (std::size_t q = 0; q < found.size(); q += rotated_together) {
    if (status end = search_group(queries, q, made, found); !end.ok()) {
#pragma omp critical(hc_search_failed)
      failed = std::move(end);
    }
  }
  if (!failed.ok()) return failed;
  return found;
}

status hc_index::search_group(const_view queries, std::size_t first, const plan& made, std::vector<std::vector<hit>>& found) const {
  thread_local scratch own;
  const std::size_t count = std::min(rotated_together, found.size() - first);
  const const_view group = queries.row_range(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count));
  own.rotated.resize(count * at_.columns);
  rotate(axes_, group, own.rotated.data());
  for (std::size_t q = 0; q < count; ++q)
    ARGOSY_TRY(
        search_one(group.row<float>(static_cast<std::int64_t>(q)), own.rotated.data() + q * at_.columns, made, own, found[first + q]));
  return {};
}

result<std::vector<float>> hc_index::restore(std::size_t first, std::size_t count) const {
  ARGOSY_TRY(check_rows(first, count, at_.rows));
  ARGOSY_TRY(vector_blocks_.touch(first * bytes_of_a_row(), count * bytes_of_a_row()));
  std::vector<float> rows(count * at_.columns), along(at_.columns);
  for (std::size_t r = 0; r < count; ++r) {
    float* row = rows.data() + r * at_.columns;
    if (at_.stored == stored_vectors::float32) {
      std::copy_n(at_.floats.data() + (first + r) * at_.columns, at_.columns, row);
    } else {
      unpack_row(at_.layout, row_bytes(static_cast<std::uint32_t>(first + r)), along.data());
      rotate(at_.axis, at_.columns, along.data(), row);
    }
  }
  return rows;
}

status hc_index::search_one(const float* query, const float* rotated, const plan& made, scratch& own, std::vector<hit>& found) const {
  if (made.allowed != nullptr && made.allowed->size() == 0) return {};
  project(rotated, own);
  own.rows.clear();
  if (made.allowed == nullptr && made.rerank == at_.rows) {  // nothing is to be left out
    add_all_rows(nullptr, own.rows);
    return score_rows(query, made.k, own, found);
  }
  const std::size_t worth_scoring = std::max(made.rerank, 4 * made.leaves);
  if (made.allowed != nullptr && made.allowed->size() <= worth_scoring) {
    add_all_rows(made.allowed, own.rows);
    return score_rows(query, made.k, own, found);
  }
  quantiser_.make_table(own.p.data(), own.table);
  keep_leaves(made, own);
  own.best.reset(made.rerank);
  for (std::size_t i = 0; i < own.nodes.size(); ++i) {
    if (i >= made.leaves && own.best.size() >= made.rerank) break;
    ARGOSY_TRY(scan_leaf(own.nodes[i], made.allowed, own));
  }
  own.best.for_each([&](std::uint32_t row) { own.rows.push_back(row); });
  ARGOSY_TRY(score_rows(query, made.k, own, found));
  if (found.size() == made.k) return {};
  own.rows.clear();
  add_all_rows(made.allowed, own.rows);
  return score_rows(query, made.k, own, found);
}

void hc_index::add_all_rows(const row_set* allowed, std::vector<std::uint32_t>& to) const {
  if (allowed != nullptr) {
    allowed->for_each([&](std::uint32_t row) { to.push_back(row); });
  } else {
    to.resize(at_.rows);
    std::iota(to.begin(), to.end(), 0u);
  }
}

void hc_index::project(const float* rotated, scratch& own) const {
  own.p.resize(at_.kept);
  for (std::size_t k = 0; k < at_.kept; ++k) own.p[k] = rotated[k] / at_.weight[k];
  own.packed_p.assign(own.p.data(), at_.kept, at_.kept_stride, query_limit(at_.kept_stride));
  own.query.assign(at_.layout, rotated);
}

void hc_index::score_nodes(const hc::level& level, std::size_t first, std::size_t end, const packed_query& query,
                           std::vector<scored_node>& out) const {
  for (std::size_t node = first; node < end; ++node) {
    const std::int32_t product = kernels_->dot(query.values.data(), level.centroid.data() + node * at_.kept_stride, at_.kept_stride);
    out.push_back({static_cast<float>(product) * query.scale * level.scale[node], static_cast<std::uint32_t>(node)});
  }
}

// Into own.nodes, best first; with a filter all that were scored, since those to be visited may hold too few that are allowed.
void hc_index::keep_leaves(const plan& made, scratch& own) const {
  own.nodes.clear();
  score_nodes(at_.levels.front(), 0, at_.levels.front().nodes(), own.packed_p, own.nodes);
  for (std::size_t t = 1; t < at_.levels.size(); ++t) {
    const auto& children = at_.levels[t - 1].children;
    const double left = static_cast<double>(at_.leaves()) / static_cast<double>(at_.levels[t].nodes());
    const auto wanted = static_cast<std::size_t>(static_cast<double>(spread * made.leaves) / left) + 1;
    std::sort(own.nodes.begin(), own.nodes.end(), better_node);
    own.below.clear();
    for (const scored_node& node : own.nodes) {
      if (own.below.size() >= wanted) break;
      score_nodes(at_.levels[t], children[node.node], children[node.node + 1], own.packed_p, own.below);
    }
    std::swap(own.nodes, own.below);
  }
  if (own.nodes.size() > made.leaves && made.allowed == nullptr) {
    std::nth_element(own.nodes.begin(), own.nodes.begin() + static_cast<std::ptrdiff_t>(made.leaves), own.nodes.end(), better_node);
    own.nodes.resize(made.leaves);
  }
  std::sort(own.nodes.begin(), own.nodes.end(), better_node);
}

status hc_index::scan_leaf(scored_node leaf, const row_set* allowed, scratch& own) const {
  const std::size_t first = at_.leaf_block[leaf.node], blocks = at_.leaf_block[leaf.node + 1] - first;
  const std::size_t bytes = block_bytes(quantiser_.parts());
  ARGOSY_TRY(code_blocks_.touch(first * bytes, blocks * bytes));
  ARGOSY_TRY(row_blocks_.touch(first * block_vectors * sizeof(std::uint32_t), blocks * block_vectors * sizeof(std::uint32_t)));
  own.sums.resize(std::max(own.sums.size(), blocks * block_vectors));
  own.hits.resize(std::max(own.hits.size(), blocks));
  const std::int32_t offset = steps_of((leaf.score + own.table.bias) / own.table.step);
  const std::int64_t threshold = std::max<std::int64_t>(static_cast<std::int64_t>(own.best.threshold()) - 1 - offset, -1);
  kernels_->scan(at_.code.data() + first * bytes, blocks, own.table.entries.data(), quantiser_.parts(),
                 static_cast<int>(std::min<std::int64_t>(threshold, 32767)), own.sums.data(), own.hits.data());
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint32_t* rows = at_.row.data() + (first + b) * block_vectors;
    for (std::uint32_t left = own.hits[b]; left != 0; left &= left - 1) {
      const auto j = static_cast<std::size_t>(std::countr_zero(left));
      if (rows[j] >= at_.rows || (allowed != nullptr && !allowed->contains(rows[j]))) continue;
      const std::int32_t estimate = offset + own.sums[b * block_vectors + j];
      if (estimate >= own.best.threshold()) own.best.offer(estimate, rows[j]);
    }
  }
  return {};
}

void hc_index::fetch_row(std::uint32_t row) const noexcept {
  const std::byte* at = row_bytes(row);
  for (std::size_t i = 0; i < bytes_of_a_row(); i += 64) __builtin_prefetch(at + i);
}

float hc_index::score(const float* query, const split_query& packed, std::uint32_t row) const noexcept {
  if (at_.stored == stored_vectors::packed) return product(at_.layout, *kernels_, packed, row_bytes(row));
  return inner_product(query, at_.floats.data() + row * at_.columns, at_.columns);
}

// The k best of own.rows, where a row stands once for each leaf that it was found in, two at most.
status hc_index::score_rows(const float* query, std::size_t k, scratch& own, std::vector<hit>& found) const {
  for (std::size_t i = 0; i < std::min(rows_ahead, own.rows.size()); ++i) fetch_row(own.rows[i]);
  own.scored.clear();
  for (std::size_t i = 0; i < own.rows.size(); ++i) {
    if (i + rows_ahead < own.rows.size()) fetch_row(own.rows[i + rows_ahead]);
    ARGOSY_TRY(vector_blocks_.touch(own.rows[i] * bytes_of_a_row(), bytes_of_a_row()));
    own.scored.push_back(key_of({own.rows[i], score(query, own.query, own.rows[i])}));
    if (own.scored.size() == 4 * k) keep_best(own.scored, 2 * k);
  }
  keep_best(own.scored, 2 * k);
  found = sorted_hits(own.scored);
  const auto same_row = [](const hit& a, const hit& b) { return a.row == b.row; };  // a score that is no number is not even its own equal
  found.erase(std::unique(found.begin(), found.end(), same_row), found.end());
  found.resize(std::min(k, found.size()));
  return {};
}

}  // namespace

stored_vectors stored_in(const vector_index& index) noexcept {
  const auto* own = dynamic_cast<const hc_index*>(&index);
  return own != nullptr ? own->stored() : stored_vectors::float32;
}

std::unique_ptr<vector_index> hc::make_index(const sections& at, product_quantiser quantiser, section_blocks rows, section_blocks codes,
                                             section_blocks vectors, container_reader file) {
  return std::make_unique<hc_index>(std::move(file), at, std::move(quantiser), std::move(rows), std::move(codes), std::move(vectors));
}

}  // namespace argosy
