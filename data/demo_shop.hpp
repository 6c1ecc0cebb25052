// The demo shop: a catalogue with rendered photographs and a search log, all ours. A seed gives the same texts and pixels everywhere,
// and the same files where libjpeg and zlib are the same.
// Titles (English or Chinese) leave out part of what the picture shows, so that a model must look; clicks follow popularity, tastes and
// noise. Validation queries name combinations of facets that the log never holds.
//   DIR/products.jsonl.gz  images.tar  train_log.tsv.gz  val_queries.tsv.gz  val_qrels.tsv.gz: the formats of data/records.hpp
//   DIR/sample_queries.txt  queries to try, one a line
// DIR is a sealed folder of kind "demo-shop" (schema/folder.hpp): an older demo shop is replaced whole, any other folder refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/status.hpp"
#include "data/image.hpp"

namespace argosy {

struct demo_shop_options {
  std::filesystem::path out;
  std::uint64_t products = 3000;  // 1 .. 1,000,000
  std::uint64_t seed = 1;
  std::uint64_t log_lines = 0;  // 0: twenty for each product
  int image_width = 60, image_height = 80;
};

struct demo_shop_report {
  std::uint64_t products = 0, log_lines = 0, queries = 0;
  std::vector<std::string> sample_queries;  // five that show what the shop is about, English and Chinese
};

result<demo_shop_report> make_demo_shop(const demo_shop_options&, const std::function<void(std::uint64_t done, std::uint64_t total)>&,
                                        std::stop_token);

// One facet combination, exposed for tests and for whoever wants to look.
struct demo_product {
  enum class shape : std::uint8_t { t_shirt, shirt, dress, trousers, skirt, jacket, handbag, backpack, shoe, boot, sandal, watch } kind{};
  enum class pattern : std::uint8_t { plain, stripes, dots, checks, floral } print{};
  enum class sleeve : std::uint8_t { none, short_, long_ } arms{};
  enum class neck : std::uint8_t { round, v, collar } neckline{};
  std::uint8_t colour = 0, second_colour = 0;
};
image render(const demo_product&, std::uint64_t seed, int width, int height);

}  // namespace argosy
