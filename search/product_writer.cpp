#include "search/product_writer.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "data/catalogue_fields.hpp"
#include "data/records.hpp"
#include "model/backbone.hpp"
#include "model/product_encoder.hpp"
#include "schema/folder.hpp"
#include "search/compaction.hpp"
#include "search/terms_of.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr int most_attempts = 3;            // at a group, while generations come and go
constexpr std::size_t most_together = 512;  // ours: changes of one fsync

// What is wrong with a value is the request's; a folder that cannot be read is not.
status in_field(std::string_view field, const status& why) {
  const bool of_the_server = why.code() == errc::io_error || why.code() == errc::internal;
  return {of_the_server ? why.code() : errc::invalid_argument, std::string(field) + ": " + why.message()};
}

// Of all edits together: whatever it is, it is not what is wrong with any of them.
status of_the_store(const status& why) { return why.code() == errc::io_error ? why : status(errc::unavailable, why.message()); }

bool is_within(std::string_view field, std::string_view outer) {
  return field == outer || (field.size() > outer.size() && field.starts_with(outer) && field[outer.size()] == '.');
}

// The product that a row has, as it could be put.
result<product_change> present(const live_generation& live, const catalogue_fields* of_published, std::uint32_t row) {
  const generation& published = live.published();
  if (row >= published.products()) return live.put_at(row);
  if (of_published == nullptr)
    return status(errc::version_mismatch,
                  published.path().string() + ": has no " + std::string(fields_name) + ": publish it again, or put the product as a whole");
  ARGOSY_ASSIGN(auto vector, published.index().restore(row, 1));
  const product_facts facts = live.facts(row);
  return product_change{std::string(facts.id), false, std::string(facts.title), std::string(facts.image), of_published->values_of(row),
                        std::move(vector)};
}

// None: published without.
result<std::optional<catalogue_fields>> fields_of(const generation& published) {
  const auto& files = published.folder().files;
  if (std::none_of(files.begin(), files.end(), [](const folder_file& file) { return file.name == fields_name; }))
    return std::optional<catalogue_fields>();
  ARGOSY_ASSIGN(auto fields, catalogue_fields::open(published.path() / fields_name, published.products()));
  return std::optional(std::move(fields));
}

}  // namespace

// What belongs to one generation. The order of the members is that of their making.
struct product_writer::of_generation {
  std::unique_ptr<live_store> store;
  std::unique_ptr<device> on;
  loaded_model loaded;
  product_encoder encoder;
  std::optional<catalogue_fields> fields;  // of the products that were published; none: published without
};

// Edits of different products, and what they come to.
struct product_writer::group {
  live_generation before;
  std::vector<result<edit_outcome>> outcomes;
  std::vector<product_change> changes;
  std::vector<std::size_t> edit_of;  // each change
  std::vector<encoded_product> puts;
  std::vector<std::size_t> change_of;  // each put
};

product_writer::product_writer(fs::path store, product_writer_options options, std::shared_ptr<const image_source> images)
    : store_(std::move(store)), options_(std::move(options)), images_(std::move(images)) {}
product_writer::~product_writer() = default;

result<std::unique_ptr<product_writer>> product_writer::open(const fs::path& store, const product_writer_options& options) {
  std::shared_ptr<const image_source> images;
  if (!options.images.empty()) {
    ARGOSY_ASSIGN(image_source opened, image_source::open(options.images));
    images = std::make_shared<const image_source>(std::move(opened));
  }
  std::unique_ptr<product_writer> made(new product_writer(store, options, std::move(images)));
  ARGOSY_TRY(made->open_current());
  return made;
}

status product_writer::open_current() {
  ARGOSY_ASSIGN(auto store, live_store::open(store_, rules_of));
  const live_generation live = store->now();
  const generation& published = live.published();
  for (const std::string_view file : model_files()) ARGOSY_TRY(verify_file(published.folder(), file));
  auto on = make_cpu_device(options_.threads);
  ARGOSY_ASSIGN(loaded_model loaded, load_model(*on, published.path()));
  const patch_backbone& wanted = loaded.facts.inputs.backbone;
  std::shared_ptr<patch_features> backbone;
  if (!options_.backbone_weights.empty()) {
    if (wanted.none()) return {errc::invalid_argument, "--backbone-weights: the model was trained on pixels and has no backbone"};
    ARGOSY_ASSIGN(backbone, load_backbone({wanted.name, options_.backbone_weights, wanted.side, options_.threads}));
  }
  ARGOSY_ASSIGN(auto encoder, product_encoder::open(loaded.facts, published.path(), std::move(backbone)));
  ARGOSY_ASSIGN(auto fields, fields_of(published));
  now_ = std::make_unique<of_generation>(
      of_generation{std::move(store), std::move(on), std::move(loaded), std::move(encoder), std::move(fields)});
  return {};
}

// The one before is let go of first: the next may share its journal, which has one writer.
status product_writer::keep_up() {
  if (now_) {
    ARGOSY_ASSIGN(const bool current, now_->store->is_current());
    if (current) return {};
    now_.reset();
  }
  return open_current().within("changes cannot be written");
}

result<live_mark> product_writer::mark() const {
  if (!now_) return status(errc::unavailable, store_.string() + ": changes cannot be written now");
  return now_->store->begin();
}

// The model is the same one. Where the fields cannot be opened, keep_up() will say why.
status product_writer::go_on_to(compacted_generation& made) {
  ARGOSY_TRY(keep_up());
  ARGOSY_TRY(made.go_on(*now_->store));
  auto fields = fields_of(now_->store->now().published());
  if (fields.ok()) {
    now_->fields = std::move(*fields);
  } else {
    now_.reset();
  }
  return {};
}

status product_writer::encode(const product_edit& edit, encoded_product& to) const {
  auto title = now_->encoder.title(edit.title);
  if (!title.ok()) return in_field("title", title.failure());
  to.title = std::move(*title);
  if (!edit.photograph.empty()) {
    if (const status added = now_->encoder.add_photograph(edit.photograph, to); !added.ok()) return in_field("photograph", added);
  } else if (images_ && !edit.image.empty()) {
    const auto picture = images_->read(edit.image);
    const status added = picture.ok() ? now_->encoder.add_photograph(*picture, to) : picture.failure();
    if (!added.ok()) return in_field("image", added);
  }
  if (to.title.empty() && !to.has_photograph()) return {errc::invalid_argument, "title: want a word, or a photograph, found neither"};
  return {};
}

result<product_change> product_writer::patched(const product_edit& edit) const {
  const live_generation live = now_->store->now();
  const auto row = live.row_of(edit.id);
  if (!row) return status(errc::not_found, "no product is called " + edit.id);
  ARGOSY_ASSIGN(product_change change, present(live, now_->fields ? &*now_->fields : nullptr, *row));
  std::erase_if(change.fields, [&](const field_value& value) {
    return std::any_of(edit.replaced.begin(), edit.replaced.end(), [&](const std::string& name) { return is_within(value.field, name); });
  });
  change.fields.insert(change.fields.end(), edit.fields.begin(), edit.fields.end());
  return change;
}

// Without the vector of what is put.
result<product_change> product_writer::change_of(const product_edit& edit, group& of) {
  if (edit.verb == product_edit::what::patch) return patched(edit);
  const bool there = of.before.row_of(edit.id).has_value();
  if (edit.verb == product_edit::what::remove) {
    if (!there) return status(errc::not_found, "no product is called " + edit.id);
    return product_change{.id = edit.id, .removed = true, .title = {}, .image = {}};
  }
  encoded_product encoded;
  ARGOSY_TRY(encode(edit, encoded));
  of.puts.push_back(std::move(encoded));
  of.change_of.push_back(of.changes.size());
  return product_change{edit.id, false, edit.title, edit.image, edit.fields, {}};
}

// Outcomes hold until here what an edit comes to when it is written; one that the generation cannot take is refused alone.
status product_writer::write(group& of) {
  ARGOSY_ASSIGN(const auto vectors, embed_products(now_->loaded.model, of.puts));
  const std::size_t width = of.before.published().index().columns();
  for (std::size_t p = 0; p < of.puts.size(); ++p) {
    const auto first = vectors.begin() + static_cast<std::ptrdiff_t>(p * width);
    of.changes[of.change_of[p]].vector.assign(first, first + static_cast<std::ptrdiff_t>(width));
  }
  std::vector<product_change> right;
  for (std::size_t c = 0; c < of.changes.size(); ++c) {
    const status checked = of.before.check(of.changes[c]);
    if (checked.ok()) {
      right.push_back(std::move(of.changes[c]));
    } else {
      of.outcomes[of.edit_of[c]] = checked;
    }
  }
  if (right.empty()) return {};
  return now_->store->apply(std::move(right));
}

std::vector<result<edit_outcome>> product_writer::apply_distinct(std::span<const product_edit> edits) {
  using what = product_edit::what;
  status failure;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    failure = keep_up();
    if (!failure.ok()) break;
    group of{now_->store->now(), {}, {}, {}, {}, {}};
    for (const product_edit& edit : edits) {
      auto change = change_of(edit, of);
      if (!change.ok()) {
        of.outcomes.emplace_back(change.failure());
        continue;
      }
      const bool there = of.before.row_of(edit.id).has_value();
      of.outcomes.emplace_back(edit.verb == what::remove  ? edit_outcome::removed
                               : edit.verb == what::patch ? edit_outcome::changed
                               : there                    ? edit_outcome::replaced
                                                          : edit_outcome::created);
      of.edit_of.push_back(of.outcomes.size() - 1);
      of.changes.push_back(std::move(*change));
    }
    failure = write(of);
    if (failure.ok()) return std::move(of.outcomes);
    if (failure.code() != errc::unavailable) break;
  }
  return std::vector<result<edit_outcome>>(edits.size(), of_the_store(failure));
}

std::vector<result<edit_outcome>> product_writer::apply(std::span<const product_edit> edits) {
  std::vector<result<edit_outcome>> all;
  std::size_t first = 0;
  std::unordered_set<std::string_view> ids;
  for (std::size_t end = 0; end <= edits.size(); ++end) {
    if (end < edits.size() && end - first < most_together && ids.insert(edits[end].id).second) continue;
    if (first == end) break;
    auto some = apply_distinct(edits.subspan(first, end - first));
    std::move(some.begin(), some.end(), std::back_inserter(all));
    first = end;
    ids.clear();
    if (end < edits.size()) ids.insert(edits[end].id);
  }
  return all;
}

}  // namespace argosy
