// The stages of `prepare`, in their order: catalogue, images, log. Each is one pass over its file; the products in memory hold texts only,
// the patches, or their features, go straight to their file.
// Threads   one calls the stages and `progress`; cut_images decodes by all processors (data/parallel.hpp) and ends its threads itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.hpp"
#include "data/field_rows.hpp"
#include "data/prepared.hpp"
#include "data/records.hpp"
#include "data/refusal_log.hpp"
#include "data/word_rows.hpp"
#include "schema/container.hpp"

namespace argosy {

// What every stage works with. All outlive the stages.
struct prepare_context {
  const prepare_options& options;
  const std::function<void(const prepare_progress&)>& progress;
  std::stop_token stop;
  refusal_log& refusals;
  const segmenter& split;
  prepare_report& report;

  status check_stop() const;
  void tell(std::string_view stage, std::uint64_t done, std::uint64_t total) const;
  result<std::vector<std::string>> sorted_words(std::string_view text) const;
};

// Every acceptable record, and which of them became products.
struct catalogue {
  string_pool id, title, image;
  std::vector<std::uint64_t> line;
  word_table words;  // of titles, later of queries too
  word_rows title_words;
  field_rows fields;
  std::vector<std::uint64_t> product;  // record of each product: set by cut_images
  std::size_t size() const noexcept { return id.size(); }
};
result<catalogue> read_catalogue(const prepare_context&);

// Writes section `patch`, or with a backbone `feature` and `feature_key`, and tells which records have an image (patch_offset counts them, by product).
struct cut_result {
  std::vector<std::uint64_t> patch_offset{0};
};
result<cut_result> cut_images(const prepare_context&, catalogue&, container_writer&);

struct log_pairs {
  word_rows query_words;
  std::vector<std::uint32_t> query, product;   // of each pair
  std::vector<std::uint64_t> known_offset{0};  // (queries + 1)
  std::vector<std::uint32_t> known;            // products of each query, rising
};
result<log_pairs> read_pairs(const prepare_context&, catalogue&);

}  // namespace argosy
