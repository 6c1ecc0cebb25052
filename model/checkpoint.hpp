// Checkpoints: sealed folders RUN/checkpoints/NNNNNNNN of kind "checkpoint", named by the number of steps done.
//   model.safetensors   weights by name, float32, readable by the usual Python tools
//   moments.safetensors AdamW's two moments by name
//   bank-R.argosy       the memory bank of rank R
//   recipe.toml, vocab.txt, inputs.argosy   what is needed to use the model without the data, and to go on with it
// The state of randomness is (seed, step): nothing else to store; the place in the data is step * batch.
// A checkpoint is verified whole before anything is taken from it; the newest one that verifies is used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "model/memory_bank.hpp"
#include "model/recipe.hpp"
#include "model/retrieval_model.hpp"

namespace argosy {

struct checkpoint_facts {
  std::uint64_t steps_done = 0, of = 0;
  std::uint64_t data_fingerprint = 0;
  argosy::recipe recipe;
  model_inputs inputs;
  std::string vocabulary;  // vocab.txt
  std::string segmenter;   // what split the words of the data: segmenter::source()
  int workers = 1;
  std::uint64_t lineage = 0;  // of a job of many nodes: which groups trained it (actors/job_protocol.hpp); 0: of one process
};

// A host copy of everything a checkpoint holds, so that training goes on while it is written.
struct checkpoint_state {
  checkpoint_facts facts;
  struct entry {
    std::string name;
    std::int64_t rows = 0, cols = 0;
    std::vector<float> value, first, second;
  };
  std::vector<entry> entries;
  std::vector<memory_bank::snapshot> banks;  // by rank
};

// Waits for the model's device. REQUIRES the model's moments to be whole, or those of all shards.
result<checkpoint_state> capture(const retrieval_model&, checkpoint_facts);
result<checkpoint_state> capture(const retrieval_model&, const host_moments&, checkpoint_facts);
status write_checkpoint(const std::filesystem::path& run, const checkpoint_state&);
// Removes all but the newest `keep`.
status prune_checkpoints(const std::filesystem::path& run, int keep);

result<bool> has_checkpoints(const std::filesystem::path& run);
// By the number of steps done, whether they verify or not.
result<std::map<std::uint64_t, std::filesystem::path>> list_checkpoints(const std::filesystem::path& run);
// Renames one that did not verify to NNNNNNNN.broken.
status set_aside(const std::filesystem::path& checkpoint);
// Those newer than `checkpoint`, which did not verify: a run that goes on from it will write these steps again.
status set_aside_newer(const std::filesystem::path& run, const std::filesystem::path& checkpoint);
// The newest checkpoint that verifies; not_found when there is none. Broken ones are named in the log.
result<std::filesystem::path> find_checkpoint(const std::filesystem::path& run);
result<checkpoint_state> read_checkpoint(const std::filesystem::path& checkpoint);
// Into a model of the same shape, of the moments those that it holds; shape_mismatch names the first tensor that differs.
status restore(const checkpoint_state&, retrieval_model&);
// The weights without moments, into a model for reading.
status restore_weights(const checkpoint_state&, retrieval_model&);

// What a checkpoint, or a generation, says of its model, without the weights.
result<checkpoint_facts> read_facts(const std::filesystem::path& folder);

// A model for embedding only, from a checkpoint or from a generation that holds the same files.
struct loaded_model {
  checkpoint_facts facts;
  retrieval_model model;
};
result<loaded_model> load_model(device&, const std::filesystem::path& folder);
// The files of a checkpoint that load_model needs.
std::span<const std::string_view> model_files() noexcept;
// Copied to where a generation is made.
status copy_model(const std::filesystem::path& checkpoint, const std::filesystem::path& to);

}  // namespace argosy
