#include "data/batch.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "data/image.hpp"
#include "tests/data/small_shop.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using test::check_refused;
using test::require_ok;
using test::small_shop;

const auto per_element = boost::test_tools::per_element();

batch batch_of(const prepared_data& data, std::uint64_t step, const batch_share& share) {
  auto made = make_batch(data, pair_order(data.pairs(), 3), step, share);
  require_ok(made.failure());
  return std::move(made).value();
}

void extend(packed_text& to, const packed_text& more) {
  for (std::size_t i = 0; i < more.size(); ++i)
    to.append(std::span(more.token)
                  .subspan(static_cast<std::size_t>(more.offset[i]), static_cast<std::size_t>(more.offset[i + 1] - more.offset[i])));
}

template <class T>
void extend(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void extend(batch& to, const batch& more) {
  extend(to.query, more.query);
  extend(to.product.title, more.product.title);
  extend(to.product.image.patch, more.product.image.patch);
  extend(to.product.image.present, more.product.image.present);
  extend(to.product.product, more.product.product);
  extend(to.product.log_p, more.product.log_p);
  for (std::size_t i = 1; i < more.known_offset.size(); ++i)
    to.known_offset.push_back(static_cast<std::int32_t>(to.known_product.size()) + more.known_offset[i]);
  extend(to.known_product, more.known_product);
}

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE(rows_are_those_of_the_drawn_pairs) {
  const auto data = small_shop().prepared();
  const pair_order order(data.pairs(), 3);
  const auto made = batch_of(data, 2, {5, 0, 1});
  BOOST_TEST(made.step == 2u);
  BOOST_TEST(made.first_pair == 10u);
  BOOST_REQUIRE(made.size() == 5u);
  BOOST_TEST(made.product.size() == 5u);
  std::size_t image = 0;
  for (std::size_t row = 0; row < 5; ++row) {
    const auto pair = order.at(10 + row);
    const auto product = data.pair_product(pair), query = data.pair_query(pair);
    BOOST_TEST(made.product.product[row] == static_cast<std::int64_t>(product));
    BOOST_TEST(made.product.log_p[row] == data.log_p(product));
    const auto rows = [row](const packed_text& text) {
      return std::span(text.token)
          .subspan(static_cast<std::size_t>(text.offset[row]), static_cast<std::size_t>(text.offset[row + 1] - text.offset[row]));
    };
    BOOST_TEST(rows(made.query) == data.query_tokens(query), per_element);
    BOOST_TEST(rows(made.product.title) == data.title_tokens(product), per_element);
    const auto known = std::span(made.known_product)
                           .subspan(static_cast<std::size_t>(made.known_offset[row]),
                                    static_cast<std::size_t>(made.known_offset[row + 1] - made.known_offset[row]));
    BOOST_TEST(known == data.known_products(query), per_element);
    const auto patches = data.patches(product).value();
    BOOST_TEST(made.product.image.present[row] == (patches.empty() ? 0 : 1));
    if (patches.empty()) continue;
    BOOST_TEST(std::span(made.product.image.patch).subspan(image * patches.size(), patches.size()) == patches, per_element);
    ++image;
  }
}

BOOST_AUTO_TEST_CASE(the_shares_of_all_workers_are_the_batch_of_one) {
  const auto data = small_shop().prepared();
  for (const std::uint64_t global : {1, 4, 5, 17})
    for (const int workers : {2, 3, 4}) {
      const auto whole = batch_of(data, 3, {global, 0, 1});
      auto joined = batch_of(data, 3, {global, 0, workers});
      for (int rank = 1; rank < workers; ++rank) {
        const auto part = batch_of(data, 3, {global, rank, workers});
        BOOST_TEST(part.first_pair == joined.first_pair + joined.size());
        extend(joined, part);
      }
      BOOST_TEST(joined.query.token == whole.query.token, per_element);
      BOOST_TEST(joined.query.offset == whole.query.offset, per_element);
      BOOST_TEST(joined.product.title.token == whole.product.title.token, per_element);
      BOOST_TEST(joined.product.title.offset == whole.product.title.offset, per_element);
      BOOST_TEST((joined.product.image.patch == whole.product.image.patch));
      BOOST_TEST(joined.product.image.present == whole.product.image.present, per_element);
      BOOST_TEST(joined.product.product == whole.product.product, per_element);
      BOOST_TEST(joined.product.log_p == whole.product.log_p, per_element);
      BOOST_TEST(joined.known_offset == whole.known_offset, per_element);
      BOOST_TEST(joined.known_product == whole.known_product, per_element);
    }
}

BOOST_AUTO_TEST_CASE(log_p_is_counted_over_what_the_loader_draws) {
  const auto data = small_shop().prepared();
  const auto epoch = batch_of(data, 4, {data.pairs(), 0, 1});
  std::vector<int> drawn(data.products());
  for (const auto product : epoch.product.product) ++drawn[static_cast<std::size_t>(product)];
  double sum = 0;
  for (std::uint64_t p = 0; p < data.products(); ++p) {
    const double want = std::log((drawn[p] + 1.0) / static_cast<double>(data.pairs() + data.products()));
    BOOST_TEST(data.log_p(p) == static_cast<float>(want));
    sum += std::exp(static_cast<double>(data.log_p(p)));
  }
  BOOST_TEST(std::abs(sum - 1) < 1e-6);  // each term is a float32 logarithm
}

BOOST_AUTO_TEST_CASE(products_without_pairs) {
  const auto data = small_shop().prepared();
  const auto rows = make_product_batch(data, 3, 2);
  require_ok(rows.failure());
  BOOST_REQUIRE(rows->size() == 2u);
  BOOST_TEST(rows->product[0] == 3);
  BOOST_TEST(rows->title.offset[1] == 3);
  BOOST_TEST(rows->title.offset[2] == 3);
  BOOST_TEST(rows->image.present[0] == 0);
  BOOST_TEST(rows->image.present[1] == 1);
  BOOST_TEST(rows->image.patch.size() == 16u * static_cast<std::size_t>(data.patch_width()));
  BOOST_TEST(make_product_batch(data, 5, 0)->size() == 0u);
  check_refused(make_product_batch(data, 4, 2).failure(), errc::out_of_range, {"5", "4", "2"});
}

BOOST_AUTO_TEST_CASE(impossible_shares_and_data_without_pairs) {
  const small_shop shop;
  auto options = shop.options();
  options.log.clear();
  require_ok(shop.prepare(options).failure());
  check_refused(make_batch(shop.open(), pair_order(1, 3), 0, {4, 0, 1}).failure(), errc::invalid_argument, {"log"});
  const auto data = shop.prepared();
  for (const batch_share share : {batch_share{0, 0, 1}, batch_share{4, 1, 1}, batch_share{4, -1, 2}, batch_share{4, 0, 0}})
    check_refused(make_batch(data, pair_order(data.pairs(), 3), 0, share).failure(), errc::invalid_argument, {"rank"});
}

batch with_further(const prepared_data& data, const queries_of_products& of, std::uint64_t step, const batch_share& share,
                   double probability) {
  return make_batch(data, pair_order(data.pairs(), 3), step, share, {&of, probability, 5}).value();
}

BOOST_AUTO_TEST_CASE(further_queries_led_to_the_same_product_and_are_others) {
  const auto data = small_shop().prepared();
  const queries_of_products of(data);
  std::uint64_t listed = 0;
  for (std::uint64_t product = 0; product < data.products(); ++product) listed += of[product].size();
  BOOST_TEST(listed == data.pairs());
  const auto plain = batch_of(data, 0, {data.pairs(), 0, 1});
  const auto made = with_further(data, of, 0, {data.pairs(), 0, 1}, 1);
  std::size_t expected = 0;
  for (const auto product : plain.product.product) expected += of[static_cast<std::uint64_t>(product)].size() > 1 ? 1 : 0;
  BOOST_REQUIRE(expected > 0);
  const pair_order order(data.pairs(), 3);
  BOOST_TEST(made.further() == expected);
  BOOST_TEST(made.known_offset.size() == made.query.size() + 1);
  const auto tokens = [&](std::size_t q) {
    return std::vector<std::int32_t>(made.query.token.begin() + made.query.offset[q], made.query.token.begin() + made.query.offset[q + 1]);
  };
  for (std::size_t q = made.size(); q < made.query.size(); ++q) {
    const auto own = static_cast<std::size_t>(made.own[q]);
    const auto own_query = data.pair_query(order.at(made.first_pair + own));
    bool led = false;
    for (const std::uint32_t query : of[static_cast<std::uint64_t>(made.product.product[own])]) {
      const auto of_query = data.query_tokens(query);
      led = led || (query != own_query && std::ranges::equal(of_query, tokens(q)));
    }
    BOOST_TEST(led);
  }
  BOOST_TEST(with_further(data, of, 0, {data.pairs(), 0, 1}, 0).further() == 0u);
}

BOOST_AUTO_TEST_CASE(further_queries_do_not_depend_on_the_number_of_workers) {
  const auto data = small_shop().prepared();
  const queries_of_products of(data);
  const auto further_tokens = [](const batch& b) {
    return std::vector<std::int32_t>(b.query.token.begin() + b.query.offset[b.size()], b.query.token.end());
  };
  const auto whole = with_further(data, of, 1, {17, 0, 1}, .5);
  std::vector<std::int32_t> joined;
  for (int rank = 0; rank < 3; ++rank) extend(joined, further_tokens(with_further(data, of, 1, {17, rank, 3}, .5)));
  BOOST_TEST(joined == further_tokens(whole), per_element);
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_batch_hold_all_of_it_once) {
  const auto data = small_shop().prepared();
  const queries_of_products of(data);
  const auto whole = with_further(data, of, 2, {11, 0, 1}, 1);
  const auto keys = pairs_of_queries(whole);
  std::vector<int> seen(whole.query.size());
  batch joined;
  for (std::size_t first = 0; first < 11; first += 4) {
    const std::size_t count = std::min<std::size_t>(4, 11 - first);
    const auto part = part_of(whole, first, count);
    BOOST_TEST(part.size() == count);
    BOOST_TEST(part.first_pair == whole.first_pair + first);
    const auto rows = query_rows_of_part(whole, first, count);
    BOOST_REQUIRE(rows.size() == part.query.size());
    const auto part_keys = pairs_of_queries(part);
    for (std::size_t q = 0; q < rows.size(); ++q) {
      const auto row = static_cast<std::size_t>(rows[q]);
      ++seen[row];
      BOOST_TEST(part_keys[q] == keys[row]);
      BOOST_TEST(static_cast<std::size_t>(part.own[q]) + first == static_cast<std::size_t>(whole.own[row]));
      BOOST_TEST(part.query.offset[q + 1] - part.query.offset[q] == whole.query.offset[row + 1] - whole.query.offset[row]);
      BOOST_TEST(part.query.token[static_cast<std::size_t>(part.query.offset[q + 1] - 1)] ==
                 whole.query.token[static_cast<std::size_t>(whole.query.offset[row + 1] - 1)]);
      BOOST_TEST(part.known_offset[q + 1] - part.known_offset[q] == whole.known_offset[row + 1] - whole.known_offset[row]);
    }
    extend(joined.product.title, part.product.title);
    extend(joined.product.image.patch, part.product.image.patch);
    extend(joined.product.image.present, part.product.image.present);
    extend(joined.product.product, part.product.product);
  }
  for (const int times : seen) BOOST_TEST(times == 1);
  BOOST_TEST(joined.product.title.token == whole.product.title.token, per_element);
  BOOST_TEST((joined.product.image.patch == whole.product.image.patch));
  BOOST_TEST(joined.product.image.present == whole.product.image.present, per_element);
  BOOST_TEST(joined.product.product == whole.product.product, per_element);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
