#include "index/generation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "index/store_files.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr file_kind products_kind = {"generation-products", 2};
constexpr std::string_view index_name = "index.argosy";
constexpr std::size_t ids_ahead = 16;  // ours: asked of the memory while one is compared

// Rows by their ids, rising.
result<std::vector<std::uint32_t>> sorted_by_id(const std::vector<product_facts>& products) {
  std::vector<std::uint32_t> rows(products.size());
  std::iota(rows.begin(), rows.end(), 0u);
  std::sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) { return products[a].id < products[b].id; });
  const auto twice = std::adjacent_find(rows.begin(), rows.end(), [&](auto a, auto b) { return products[a].id == products[b].id; });
  if (twice == rows.end()) return rows;
  return status(errc::invalid_argument, "products: the id \"" + std::string(products[*twice].id) + "\" is there twice");
}

status write_products(const fs::path& path, const std::vector<product_facts>& products, std::span<const std::uint32_t> by_id) {
  ARGOSY_ASSIGN(auto writer, container_writer::create(path, products_kind));
  std::vector<std::uint64_t> offsets = {0};
  offsets.reserve(3 * products.size() + 1);
  ARGOSY_TRY(writer.begin("text", element::u8));
  for (const auto& product : products) {
    for (const auto part : {product.id, product.title, product.image}) {
      offsets.push_back(offsets.back() + part.size());
      ARGOSY_TRY(writer.append(std::as_bytes(std::span(part))));
    }
  }
  ARGOSY_TRY(writer.add("offsets", std::span<const std::uint64_t>(offsets)));
  ARGOSY_TRY(writer.add("by_id", by_id));
  return writer.finish();
}

result<std::optional<terms>> open_terms(const sealed_folder& folder, std::size_t products) {
  const auto is_terms = [](const folder_file& file) { return file.name == terms_file_name; };
  if (std::none_of(folder.files.begin(), folder.files.end(), is_terms)) return std::optional<terms>();
  ARGOSY_ASSIGN(auto opened, terms::open(folder.path / terms_file_name));
  if (opened.rows() != products) {
    return status(errc::corrupt, folder.path.string() + ": want terms of " + std::to_string(products) + " products, found " +
                                     std::to_string(opened.rows()));
  }
  return std::optional(std::move(opened));
}

// The facts of all products, mapped.
struct products_file {
  container_reader file;
  std::span<const std::uint64_t> offsets;
  std::span<const char> text;
  std::span<const std::uint32_t> by_id;

  static result<products_file> open(const fs::path&);
  bool ids_rise() const noexcept;
  status check_order(const fs::path&) const;
  std::size_t size() const noexcept { return offsets.size() / 3; }
  std::string_view part(std::size_t at) const { return {text.data() + offsets[at], offsets[at + 1] - offsets[at]}; }
  std::string_view id(std::size_t row) const { return part(3 * row); }
};

// By id, products lie all over the file, and what is not in the cache is waited for: three tenths of a warm start's processor time with a
// million of them. The prefetches stand in the loop, since GCC 12 leaves out calls of a const function that does nothing else.
// REQUIRES rows of this file.
bool products_file::ids_rise() const noexcept {
  std::string_view last;
  for (std::size_t at = 0; at < by_id.size(); ++at) {
    if (at + 2 * ids_ahead < by_id.size()) __builtin_prefetch(&offsets[3 * std::size_t{by_id[at + 2 * ids_ahead]}]);
    if (at + ids_ahead < by_id.size()) __builtin_prefetch(text.data() + offsets[3 * std::size_t{by_id[at + ids_ahead]}]);
    const std::string_view next = id(by_id[at]);
    if (at > 0 && !(last < next)) return false;
    last = next;
  }
  return true;
}

// So many rows of rising ids are all of them.
status products_file::check_order(const fs::path& path) const {
  const bool rows = by_id.size() == size() && std::all_of(by_id.begin(), by_id.end(), [&](std::uint32_t row) { return row < size(); });
  if (rows && ids_rise()) return {};
  return {errc::corrupt,
          path.string() + ": section by_id: want the " + std::to_string(size()) + " rows in the order of their ids, found others"};
}

result<products_file> products_file::open(const fs::path& path) {
  ARGOSY_ASSIGN(auto file, container_reader::open(path, products_kind));
  ARGOSY_ASSIGN(const auto offsets, file.section<std::uint64_t>("offsets"));
  ARGOSY_ASSIGN(const auto text, file.section<char>("text"));
  const bool right = offsets.size() % 3 == 1 && offsets.front() == 0 && offsets.back() == text.size();
  if (!right || !std::is_sorted(offsets.begin(), offsets.end())) {
    return status(errc::corrupt, path.string() + ": section offsets: want 3 rising offsets a product from 0 to the " +
                                     std::to_string(text.size()) + " bytes of text, found others");
  }
  ARGOSY_ASSIGN(const auto by_id, file.section<std::uint32_t>("by_id"));
  products_file opened{std::move(file), offsets, text, by_id};
  ARGOSY_TRY(opened.check_order(path));
  return opened;
}

}  // namespace

generation_writer::generation_writer(fs::path store, std::uint64_t number, folder_writer folder)
    : store_(std::move(store)), number_(number), folder_(std::move(folder)) {}

result<generation_writer> generation_writer::create(const fs::path& store) {
  ARGOSY_ASSIGN(const auto number, next_number(store));
  ARGOSY_ASSIGN(auto folder, folder_writer::create(generation_folder(store, number), generation_kind, generation_version));
  return generation_writer(store, number, std::move(folder));
}

result<generation_writer> generation_writer::create_from(const fs::path& store, const generation& base) {
  ARGOSY_ASSIGN(auto writer, create(store));
  ARGOSY_TRY(writer.folder_.link(base.folder()));
  writer.of_same_products_ = base.number();
  return writer;
}

const fs::path& generation_writer::path() const noexcept { return folder_.path(); }
std::uint64_t generation_writer::number() const noexcept { return number_; }

status generation_writer::write(const_view vectors, const std::vector<product_facts>& products, const index_choice& choice) {
  if (static_cast<std::size_t>(vectors.rows) != products.size()) {
    return {errc::shape_mismatch,
            "products: want one for each of " + std::to_string(vectors.rows) + " vectors, got " + std::to_string(products.size())};
  }
  ARGOSY_ASSIGN(const auto by_id, sorted_by_id(products));
  of_same_products_.reset();
  ARGOSY_TRY(write_index(path() / index_name, vectors, choice));
  return write_products(path() / products_file_name, products, by_id);
}

status generation_writer::publish() {
  ARGOSY_TRY(seal());
  status end = make_current(store_, number_, of_same_products_);
  if (end.ok() || !of_same_products_) return end;
  // Without the journal of the one it was made from it would bring back what was removed.
  if (const auto now = current_number(store_); now.ok() && *now != number_) remove_unread(store_, number_);
  return end;
}

status generation_writer::seal() { return folder_.seal(); }
void generation_writer::discard() { remove_unread(store_, number_); }

struct generation::impl {
  std::uint64_t number;
  sealed_folder folder;
  std::unique_ptr<vector_index> index;
  products_file products;
  std::optional<terms> words;
};

generation::generation(std::shared_ptr<const impl> made) : impl_(std::move(made)) {}

// One that went while it was being opened is no longer current.
result<generation> generation::open_current(const fs::path& store) {
  ARGOSY_ASSIGN(auto number, current_number(store));
  while (true) {
    auto opened = open(store, number);
    if (opened.ok()) return opened;
    const auto now = current_number(store);
    if (!now.ok() || *now == number) return opened.failure();
    number = *now;
  }
}

result<generation> generation::open(const fs::path& store, std::uint64_t number) {
  return open_folder_of(generation_folder(store, number), number);
}

result<generation> generation::open_folder_of(const fs::path& path, std::uint64_t number) {
  ARGOSY_ASSIGN(auto folder, open_folder(path, generation_kind, generation_version));
  ARGOSY_ASSIGN(auto index, open_index(folder.path / index_name));
  const auto tuned = read_effort(folder.path);
  if (!tuned.ok() && tuned.failure().code() != errc::not_found) return tuned.failure();
  if (tuned.ok()) index->use(tuned->effort);
  ARGOSY_ASSIGN(auto products, products_file::open(folder.path / products_file_name));
  if (index->size() != products.size()) {
    return status(errc::corrupt, folder.path.string() + ": want as many products as vectors, found " + std::to_string(products.size()) +
                                     " products and " + std::to_string(index->size()) + " vectors");
  }
  ARGOSY_ASSIGN(auto words, open_terms(folder, products.size()));
  return generation(
      std::shared_ptr<const impl>(new impl{number, std::move(folder), std::move(index), std::move(products), std::move(words)}));
}

std::uint64_t generation::number() const noexcept { return impl_->number; }
const fs::path& generation::path() const noexcept { return impl_->folder.path; }
const sealed_folder& generation::folder() const noexcept { return impl_->folder; }
const vector_index& generation::index() const noexcept { return *impl_->index; }
const terms* generation::catalogue_terms() const noexcept { return impl_->words ? &*impl_->words : nullptr; }
std::size_t generation::products() const noexcept { return impl_->products.size(); }

product_facts generation::facts(std::size_t row) const {
  ARGOSY_CHECK(row < products());
  const auto& products = impl_->products;
  return {products.part(3 * row), products.part(3 * row + 1), products.part(3 * row + 2)};
}

std::optional<std::uint32_t> generation::row_of(std::string_view id) const {
  const auto& products = impl_->products;
  const auto at = std::lower_bound(products.by_id.begin(), products.by_id.end(), id,
                                   [&](std::uint32_t row, std::string_view wanted) { return products.id(row) < wanted; });
  return at != products.by_id.end() && products.id(*at) == id ? std::optional(*at) : std::nullopt;
}

status generation::verify() const {
  ARGOSY_TRY(verify_folder(impl_->folder));
  ARGOSY_TRY(impl_->index->verify());
  if (impl_->words) ARGOSY_TRY(impl_->words->verify());
  return impl_->products.file.verify();
}

}  // namespace argosy
