#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "base/check.hpp"
#include "data/container_rows.hpp"
#include "data/field_rows.hpp"
#include "data/image.hpp"
#include "data/prepared.hpp"
#include "data/prepared_files.hpp"
#include "schema/container.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

using prepared::facts;

constexpr std::uint64_t largest_vocabulary = std::uint64_t{64} << 20;

result<rows<std::int32_t>> open_tokens(const container_reader& file, std::uint64_t n, std::uint64_t longest, std::size_t pieces) {
  ARGOSY_ASSIGN(auto tokens, open_rows<std::int32_t>(file, "token", n, longest));
  ARGOSY_TRY(check_below(file, "token", tokens.held, pieces));
  return tokens;
}

status check_facts(const container_reader& file, const facts& of) {
  struct bounded {
    std::string_view name;
    std::uint64_t value, least, most;
  };
  for (const auto& [name, value, least, most] : {bounded{"products", of.products, 1, prepared::most_items},
                                                 {"queries", of.queries, 0, prepared::most_items},
                                                 {"pairs", of.pairs, 0, std::uint64_t{1} << 48},
                                                 {"query length", of.query_length, 2, prepared::longest_sequence},
                                                 {"title length", of.title_length, 2, prepared::longest_sequence},
                                                 {"image width", of.image_width, 4, prepared::longest_side},
                                                 {"image height", of.image_height, 4, prepared::longest_side},
                                                 {"features", of.features, 0, prepared::most_features},
                                                 {"patch side", of.patch_side, 0, prepared::longest_side}})
    if (value < least || value > most)
      return corrupt(
          file, "number",
          std::string(name) + ": want " + std::to_string(least) + " to " + std::to_string(most) + ", got " + std::to_string(value));
  return {};
}

result<facts> read_facts(const container_reader& file) {
  ARGOSY_ASSIGN(const auto numbers, file.section<std::uint64_t>("number"));
  prepared::fact_numbers held{};
  if (numbers.size() != held.size())
    return corrupt(file, "number", "want " + std::to_string(held.size()) + " numbers, got " + std::to_string(numbers.size()));
  std::copy(numbers.begin(), numbers.end(), held.begin());
  const facts read = prepared::facts_of(held);
  ARGOSY_TRY(check_facts(file, read));
  return read;
}

// A backbone has a name, features and a side, or there is none.
result<patch_backbone> read_backbone(const container_reader& file, const facts& of) {
  ARGOSY_ASSIGN(const auto name, file.section<std::uint8_t>("backbone"));
  if (name.empty() != (of.features == 0) || name.empty() != (of.patch_side == 0))
    return corrupt(file, "backbone",
                   "want a name, features and a side, or none of them, got `" + std::string(text_of(name)) + "`, " +
                       std::to_string(of.features) + " and " + std::to_string(of.patch_side));
  return patch_backbone{std::string(text_of(name)), of.backbone_checksum, static_cast<int>(of.patch_side), static_cast<int>(of.features)};
}

// Of the names, sizes and sums in the manifest, in the order of the names; of all files but `fields`, which no model reads.
std::uint64_t fingerprint_of(const sealed_folder& folder) {
  std::vector<std::string> lines;
  for (const auto& file : folder.files)
    if (file.name != prepared::fields_file)
      lines.push_back(file.name + '\t' + std::to_string(file.bytes) + '\t' + std::to_string(file.xxh3));
  std::sort(lines.begin(), lines.end());
  std::string joined;
  for (const auto& line : lines) joined.append(line).append("\n");
  return xxh3(std::as_bytes(std::span(joined)));
}

// A vocabulary has no checksums of its own: the manifest's is asked.
result<vocabulary> open_vocabulary(const sealed_folder& folder) {
  const auto path = folder.path / prepared::vocabulary_file;
  const auto listed = std::find_if(folder.files.begin(), folder.files.end(),
                                   [](const folder_file& file) { return file.name == prepared::vocabulary_file; });
  if (listed == folder.files.end()) return status{errc::corrupt, path.string() + ": the manifest does not list it"};
  ARGOSY_ASSIGN(const std::string content, read_file(path, largest_vocabulary));
  if (const auto sum = xxh3(std::as_bytes(std::span(content))); sum != listed->xxh3)
    return status{errc::corrupt, path.string() + ": want xxh3 " + std::to_string(listed->xxh3) + ", got " + std::to_string(sum)};
  return vocabulary::from_text(content, path.string());
}

std::vector<float> count_log_p(std::span<const std::uint32_t> product, std::uint64_t products) {
  std::vector<std::uint64_t> count(products);
  for (const std::uint32_t p : product) ++count[p];
  const double total = static_cast<double>(product.size()) + static_cast<double>(products);
  std::vector<float> log_p(products);
  for (std::size_t p = 0; p < products; ++p) log_p[p] = static_cast<float>(std::log((static_cast<double>(count[p]) + 1) / total));
  return log_p;
}

}  // namespace

struct prepared_data::impl {
  sealed_folder folder;
  facts of;
  std::optional<vocabulary> vocab;
  std::uint64_t fingerprint = 0;
  std::vector<container_reader> files;  // keeps the mappings of the spans below
  std::string segmenter;

  std::optional<container_reader> products;
  rows<std::uint8_t> id, title, image, patch;  // patch, feature: offsets count images
  rows<std::uint16_t> feature;
  std::span<const std::uint64_t> feature_key;  // low and high of each image
  patch_backbone backbone;
  rows<std::int32_t> title_token;
  std::uint64_t image_numbers = 0;  // bytes, or features, of one image

  rows<std::int32_t> query_token;
  rows<std::uint32_t> known;

  std::span<const std::uint32_t> pair_query, pair_product;
  std::vector<float> log_p;

  result<container_reader> open_file(std::string_view name, file_kind kind) {
    ARGOSY_ASSIGN(auto file, container_reader::open(folder.path / name, kind));
    files.push_back(file);
    return file;
  }

  status open_facts() {
    ARGOSY_ASSIGN(const auto file, open_file(prepared::facts_file, prepared::facts_kind));
    ARGOSY_ASSIGN(of, read_facts(file));
    ARGOSY_ASSIGN(const auto name, file.section<std::uint8_t>("segmenter"));
    segmenter = text_of(name);
    ARGOSY_ASSIGN(backbone, read_backbone(file, of));
    return {};
  }

  status open_products() {
    ARGOSY_ASSIGN(const auto file, open_file(prepared::products_file, prepared::products_kind));
    ARGOSY_ASSIGN(id, open_texts(file, "id", of.products));
    ARGOSY_ASSIGN(title, open_texts(file, "title", of.products));
    ARGOSY_ASSIGN(image, open_texts(file, "image", of.products));
    ARGOSY_ASSIGN(title_token, open_tokens(file, of.products, of.title_length, vocab->size()));
    products = file;
    return open_patches(file);
  }

  // Offsets and numbers of the images in `section`, of which nothing is read yet.
  template <class T>
  status open_images(const container_reader& file, std::string_view section, std::uint64_t width, rows<T>& to) {
    image_numbers = static_cast<std::uint64_t>(patches_per_image) * width;
    ARGOSY_ASSIGN(to.offset, file.section<std::uint64_t>("patch_offset"));
    ARGOSY_ASSIGN(to.held, file.unverified<T>(section));
    if (to.held.size() % image_numbers != 0)
      return corrupt(file, section,
                     "want a multiple of " + std::to_string(image_numbers) + " elements, got " + std::to_string(to.held.size()));
    ARGOSY_TRY(check_offsets(file, "patch_offset", to.offset, of.products, to.held.size() / image_numbers, 1));
    for (std::uint64_t p = 0; p < of.products; ++p)
      if (title_token[p].empty() && to.offset[p] == to.offset[p + 1])
        return corrupt(file, "token", "product " + std::to_string(p) + ": neither title nor image");
    return {};
  }

  status open_patches(const container_reader& file) {
    if (backbone.none()) {
      const auto width = patch_bytes(static_cast<int>(of.image_width), static_cast<int>(of.image_height));
      return open_images(file, "patch", static_cast<std::uint64_t>(width), patch);
    }
    ARGOSY_TRY(open_images(file, "feature", of.features, feature));
    ARGOSY_ASSIGN(feature_key, file.section<std::uint64_t>("feature_key"));
    if (const std::uint64_t want = 2 * feature.offset.back(); feature_key.size() != want)
      return corrupt(file, "feature_key", "want " + std::to_string(want) + " numbers, got " + std::to_string(feature_key.size()));
    return {};
  }

  // The image of a product, verified; empty: none.
  template <class T>
  result<std::span<const T>> image_of(std::string_view section, const rows<T>& from, std::uint64_t product) const {
    const std::uint64_t number = from.offset[product];
    if (number == from.offset[product + 1]) return std::span<const T>{};
    ARGOSY_TRY(products->touch(section, number * image_numbers * sizeof(T), image_numbers * sizeof(T)));
    return from.held.subspan(number * image_numbers, image_numbers);
  }

  status open_queries() {
    ARGOSY_ASSIGN(const auto file, open_file(prepared::queries_file, prepared::queries_kind));
    ARGOSY_ASSIGN(query_token, open_tokens(file, of.queries, of.query_length, vocab->size()));
    ARGOSY_ASSIGN(known, open_rows<std::uint32_t>(file, "known", of.queries, of.products));
    ARGOSY_TRY(check_below(file, "known", known.held, of.products));
    for (std::uint64_t q = 0; q < of.queries; ++q) {
      if (query_token[q].empty()) return corrupt(file, "token", "query " + std::to_string(q) + ": want at least one token, got none");
      if (std::adjacent_find(known[q].begin(), known[q].end(), std::greater_equal<>()) != known[q].end())
        return corrupt(file, "known", "query " + std::to_string(q) + ": not rising");
    }
    return {};
  }

  status open_pairs() {
    ARGOSY_ASSIGN(const auto file, open_file(prepared::pairs_file, prepared::pairs_kind));
    ARGOSY_ASSIGN(pair_query, file.section<std::uint32_t>("query"));
    ARGOSY_ASSIGN(pair_product, file.section<std::uint32_t>("product"));
    for (const auto& [name, held] : {std::pair{"query", pair_query}, std::pair{"product", pair_product}})
      if (held.size() != of.pairs)
        return corrupt(file, name, "want " + std::to_string(of.pairs) + " pairs, got " + std::to_string(held.size()));
    ARGOSY_TRY(check_below(file, "query", pair_query, of.queries));
    ARGOSY_TRY(check_below(file, "product", pair_product, of.products));
    log_p = count_log_p(pair_product, of.products);
    return {};
  }

  status open() {
    fingerprint = fingerprint_of(folder);
    ARGOSY_ASSIGN(vocab, open_vocabulary(folder));
    ARGOSY_TRY(open_facts());
    ARGOSY_TRY(open_products());
    ARGOSY_TRY(open_queries());
    return open_pairs();
  }
};

prepared_data::prepared_data(std::shared_ptr<const impl> opened) : impl_(std::move(opened)) {}

result<prepared_data> prepared_data::open(const std::filesystem::path& path) {
  auto opened = std::make_shared<impl>();
  auto folder = open_folder(path, prepared::folder_kind, prepared::folder_version);
  if (!folder.ok() && folder.failure().code() == errc::not_found)
    return status(errc::not_found, folder.failure().message() + "; `argosy prepare --out` writes one");
  if (!folder.ok()) return folder.failure();
  opened->folder = std::move(*folder);
  ARGOSY_TRY(opened->open());
  return prepared_data(std::move(opened));
}

status prepared_data::verify() const { return verify_folder(impl_->folder); }

result<catalogue_fields> prepared_data::fields() const {
  const auto& files = impl_->folder.files;
  const bool has = std::any_of(files.begin(), files.end(), [](const folder_file& file) { return file.name == prepared::fields_file; });
  if (!has) return catalogue_fields();
  return catalogue_fields::open(impl_->folder.path / prepared::fields_file, products());
}

std::uint64_t prepared_data::products() const noexcept { return impl_->of.products; }
std::uint64_t prepared_data::queries() const noexcept { return impl_->of.queries; }
std::uint64_t prepared_data::pairs() const noexcept { return impl_->of.pairs; }
const vocabulary& prepared_data::vocab() const noexcept { return *impl_->vocab; }
int prepared_data::query_length() const noexcept { return static_cast<int>(impl_->of.query_length); }
int prepared_data::title_length() const noexcept { return static_cast<int>(impl_->of.title_length); }
int prepared_data::image_width() const noexcept { return static_cast<int>(impl_->of.image_width); }
int prepared_data::image_height() const noexcept { return static_cast<int>(impl_->of.image_height); }
int prepared_data::patch_width() const noexcept { return static_cast<int>(impl_->image_numbers) / patches_per_image; }
const patch_backbone& prepared_data::backbone() const noexcept { return impl_->backbone; }
std::uint64_t prepared_data::fingerprint() const noexcept { return impl_->fingerprint; }
std::string_view prepared_data::segmenter_source() const noexcept { return impl_->segmenter; }

status prepared_data::copy_fields(const std::filesystem::path& to) const {
  const std::filesystem::path from = impl_->folder.path / prepared::fields_file;
  std::error_code failed;
  if (!std::filesystem::exists(from, failed)) {
    field_rows none;
    for (std::uint64_t p = 0; p < products(); ++p) none.add({});
    return none.write(to);
  }
  ARGOSY_ASSIGN(const std::string bytes, read_file(from, std::numeric_limits<std::uint64_t>::max()));
  return replace_file(to, bytes);
}

std::string_view prepared_data::product_id(std::uint64_t product) const {
  ARGOSY_CHECK(product < products());
  return text_of(impl_->id[product]);
}

std::string_view prepared_data::title(std::uint64_t product) const {
  ARGOSY_CHECK(product < products());
  return text_of(impl_->title[product]);
}

std::string_view prepared_data::image_name(std::uint64_t product) const {
  ARGOSY_CHECK(product < products());
  return text_of(impl_->image[product]);
}

std::span<const std::int32_t> prepared_data::title_tokens(std::uint64_t product) const {
  ARGOSY_CHECK(product < products());
  return impl_->title_token[product];
}

result<std::span<const std::uint8_t>> prepared_data::patches(std::uint64_t product) const {
  ARGOSY_CHECK(product < products() && impl_->backbone.none());
  return impl_->image_of("patch", impl_->patch, product);
}

result<std::span<const std::uint16_t>> prepared_data::features(std::uint64_t product) const {
  ARGOSY_CHECK(product < products() && !impl_->backbone.none());
  return impl_->image_of("feature", impl_->feature, product);
}

std::optional<image_key> prepared_data::feature_key(std::uint64_t product) const {
  ARGOSY_CHECK(product < products() && !impl_->backbone.none());
  const std::uint64_t number = impl_->feature.offset[product];
  if (number == impl_->feature.offset[product + 1]) return std::nullopt;
  return image_key{impl_->feature_key[2 * number], impl_->feature_key[2 * number + 1]};
}

std::span<const std::int32_t> prepared_data::query_tokens(std::uint64_t query) const {
  ARGOSY_CHECK(query < queries());
  return impl_->query_token[query];
}

std::uint64_t prepared_data::pair_query(std::uint64_t pair) const {
  ARGOSY_CHECK(pair < pairs());
  return impl_->pair_query[pair];
}

std::uint64_t prepared_data::pair_product(std::uint64_t pair) const {
  ARGOSY_CHECK(pair < pairs());
  return impl_->pair_product[pair];
}

float prepared_data::log_p(std::uint64_t product) const {
  ARGOSY_CHECK(product < products());
  return impl_->log_p[product];
}

std::span<const std::uint32_t> prepared_data::known_products(std::uint64_t query) const {
  ARGOSY_CHECK(query < queries());
  return impl_->known[query];
}

}  // namespace argosy
