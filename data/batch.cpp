#include "data/batch.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <type_traits>

#include "base/check.hpp"
#include "base/random.hpp"
#include "data/image.hpp"

namespace argosy {
namespace {

constexpr std::size_t most_rows = std::numeric_limits<std::int32_t>::max();  // offsets are 32 bits

status append_image(const prepared_data& data, std::uint64_t product, packed_images& to) {
  if (data.backbone().none()) {
    ARGOSY_ASSIGN(const auto patches, data.patches(product));
    to.append(patches);
  } else {
    ARGOSY_ASSIGN(const auto features, data.features(product));
    to.append_features(features);
  }
  return {};
}

status append_product(const prepared_data& data, std::uint64_t product, product_batch& to) {
  ARGOSY_TRY(append_image(data, product, to.image));
  to.title.append(data.title_tokens(product));
  to.product.push_back(static_cast<std::int64_t>(product));
  to.log_p.push_back(data.log_p(product));
  return {};
}

void append_query(const prepared_data& data, std::uint64_t query, std::uint64_t row, batch& to) {
  to.query.append(data.query_tokens(query));
  to.own.push_back(static_cast<std::int32_t>(row));
  const auto known = data.known_products(query);
  to.known_product.insert(to.known_product.end(), known.begin(), known.end());
  to.known_offset.push_back(static_cast<std::int32_t>(to.known_product.size()));
}

// One of the product's other queries, each as likely.
std::optional<std::uint64_t> draw_other(std::span<const std::uint32_t> of_product, std::uint64_t query, std::uint32_t bits) {
  if (of_product.size() < 2) return std::nullopt;
  std::size_t at = bits % (of_product.size() - 1);
  if (of_product[at] == query) at = of_product.size() - 1;
  return of_product[at];
}

void append_further(const prepared_data& data, std::span<const std::uint64_t> query, const further_queries& how, batch& to) {
  const draw_key key{how.seed, static_cast<std::uint32_t>(to.step), static_cast<std::uint32_t>(draw_site::second_query)};
  for (std::size_t row = 0; row < query.size(); ++row) {
    const auto pair = static_cast<std::uint32_t>(to.first_pair + row);
    if (!(random_uniform(key, pair, 0) < static_cast<float>(how.probability))) continue;
    const auto product = static_cast<std::uint64_t>(to.product.product[row]);
    if (const auto other = draw_other((*how.of)[product], query[row], random_bits(key, pair, 1))) append_query(data, *other, row, to);
  }
}

template <class T>
void append_one(std::span<const T> image, packed_images& to, std::vector<T>& numbers) {
  ARGOSY_CHECK(image.empty() || image.size() == static_cast<std::size_t>(patches_per_image) * static_cast<std::size_t>(to.patch_width));
  numbers.insert(numbers.end(), image.begin(), image.end());
  to.present.push_back(image.empty() ? 0 : 1);
}

packed_text rows_of(const packed_text& text, std::span<const std::int32_t> rows) {
  packed_text part;
  for (const std::int32_t row : rows) {
    const std::int32_t first = text.offset[static_cast<std::size_t>(row)], last = text.offset[static_cast<std::size_t>(row) + 1];
    part.append(std::span(text.token).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
  }
  return part;
}

packed_images rows_of(const packed_images& images, std::size_t first, std::size_t count) {
  const auto there = [&](std::size_t end) {
    return static_cast<std::size_t>(std::count(images.present.begin(), images.present.begin() + static_cast<std::ptrdiff_t>(end), 1));
  };
  const std::size_t image = static_cast<std::size_t>(patches_per_image) * static_cast<std::size_t>(images.patch_width);
  packed_images part;
  part.patch_width = images.patch_width;
  part.present.assign(images.present.begin() + static_cast<std::ptrdiff_t>(first),
                      images.present.begin() + static_cast<std::ptrdiff_t>(first + count));
  const auto cut = [&](const auto& numbers, auto& to) {
    const auto from = numbers.begin() + static_cast<std::ptrdiff_t>(there(first) * image);
    to.assign(from, from + static_cast<std::ptrdiff_t>((there(first + count) - there(first)) * image));
  };
  if (images.feature.empty()) {
    cut(images.patch, part.patch);
  } else {
    cut(images.feature, part.feature);
  }
  return part;
}

}  // namespace

std::vector<std::uint32_t> pairs_of_products(const batch& b) {
  std::vector<std::uint32_t> pair(b.size());
  std::iota(pair.begin(), pair.end(), static_cast<std::uint32_t>(b.first_pair));
  return pair;
}

// The highest bit tells a further query from its pair's.
std::vector<std::uint32_t> pairs_of_queries(const batch& b) {
  std::vector<std::uint32_t> pair = pairs_of_products(b);
  for (std::size_t q = b.size(); q < b.query.size(); ++q) pair.push_back(pair[static_cast<std::size_t>(b.own[q])] ^ 0x8000'0000u);
  return pair;
}

std::vector<std::int32_t> query_rows_of_part(const batch& b, std::size_t first, std::size_t count) {
  std::vector<std::int32_t> rows;
  for (std::size_t q = 0; q < b.query.size(); ++q) {
    const auto own = static_cast<std::size_t>(b.own[q]);
    if (own >= first && own < first + count) rows.push_back(static_cast<std::int32_t>(q));
  }
  return rows;
}

batch part_of(const batch& b, std::size_t first, std::size_t count) {
  ARGOSY_CHECK(first + count <= b.size());
  const auto cut = [&](const auto& all) {
    const auto part = std::span(all).subspan(first, count);
    return std::remove_cvref_t<decltype(all)>(part.begin(), part.end());
  };
  std::vector<std::int32_t> title_rows(count);
  std::iota(title_rows.begin(), title_rows.end(), static_cast<std::int32_t>(first));
  batch part;
  part.step = b.step;
  part.first_pair = b.first_pair + first;
  part.product = {rows_of(b.product.title, title_rows), rows_of(b.product.image, first, count), cut(b.product.product),
                  cut(b.product.log_p)};
  const auto query_rows = query_rows_of_part(b, first, count);
  part.query = rows_of(b.query, query_rows);
  for (const std::int32_t q : query_rows) {
    const auto at = static_cast<std::size_t>(q);
    part.own.push_back(b.own[at] - static_cast<std::int32_t>(first));
    part.known_product.insert(part.known_product.end(), b.known_product.begin() + b.known_offset[at],
                              b.known_product.begin() + b.known_offset[at + 1]);
    part.known_offset.push_back(static_cast<std::int32_t>(part.known_product.size()));
  }
  return part;
}

queries_of_products::queries_of_products(const prepared_data& data) : offset_(data.products() + 1), query_(data.pairs()) {
  for (std::uint64_t pair = 0; pair < data.pairs(); ++pair) ++offset_[data.pair_product(pair) + 1];
  std::partial_sum(offset_.begin(), offset_.end(), offset_.begin());
  std::vector<std::uint64_t> next(offset_.begin(), offset_.end() - 1);
  for (std::uint64_t pair = 0; pair < data.pairs(); ++pair)
    query_[next[data.pair_product(pair)]++] = static_cast<std::uint32_t>(data.pair_query(pair));
}

std::span<const std::uint32_t> queries_of_products::operator[](std::uint64_t product) const noexcept {
  return std::span(query_).subspan(offset_[product], offset_[product + 1] - offset_[product]);
}

void packed_text::append(std::span<const std::int32_t> tokens) {
  token.insert(token.end(), tokens.begin(), tokens.end());
  offset.push_back(static_cast<std::int32_t>(token.size()));
}

void packed_images::append(std::span<const std::uint8_t> patches) { append_one(patches, *this, patch); }
void packed_images::append_features(std::span<const std::uint16_t> features) { append_one(features, *this, feature); }

result<batch> make_batch(const prepared_data& data, const pair_order& order, std::uint64_t step, const batch_share& share,
                         const further_queries& further) {
  if (data.pairs() == 0) return status{errc::invalid_argument, "prepared data: want pairs to train on, found none: prepare it with a log"};
  if (share.global_batch == 0 || share.workers < 1 || share.rank < 0 || share.rank >= share.workers)
    return status{errc::invalid_argument, "batch: want a global batch of at least 1 and 0 <= rank < workers, got " +
                                              std::to_string(share.global_batch) + ", rank " + std::to_string(share.rank) + " of " +
                                              std::to_string(share.workers)};
  batch made;
  made.step = step;
  made.first_pair = step * share.global_batch + share.first();
  made.product.image.patch_width = data.patch_width();
  std::vector<std::uint64_t> queries;
  for (std::uint64_t row = 0; row < share.size(); ++row) {
    const std::uint64_t pair = order.at(made.first_pair + row);
    const std::uint64_t query = data.pair_query(pair);
    append_query(data, query, row, made);
    queries.push_back(query);
    ARGOSY_TRY(append_product(data, data.pair_product(pair), made.product));
  }
  if (further.of != nullptr) append_further(data, queries, further, made);
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
