// A store and its generations. STORE/generations/NNNNNN are sealed folders (schema/folder.hpp) with everything that answers a query:
// index, product ids and titles, and whatever the publisher adds (the model). STORE/CURRENT names the one in use; it is replaced by rename,
// so a reader sees the old one or the new one. A reader keeps the generation it opened, whatever is published meanwhile. store.hpp lists
// them, goes back to one and lets old ones go; backup.hpp copies one to a tar.
//   index.argosy     an index of any kind (vector_index.hpp); its vectors are verified by the first search
//   terms.argosy     fields and words (terms.hpp), verified when opened and by first touch; absent when published without
//   effort.argosy    how hard it is searched, when it was tuned (index_choice.hpp)
//   compacted.argosy that compaction made it (store.hpp)
//   products.argosy  ids, titles and image names, one container of kind "generation-products"; verified when opened
// Further files belong to whoever puts them there: they are in the manifest, and verify() reads them too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/index_choice.hpp"
#include "index/terms.hpp"
#include "index/vector_index.hpp"
#include "schema/container.hpp"
#include "schema/folder.hpp"

namespace argosy {

inline constexpr std::string_view products_file_name = "products.argosy";

struct product_facts {
  std::string_view id, title, image;
};

class generation;

class generation_writer {
public:
  // Picks the next number of the store, which is made if it is not there.
  static result<generation_writer> create(const std::filesystem::path& store);
  // One that has the files of `base` already, by hard links (folder_writer::link): add files, replace some by rename, remove some, publish.
  // Unless write() gives it other products, what changes in one generation from then on changes in the other too (live_store.hpp).
  static result<generation_writer> create_from(const std::filesystem::path& store, const generation& base);
  const std::filesystem::path& path() const noexcept;
  std::uint64_t number() const noexcept;
  // (N, D) f32 and N facts, fewer than 2^32. invalid_argument for an id that is there twice.
  status write(const_view vectors, const std::vector<product_facts>&, const index_choice& = {});
  // Seals the folder, then makes it current. unavailable when `base` of create_from() is not the current one any more: that would be undone.
  status publish();
  // The first of it alone: live_store.hpp makes it current.
  status seal();
  // What was sealed and never became current goes.
  void discard();

private:
  generation_writer(std::filesystem::path store, std::uint64_t number, folder_writer);
  std::filesystem::path store_;
  std::uint64_t number_;
  folder_writer folder_;
  std::optional<std::uint64_t> of_same_products_ = {};
};

class generation {
public:
  static result<generation> open_current(const std::filesystem::path& store);
  static result<generation> open(const std::filesystem::path& store, std::uint64_t number);

  // One that has no name yet.
  static result<generation> open_folder_of(const std::filesystem::path& folder, std::uint64_t number);

  std::uint64_t number() const noexcept;
  const std::filesystem::path& path() const noexcept;
  const sealed_folder& folder() const noexcept;  // its files
  const vector_index& index() const noexcept;
  const terms* catalogue_terms() const noexcept;  // none: published without
  std::size_t products() const noexcept;
  product_facts facts(std::size_t row) const;
  std::optional<std::uint32_t> row_of(std::string_view id) const;  // by binary search
  status verify() const;

private:
  struct impl;
  explicit generation(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

}  // namespace argosy
