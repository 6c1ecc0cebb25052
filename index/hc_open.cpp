#include <algorithm>
#include <cmath>
#include <utility>

#include "index/code_scan.hpp"
#include "index/hc_sections.hpp"

namespace argosy {
namespace {

// What is said of a file whose sections do not fit together.
status broken(const container_reader& file, std::string_view section, std::string_view want, std::uint64_t found) {
  return {errc::corrupt,
          file.path().string() + ": section " + std::string(section) + ": want " + std::string(want) + ", found " + std::to_string(found)};
}

status expect_size(const container_reader& file, std::string_view section, std::uint64_t want, std::uint64_t found) {
  return want == found ? status{} : broken(file, section, std::to_string(want) + " elements", found);
}

// Offsets from 0, rising, to `end`.
status check_offsets(const container_reader& file, std::string_view section, std::span<const std::uint64_t> offsets, std::uint64_t end) {
  if (offsets.front() != 0) return broken(file, section, "offsets from 0", offsets.front());
  if (!std::is_sorted(offsets.begin(), offsets.end())) return broken(file, section, "rising offsets", 0);
  return offsets.back() == end ? status{} : broken(file, section, "offsets to " + std::to_string(end), offsets.back());
}

class hc_opener {
public:
  explicit hc_opener(container_reader file) : file_(std::move(file)) {}
  result<std::unique_ptr<vector_index>> open();

private:
  status take_facts();
  status take_tree();
  status take_codes();
  status take_leaves();
  status take_vectors();

  container_reader file_;
  hc::sections at_;
  std::size_t level_count_ = 0;
  std::span<const std::uint32_t> part_;
  std::span<const float> codebook_;
};

status hc_opener::take_facts() {
  ARGOSY_ASSIGN(const auto facts, file_.section<std::uint64_t>("facts"));
  ARGOSY_TRY(expect_size(file_, "facts", hc::fact_count, facts.size()));
  const auto within = [&](hc::fact which, std::string_view name, std::uint64_t least, std::uint64_t most) {
    if (facts[which] >= least && facts[which] <= most) return status{};
    return broken(file_, "facts", std::string(name) + " from " + std::to_string(least) + " to " + std::to_string(most), facts[which]);
  };
  ARGOSY_TRY(within(hc::fact_vectors, "vectors", 1, hc::no_row - 1));
  ARGOSY_TRY(within(hc::fact_columns, "columns", 1, hc::most_columns));
  ARGOSY_TRY(within(hc::fact_levels, "levels", 1, hc::most_levels));
  ARGOSY_TRY(within(hc::fact_kept, "axes kept", 1, facts[hc::fact_columns]));
  ARGOSY_TRY(within(hc::fact_stored, "stored vectors", 0, static_cast<std::uint64_t>(stored_vectors::float32)));
  at_.rows = facts[hc::fact_vectors];
  at_.columns = facts[hc::fact_columns];
  at_.stored = static_cast<stored_vectors>(facts[hc::fact_stored]);
  level_count_ = facts[hc::fact_levels];
  at_.kept = facts[hc::fact_kept];
  at_.kept_stride = row_layout::padded(at_.kept);
  at_.layout = layout_for(at_.columns, at_.kept);
  return {};
}

status hc_opener::take_tree() {
  ARGOSY_ASSIGN(const auto nodes, file_.section<std::uint64_t>("nodes"));
  ARGOSY_TRY(expect_size(file_, "nodes", level_count_, nodes.size()));
  std::uint64_t all = 0, offsets = 0;
  for (std::size_t t = 0; t < nodes.size(); ++t) {
    if (nodes[t] == 0 || nodes[t] > at_.rows) return broken(file_, "nodes", "1 to " + std::to_string(at_.rows) + " of a level", nodes[t]);
    all += nodes[t];
    offsets += t + 1 < nodes.size() ? nodes[t] + 1 : 0;
  }
  ARGOSY_ASSIGN(const auto centroid, file_.section<char>("centroid"));
  ARGOSY_ASSIGN(const auto scale, file_.section<float>("centroid_scale"));
  ARGOSY_ASSIGN(const auto children, file_.section<std::uint64_t>("children"));
  ARGOSY_TRY(expect_size(file_, "centroid", all * at_.kept_stride, centroid.size()));
  ARGOSY_TRY(expect_size(file_, "centroid_scale", all, scale.size()));
  ARGOSY_TRY(expect_size(file_, "children", offsets, children.size()));
  std::size_t node = 0, offset = 0;
  for (std::size_t t = 0; t < nodes.size(); ++t) {
    const std::size_t child_offsets = t + 1 < nodes.size() ? nodes[t] + 1 : 0;
    at_.levels.push_back({std::span(reinterpret_cast<const std::int8_t*>(centroid.data()), centroid.size())
                              .subspan(node * at_.kept_stride, nodes[t] * at_.kept_stride),
                          scale.subspan(node, nodes[t]), children.subspan(offset, child_offsets)});
    if (child_offsets > 0) ARGOSY_TRY(check_offsets(file_, "children", at_.levels.back().children, nodes[t + 1]));
    node += nodes[t];
    offset += child_offsets;
  }
  return {};
}

status hc_opener::take_codes() {
  ARGOSY_ASSIGN(at_.axis, file_.section<float>("axis"));
  ARGOSY_TRY(expect_size(file_, "axis", at_.columns * at_.columns, at_.axis.size()));
  ARGOSY_ASSIGN(at_.weight, file_.section<float>("weight"));
  ARGOSY_TRY(expect_size(file_, "weight", at_.kept, at_.weight.size()));
  for (const float weight : at_.weight) {
    if (!(weight > 0 && std::isfinite(weight))) return broken(file_, "weight", "positive numbers", 0);
  }
  ARGOSY_ASSIGN(part_, file_.section<std::uint32_t>("part"));
  if (part_.size() < 2 || (part_.size() - 1) % parts_multiple != 0 || part_.size() > 2 * hc::most_code_bytes + parts_multiple)
    return broken(file_, "part", "a multiple of 8 parts, and an element more", part_.size());
  if (part_.front() != 0 || !std::is_sorted(part_.begin(), part_.end()) || part_.back() != at_.kept)
    return broken(file_, "part", "rising columns from 0 to " + std::to_string(at_.kept), part_.back());
  ARGOSY_ASSIGN(codebook_, file_.section<float>("codebook"));
  return expect_size(file_, "codebook", at_.kept * part_entries, codebook_.size());
}

status hc_opener::take_leaves() {
  ARGOSY_ASSIGN(at_.leaf_block, file_.section<std::uint64_t>("leaf_block"));
  ARGOSY_TRY(expect_size(file_, "leaf_block", at_.levels.back().nodes() + 1, at_.leaf_block.size()));
  ARGOSY_ASSIGN(at_.row, file_.unverified<std::uint32_t>("row"));
  ARGOSY_ASSIGN(const auto code, file_.unverified<char>("code"));
  at_.code = std::span(reinterpret_cast<const std::uint8_t*>(code.data()), code.size());
  const std::uint64_t blocks = at_.row.size() / block_vectors;
  ARGOSY_TRY(check_offsets(file_, "leaf_block", at_.leaf_block, blocks));
  ARGOSY_TRY(expect_size(file_, "row", blocks * block_vectors, at_.row.size()));
  return expect_size(file_, "code", blocks * block_bytes(part_.size() - 1), at_.code.size());
}

status hc_opener::take_vectors() {
  if (at_.stored == stored_vectors::float32) {
    ARGOSY_ASSIGN(at_.floats, file_.unverified<float>("vector"));
    return expect_size(file_, "vector", at_.rows * at_.columns, at_.floats.size());
  }
  ARGOSY_ASSIGN(const auto packed, file_.unverified<char>("vector"));
  at_.packed = std::as_bytes(packed);
  return expect_size(file_, "vector", at_.rows * at_.layout.bytes(), at_.packed.size());
}

result<std::unique_ptr<vector_index>> hc_opener::open() {
  ARGOSY_TRY(take_facts());
  ARGOSY_TRY(take_tree());
  ARGOSY_TRY(take_codes());
  ARGOSY_TRY(take_leaves());
  ARGOSY_TRY(take_vectors());
  ARGOSY_ASSIGN(auto rows, file_.blocks("row"));
  ARGOSY_ASSIGN(auto codes, file_.blocks("code"));
  ARGOSY_ASSIGN(auto vectors, file_.blocks("vector"));
  product_quantiser quantiser({part_.begin(), part_.end()}, {codebook_.begin(), codebook_.end()});
  return hc::make_index(at_, std::move(quantiser), std::move(rows), std::move(codes), std::move(vectors), file_);
}

}  // namespace

result<std::unique_ptr<vector_index>> open_hc_index(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(auto file, container_reader::open(path, hc::kind));
  return hc_opener(std::move(file)).open();
}

}  // namespace argosy
