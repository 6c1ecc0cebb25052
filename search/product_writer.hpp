// The one writer of a store's changes (index/live_store.hpp) with what they need: the current generation's model, which embeds what is put,
// and the fields of its products, which a patch goes on from. When another generation becomes current it goes on to that one.
// Many edits at once cost little more than one: what is put is embedded together, all of it reaches the disk together.
// Threads   one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "index/live_store.hpp"
#include "search/product_edit.hpp"

namespace argosy {

struct product_writer_options {
  std::filesystem::path images;            // folder or tar where image names lead; empty: they are not looked for, and kept
  std::filesystem::path backbone_weights;  // when the model was trained on features; empty: photographs are refused then
  int threads = 1;                         // of the model
};

enum class edit_outcome { created, replaced, changed, removed };

class compacted_generation;
class image_source;
struct encoded_product;

class product_writer {
public:
  // unavailable while another process is the store's writer.
  static result<std::unique_ptr<product_writer>> open(const std::filesystem::path& store, const product_writer_options&);
  ~product_writer();

  // What became of each edit, in their order; what succeeded is on the disk, and later ones of the same product are on top of it.
  // Refusals of one alone, which changes nothing: invalid_argument; not_found: no such product; version_mismatch: the generation cannot
  // give what a patch needs. Of all that were written together: io_error; unavailable: nobody can write now.
  std::vector<result<edit_outcome>> apply(std::span<const product_edit>);

  // Goes on to the current generation where it is another one, and lets go of the one before in any case.
  status keep_up();
  // The newest moment of what it writes; unavailable while it can write nothing.
  result<live_mark> mark() const;
  // Goes on to what compaction made of a mark (search/compaction.hpp), with what has changed since: it is current then.
  // unavailable when another generation became current meanwhile: the store is as it was.
  status go_on_to(compacted_generation&);

private:
  struct of_generation;
  struct group;
  product_writer(std::filesystem::path store, product_writer_options, std::shared_ptr<const image_source>);
  status open_current();
  result<product_change> change_of(const product_edit&, group&);
  status encode(const product_edit&, encoded_product& to) const;
  result<product_change> patched(const product_edit&) const;
  status write(group&);
  std::vector<result<edit_outcome>> apply_distinct(std::span<const product_edit>);
  const std::filesystem::path store_;
  const product_writer_options options_;
  const std::shared_ptr<const image_source> images_;  // none: pictures are not looked for
  std::unique_ptr<of_generation> now_;                // null: none could be opened
};

}  // namespace argosy
