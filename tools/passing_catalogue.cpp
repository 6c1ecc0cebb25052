#include "tools/passing_catalogue.hpp"

#include <limits>
#include <ostream>
#include <utility>

#include "base/log.hpp"
#include "model/backbone.hpp"
#include "schema/folder.hpp"
#include "tools/format.hpp"
#include "tools/prepare_report.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

// The backbone that the model was trained behind, with the same weights.
result<std::shared_ptr<patch_features>> load_backbone_of(const catalogue_place& options, const patch_backbone& model) {
  if (model.none() && options.backbone_weights.empty()) return std::shared_ptr<patch_features>();
  if (model.none()) return status{errc::invalid_argument, "--backbone-weights: the model was trained on pixels and has no backbone"};
  if (options.backbone_weights.empty())
    return status{errc::invalid_argument,
                  "the model was trained on features of " + text_of(model) + ": want its file in --backbone-weights"};
  ARGOSY_ASSIGN(auto loaded, load_backbone({model.name, options.backbone_weights, model.side, options.threads}));
  if (loaded->about() == model) return loaded;
  return status{errc::invalid_argument, options.backbone_weights.string() + ": want " + text_of(model) +
                                            ", which the model was trained on, got " + text_of(loaded->about())};
}

// A catalogue is prepared with the words, lengths and sizes that the model was trained with.
prepare_options options_for(const catalogue_place& options, const fs::path& checkpoint, const checkpoint_facts& model,
                            std::shared_ptr<patch_features> backbone, const fs::path& out) {
  const model_inputs& inputs = model.inputs;
  prepare_options how;
  how.catalogue = options.catalogue;
  how.shard = options.shard;
  how.images = options.images;
  how.out = out;
  how.vocab = checkpoint / "vocab.txt";
  how.segmenter = model.segmenter;
  how.query_length = inputs.query_length;
  how.title_length = inputs.title_length;
  how.image_width = inputs.image_width;
  how.image_height = inputs.image_height;
  how.reuse = options.reuse;
  how.backbone = std::move(backbone);
  return how;
}

result<std::uint64_t> prepare_catalogue(const prepare_options& options, const console& io) {
  ARGOSY_ASSIGN(const prepare_report report, prepare(options, show_preparing(io), io.stop));
  io.progress.close();
  if (options.images.empty() && report.images_named > 0)
    log::warning(options.catalogue.string() + ": names " + grouped(report.images_named) +
                 " images, which --images does not give: they are found by their titles alone");
  print_report(report, io.out);
  std::uint64_t refused = 0;
  for (const auto& [reason, count] : report.refused) refused += count;
  return refused;
}

}  // namespace

passing_catalogue::passing_catalogue(passing_folder folder, prepared_data data, std::uint64_t refused)
    : folder_(std::move(folder)), data_(std::move(data)), refused_(refused) {}

result<passing_catalogue> passing_catalogue::prepare(const catalogue_place& from, const checkpoint_facts& model, const fs::path& folder,
                                                     const fs::path& store, const console& io) {
  ARGOSY_ASSIGN(auto backbone, load_backbone_of(from, model.inputs.backbone));
  ARGOSY_ASSIGN(auto made, passing_folder::make(store, "catalogue"));
  const auto how = options_for(from, folder, model, std::move(backbone), made.path() / "prepared");
  ARGOSY_ASSIGN(const std::uint64_t refused, prepare_catalogue(how, io));
  ARGOSY_ASSIGN(auto data, prepared_data::open(how.out));
  return passing_catalogue(std::move(made), std::move(data), refused);
}

status passing_catalogue::keep_refusals(const fs::path& store, const console& io) const {
  const fs::path kept = store / "refused.tsv";
  ARGOSY_ASSIGN(const std::string list, read_file(folder_.path() / "prepared/refused.tsv", std::numeric_limits<std::uint64_t>::max()));
  ARGOSY_TRY(replace_file(kept, list));
  io.out << "Every refused line with its number: " << kept.string() << '\n';
  return {};
}

}  // namespace argosy
