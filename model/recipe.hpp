// A recipe: every choice of a training run, read from TOML. Unknown keys are refused with the nearest known name; so are wrong types and
// impossible sizes. Recipes count steps and pairs, never minutes. method.md, sections 2 to 5; which defaults are the papers' is said there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "kernels/device.hpp"

namespace argosy {

struct model_recipe {
  int hidden = 768, heads = 12, feed_forward = 3072;
  int query_layers = 12, title_layers = 12, image_layers = 12;
  int projection = 256;  // width of the embeddings that are compared
  bool use_title = true, use_image = true;
  double dropout = 0.1;
  bool cosine = true;          // false: raw inner product
  bool shared_tokens = false;  // one table of WordPieces for queries and titles (ours)
  double initial = .02;        // standard deviation of the first weights, BERT's
};

struct training_recipe {
  std::uint64_t seed = 1;
  std::uint64_t batch = 1024;  // pairs of all workers together
  std::uint64_t steps = 0;     // 0: from epochs
  double epochs = 5;
  int workers = 1;
  int threads = 0;                        // of all workers together; 0: all cores
  std::string device = "cpu";             // kernels/devices.hpp
  compute arithmetic = compute::float32;  // "compute": of the products of linear maps, in training
  attention_by attention = attention_by::argosy;
  std::uint64_t micro_batch = 0;  // pairs of a worker whose activations are held at a time (gradient caching); 0: all of them
  bool shard_moments = false;     // each worker keeps AdamW's moments of two of its shards (model/moments.hpp)
  std::uint64_t bucket_kib = 0;   // gradients that workers sum at a time while backward goes on; 0: all of them after it
};

struct optimiser_recipe {
  double rate = 1e-4, warmup = .2, beta1 = .9, beta2 = .98, eps = 1e-8, weight_decay = .01, clip = 1;
};

struct negatives_recipe {
  std::uint64_t bank = 8192;  // entries of each worker's memory bank; 0: none
  bool shared_bank = false;   // every worker's holds the products of all workers, in the order of their ranks
  double weight_bank = .25, weight_product = 1;
  double bank_start = 0, cross_device_start = .5;  // fractions of all steps
  double scale = 20;                               // where the trained scale starts
  double scale_limit = 100;
};

// Weights of the tasks in the loss; 0: off, and costs nothing. method.md, section 3.
struct tasks_recipe {
  double matching = 1;                       // QPM
  double words = 1;                          // MLM, on queries and on titles, each by itself
  double patches = 1;                        // MPM_R
  double patch_regression = 0;               // MPM
  double classification = 1;                 // QPC
  double keywords = 1;                       // keyword enhancement
  double word_rate = .15, patch_rate = .15;  // what is masked
  double keyword_rate = .5;                  // pairs that get a second query
  bool clean_matching = false;               // match in a pass of its own, without masks
  bool symmetric_patches = false;
  double same_patch = 1;  // patches of a cosine above it are not negatives of each other; 1: all are
};

struct checkpoint_recipe {
  std::uint64_t every = 500;  // steps; 0: only at the end
  int keep = 2;
};

struct recipe {
  model_recipe model;
  training_recipe train;
  optimiser_recipe optimiser;
  negatives_recipe negatives;
  tasks_recipe tasks;
  checkpoint_recipe checkpoint;
};

// `overrides`: `train.batch=64`, applied after the file, the value in TOML syntax.
result<recipe> load_recipe(const std::filesystem::path&, std::span<const std::string> overrides);
result<recipe> parse_recipe(std::string_view toml, std::string_view name, std::span<const std::string> overrides);
// A complete recipe that loads to the same values.
std::string recipe_text(const recipe&);

// Steps of the whole run over that many pairs: `steps`, or epochs * pairs / batch rounded up.
std::uint64_t total_steps(const recipe&, std::uint64_t pairs) noexcept;

}  // namespace argosy
