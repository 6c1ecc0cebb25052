// Prepared data: what `argosy prepare` makes of a catalogue and a log, memory-mapped by training and publishing.
// A sealed folder of kind "prepared": vocab.txt, products (ids, titles, tokens, patches or their features), queries (tokens), pairs, facts,
// fields (of the catalogue, for filters; data of before there were any is read as without).
// Product p is the p-th good record of the catalogue, query q the q-th new sorted query of the log, pair i the i-th new (query, product).
//   log p(v) = ln((c_v + 1) / (pairs + products)), c_v pairs that hold v: counted over exactly what the loader draws
//              (unique pairs), add-one smoothed (ours). method.md, section 4.
// Threads   prepared_data is immutable and may be shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/catalogue_fields.hpp"
#include "data/patch_features.hpp"
#include "data/text.hpp"

namespace argosy {

// One of the parts that a catalogue is split into, by the XXH3 of a product's id.
struct catalogue_shard {
  std::uint32_t number = 0, of = 1;  // number < of
  bool has(std::string_view id) const noexcept;
};

struct prepare_options {
  std::filesystem::path catalogue;
  catalogue_shard shard = {};      // the rest of the catalogue is passed over
  std::filesystem::path images;    // folder or tar; empty: titles only
  std::filesystem::path log;       // empty: a catalogue alone (to publish), no pairs
  std::filesystem::path out;       // the prepared folder
  std::filesystem::path vocab;     // empty: train one of vocab_size pieces from titles and queries
  std::string segmenter;           // source() of the one to use; empty: the default
  std::filesystem::path refusals;  // where a copy of OUT/refused.tsv goes; empty: nowhere
  std::size_t vocab_size = 8000;
  int query_length = 32, title_length = 64;
  int image_width = 60, image_height = 80;
  std::shared_ptr<patch_features> backbone;  // none: patches are stored as they are
  std::filesystem::path reuse;  // prepared data whose features are taken where the patches are the same; empty: what is at `out`
  bool strict = false;          // the first refused record is fatal
};

struct prepare_report {
  std::uint64_t products_read = 0, products_kept = 0, images_named = 0, images_read = 0, titles_kept = 0;
  std::uint64_t fields = 0, values_left_out = 0;             // further fields of the catalogue; values of those beyond most_fields
  std::uint64_t features_computed = 0, features_reused = 0;  // images that went through the backbone, and those that need not
  std::uint64_t log_read = 0, log_kept = 0, queries = 0, pairs = 0;
  std::map<std::string, std::uint64_t> refused;  // by reason
  std::uint64_t bytes = 0;
  double seconds = 0;
};

struct prepare_progress {
  std::string_view stage;             // "catalogue", "log", "vocabulary", "images", ...
  std::uint64_t done = 0, total = 0;  // total 0: unknown
  std::string_view unit = {};         // "images"; empty: not said
};

// Interrupted by `stop` it leaves no trace and returns aborted. An image that cannot be read leaves its product with its title alone, and
// is counted; a product left with neither is refused.
result<prepare_report> prepare(const prepare_options&, const std::function<void(const prepare_progress&)>&, std::stop_token stop);

// Tells the patches of one image from those of any other: XXH3-128 of their bytes.
struct image_key {
  std::uint64_t low = 0, high = 0;
  bool operator==(const image_key&) const = default;
};

class prepared_data {
public:
  static result<prepared_data> open(const std::filesystem::path&);
  // Reads and checks every byte.
  status verify() const;

  std::uint64_t products() const noexcept;
  std::uint64_t queries() const noexcept;
  std::uint64_t pairs() const noexcept;
  const vocabulary& vocab() const noexcept;
  int query_length() const noexcept;
  int title_length() const noexcept;
  int image_width() const noexcept;
  int image_height() const noexcept;
  const patch_backbone& backbone() const noexcept;     // what the patches went through; none: they are bytes
  int patch_width() const noexcept;                    // bytes, or features, of one patch
  std::uint64_t fingerprint() const noexcept;          // of the manifest but the fields: what a checkpoint was trained on
  std::string_view segmenter_source() const noexcept;  // what split its words: segmenter::source()

  // Opened, and verified whole, by the call.
  result<catalogue_fields> fields() const;
  // The file that they lie in. Data of before there were any: one without fields.
  status copy_fields(const std::filesystem::path& to) const;
  std::string_view product_id(std::uint64_t product) const;
  std::string_view title(std::uint64_t product) const;
  std::string_view image_name(std::uint64_t product) const;
  std::span<const std::int32_t> title_tokens(std::uint64_t product) const;  // [CLS] first; empty: no title
  // (16, patch_width()); empty: no image. Verified on first touch. One for data without, one for data with a backbone; REQUIRES that.
  result<std::span<const std::uint8_t>> patches(std::uint64_t product) const;
  result<std::span<const std::uint16_t>> features(std::uint64_t product) const;  // IEEE half precision
  std::optional<image_key> feature_key(std::uint64_t product) const;             // of the patches behind the features; none: no image
  std::span<const std::int32_t> query_tokens(std::uint64_t query) const;
  std::uint64_t pair_query(std::uint64_t pair) const;
  std::uint64_t pair_product(std::uint64_t pair) const;
  float log_p(std::uint64_t product) const;
  std::span<const std::uint32_t> known_products(std::uint64_t query) const;  // every product the log pairs with it, rising

private:
  struct impl;
  explicit prepared_data(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

}  // namespace argosy
