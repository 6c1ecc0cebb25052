#include "data/batch.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"
#include "data/image.hpp"

namespace argosy {
namespace {

constexpr std::size_t most_rows = std::numeric_limits<std::int32_t>::max();  // offsets are 32 bits

status append_product(const prepared_data& data, std::uint64_t product, product_batch& to) {
  ARGOSY_ASSIGN(const auto patches, data.patches(product));
  to.title.append(data.title_tokens(product));
  to.image.append(patches);
  to.product.push_back(static_cast<std::int64_t>(product));
  to.log_p.push_back(data.log_p(product));
  return {};
}

void append_known(const prepared_data& data, std::uint64_t query, batch& to) {
  const auto known = data.known_products(query);
  to.known_product.insert(to.known_product.end(), known.begin(), known.end());
  to.known_offset.push_back(static_cast<std::int32_t>(to.known_product.size()));
}

}  // namespace

void packed_text::append(std::span<const std::int32_t> tokens) {
  token.insert(token.end(), tokens.begin(), tokens.end());
  offset.push_back(static_cast<std::int32_t>(token.size()));
}

void packed_images::append(std::span<const std::uint8_t> patches) {
  ARGOSY_CHECK(patches.empty() || patches.size() == static_cast<std::size_t>(patches_per_image) * static_cast<std::size_t>(patch_width));
  patch.insert(patch.end(), patches.begin(), patches.end());
  present.push_back(patches.empty() ? 0 : 1);
}

result<batch> make_batch(const prepared_data& data, const pair_order& order, std::uint64_t step, const batch_share& share) {
  if (data.pairs() == 0) return status{errc::invalid_argument, "prepared data: want pairs to train on, found none: prepare it with a log"};
  if (share.global_batch == 0 || share.workers < 1 || share.rank < 0 || share.rank >= share.workers)
    return status{errc::invalid_argument, "batch: want a global batch of at least 1 and 0 <= rank < workers, got " +
                                              std::to_string(share.global_batch) + ", rank " + std::to_string(share.rank) + " of " +
                                              std::to_string(share.workers)};
  batch made;
  made.step = step;
  made.first_pair = step * share.global_batch + share.first();
  made.product.image.patch_width = data.patch_width();
  for (std::uint64_t row = 0; row < share.size(); ++row) {
    const std::uint64_t pair = order.at(made.first_pair + row);
    const std::uint64_t query = data.pair_query(pair);
    made.query.append(data.query_tokens(query));
    append_known(data, query, made);
    ARGOSY_TRY(append_product(data, data.pair_product(pair), made.product));
  }
  if (std::max({made.query.token.size(), made.known_product.size(), made.product.title.token.size()}) > most_rows)
    return status{errc::out_of_range, "batch " + std::to_string(step) + ": want at most " + std::to_string(most_rows) +
                                          " pieces and known products, got more: make train.batch smaller"};
  return made;
}

result<product_batch> make_product_batch(const prepared_data& data, std::uint64_t first, std::uint64_t count) {
  if (first > data.products() || count > data.products() - first)
    return status{errc::out_of_range, "products: want rows within " + std::to_string(data.products()) + ", got " + std::to_string(first) +
                                          " and " + std::to_string(count) + " more"};
  product_batch made;
  made.image.patch_width = data.patch_width();
  for (std::uint64_t product = first; product < first + count; ++product) ARGOSY_TRY(append_product(data, product, made));
  return made;
}

}  // namespace argosy
