#include "index/generation.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view folder_kind = "generation";
constexpr std::uint32_t folder_version = 1;
constexpr file_kind products_kind = {"generation-products", 1};
constexpr std::string_view index_name = "index.argosy", products_name = "products.argosy", current_name = "CURRENT";
constexpr std::uint64_t manifest_limit = 1 << 26;

std::string number_text(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

fs::path folder_of(const fs::path& store, std::uint64_t number) { return store / "generations" / number_text(number); }

// The number that `text` begins with, if it is one of ours.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number == 0 || number_text(number) != std::string_view(text.data(), end)) return std::nullopt;
  return number;
}

// Above every generation there is and every one that somebody is writing.
result<std::uint64_t> next_number(const fs::path& store) {
  const fs::path folder = store / "generations";
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return status(errc::io_error, folder.string() + ": " + failed.message());
  std::uint64_t largest = 0;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    const auto number = leading_number(name);
    if (!number) continue;
    const bool sealed = name == number_text(*number);
    if (sealed || !remove_leftovers(folder_of(store, *number)).empty()) largest = std::max(largest, *number);
  }
  if (failed) return status(errc::io_error, folder.string() + ": " + failed.message());
  return largest + 1;
}

result<std::string> current_line(const fs::path& store, std::uint64_t number) {
  ARGOSY_ASSIGN(const auto manifest, read_file(folder_of(store, number) / "MANIFEST", manifest_limit));
  return number_text(number) + " " + hex_text(xxh3(std::as_bytes(std::span(manifest)))) + "\n";
}

result<std::uint64_t> current_number(const fs::path& store) {
  const fs::path path = store / current_name;
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) {
    const char* found = fs::exists(store, ignored) ? "no CURRENT in it" : "nothing of that name";
    return status(errc::not_found, store.string() + ": want a store, found " + found + "; `argosy publish --store` writes one");
  }
  ARGOSY_ASSIGN(const auto line, read_file(path, 64));
  const auto number = leading_number(line);
  if (!number) return status(errc::corrupt, path.string() + ": offset 0: want the number of a generation, found something else");
  const auto expected = current_line(store, *number);
  if (!expected.ok()) return expected.failure().within(path.string() + " names generation " + number_text(*number));
  if (line != *expected) {
    return status(errc::corrupt, path.string() + ": want the number of a generation and the xxh3 of its MANIFEST, \"" +
                                     expected->substr(0, expected->size() - 1) + "\", found something else");
  }
  return *number;
}

status write_products(const fs::path& path, const std::vector<product_facts>& products) {
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
  return writer.finish();
}

// The facts of all products, mapped.
struct products_file {
  container_reader file;
  std::span<const std::uint64_t> offsets;
  std::span<const char> text;

  static result<products_file> open(const fs::path&);
  std::size_t size() const noexcept { return offsets.size() / 3; }
  std::string_view part(std::size_t at) const { return {text.data() + offsets[at], offsets[at + 1] - offsets[at]}; }
};

result<products_file> products_file::open(const fs::path& path) {
  ARGOSY_ASSIGN(auto file, container_reader::open(path, products_kind));
  ARGOSY_ASSIGN(const auto offsets, file.section<std::uint64_t>("offsets"));
  ARGOSY_ASSIGN(const auto text, file.section<char>("text"));
  const bool right = offsets.size() % 3 == 1 && offsets.front() == 0 && offsets.back() == text.size();
  if (!right || !std::is_sorted(offsets.begin(), offsets.end())) {
    return status(errc::corrupt, path.string() + ": section offsets: want 3 rising offsets a product from 0 to the " +
                                     std::to_string(text.size()) + " bytes of text, found others");
  }
  return products_file{std::move(file), offsets, text};
}

}  // namespace

generation_writer::generation_writer(fs::path store, std::uint64_t number, folder_writer folder)
    : store_(std::move(store)), number_(number), folder_(std::move(folder)) {}

result<generation_writer> generation_writer::create(const fs::path& store) {
  ARGOSY_ASSIGN(const auto number, next_number(store));
  ARGOSY_ASSIGN(auto folder, folder_writer::create(folder_of(store, number), folder_kind, folder_version));
  return generation_writer(store, number, std::move(folder));
}

const fs::path& generation_writer::path() const noexcept { return folder_.path(); }
std::uint64_t generation_writer::number() const noexcept { return number_; }

status generation_writer::write(const_view vectors, const std::vector<product_facts>& products) {
  if (static_cast<std::size_t>(vectors.rows) != products.size()) {
    return {errc::shape_mismatch,
            "products: want one for each of " + std::to_string(vectors.rows) + " vectors, got " + std::to_string(products.size())};
  }
  ARGOSY_TRY(write_flat_index(path() / index_name, vectors));
  return write_products(path() / products_name, products);
}

status generation_writer::publish() {
  ARGOSY_TRY(folder_.seal());
  ARGOSY_ASSIGN(const auto line, current_line(store_, number_));
  return replace_file(store_ / current_name, line);
}

struct generation::impl {
  std::uint64_t number;
  sealed_folder folder;
  std::unique_ptr<vector_index> index;
  products_file products;
};

generation::generation(std::shared_ptr<const impl> made) : impl_(std::move(made)) {}

result<generation> generation::open_current(const fs::path& store) {
  ARGOSY_ASSIGN(const auto number, current_number(store));
  return open(store, number);
}

result<generation> generation::open(const fs::path& store, std::uint64_t number) {
  ARGOSY_ASSIGN(auto folder, open_folder(folder_of(store, number), folder_kind, folder_version));
  ARGOSY_ASSIGN(auto index, open_index(folder.path / index_name));
  ARGOSY_ASSIGN(auto products, products_file::open(folder.path / products_name));
  if (index->size() != products.size()) {
    return status(errc::corrupt, folder.path.string() + ": want as many products as vectors, found " + std::to_string(products.size()) +
                                     " products and " + std::to_string(index->size()) + " vectors");
  }
  return generation(std::shared_ptr<const impl>(new impl{number, std::move(folder), std::move(index), std::move(products)}));
}

std::uint64_t generation::number() const noexcept { return impl_->number; }
const fs::path& generation::path() const noexcept { return impl_->folder.path; }
const vector_index& generation::index() const noexcept { return *impl_->index; }
std::size_t generation::products() const noexcept { return impl_->products.size(); }

product_facts generation::facts(std::size_t row) const {
  ARGOSY_CHECK(row < products());
  const auto& products = impl_->products;
  return {products.part(3 * row), products.part(3 * row + 1), products.part(3 * row + 2)};
}

status generation::verify() const {
  ARGOSY_TRY(verify_folder(impl_->folder));
  ARGOSY_TRY(impl_->index->verify());
  return impl_->products.file.verify();
}

}  // namespace argosy
