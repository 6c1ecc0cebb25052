// A catalogue and its images prepared as a model was trained, in a folder that goes with its object: what `publish` and `change` embed.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/status.hpp"
#include "data/prepared.hpp"
#include "model/checkpoint.hpp"
#include "tools/console.hpp"
#include "tools/passing_folder.hpp"

namespace argosy {

struct catalogue_place {
  std::filesystem::path catalogue, images;
  std::filesystem::path backbone_weights;  // when the model was trained on features
  std::filesystem::path reuse;             // prepared data with features of the same images
  int threads = 0;                         // 0: all cores
  catalogue_shard shard = {};              // of the catalogue
};

class passing_catalogue {
public:
  // With the words, lengths and sizes of the model whose files lie in `folder`. Prints what was read. The data lie in STORE/NAME.partial-PID-N.
  static result<passing_catalogue> prepare(const catalogue_place&, const checkpoint_facts& model, const std::filesystem::path& folder,
                                           const std::filesystem::path& store, const console&);
  const prepared_data& data() const noexcept { return data_; }
  std::uint64_t refused() const noexcept { return refused_; }  // lines
  // The list of them with their reasons, STORE/refused.tsv.
  status keep_refusals(const std::filesystem::path& store, const console&) const;

private:
  passing_catalogue(passing_folder, prepared_data, std::uint64_t refused);
  passing_folder folder_;
  prepared_data data_;
  std::uint64_t refused_;
};

}  // namespace argosy
