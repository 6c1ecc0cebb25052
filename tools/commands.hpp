// The commands of `argosy`, one file each (command_NAME.cpp). A command writes its results to the console and returns how it ended;
// aborted when it was asked to stop. What it leaves behind is whole or not there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "data/demo_shop.hpp"
#include "data/prepared.hpp"
#include "index/index_choice.hpp"
#include "kernels/device.hpp"
#include "net/curve_keys.hpp"
#include "net/node_credentials.hpp"
#include "net/tls_files.hpp"
#include "tools/console.hpp"
#include "tools/gpu_assumptions.hpp"
#include "tools/passing_catalogue.hpp"
#include "tools/trained_model.hpp"

namespace argosy {

// Prints sample queries and leaves them in OUT/sample_queries.txt.
status run_demo_shop(const demo_shop_options&, const console&);

struct prepare_command_options {
  prepare_options prepare;
  std::string backbone;  // empty: patches are stored as they are
  std::filesystem::path backbone_weights;
  int backbone_side = 64;
  int threads = 0;             // of the backbone; 0: all cores
  std::string device = "cpu";  // of the backbone
};
status run_prepare(const prepare_command_options&, const console&);

// Prints every tensor of the file, used or not, and what of a model will start at random.
struct import_options {
  std::filesystem::path from, vocab, out;
  std::string as = "bert";  // or roberta
  int heads = 0;            // 0: found out
};
status run_import(const import_options&, const console&);

struct train_options {
  std::filesystem::path data, recipe, run;
  std::vector<std::string> overrides;
  bool resume = false;
  std::filesystem::path initial;
  std::filesystem::path queries, qrels;  // judged queries to measure with every checkpoint; both or none
};
status run_train(const train_options&, const console&);

// The recipes of a study, each with every seed, in turn: OUT/runs/ROW-SEED are the runs, OUT/study.html and OUT/study.json the report, made
// anew after every run. Started again it goes on where it stopped.
struct study_options {
  std::filesystem::path data, study, out;
  std::filesystem::path queries, qrels;
  std::vector<std::string> overrides;  // in all rows
  bool json = false;
};
status run_study(const study_options&, const console&);

// From prepared data, or from a catalogue and its images, prepared as the model was trained.
struct publish_options {
  std::filesystem::path run, store;
  std::filesystem::path data;
  std::filesystem::path catalogue, images;
  std::string shard;                           // of the catalogue: "0/4"; empty: all of it
  std::filesystem::path backbone_weights;      // for a catalogue, when the model was trained on features
  std::filesystem::path reuse;                 // prepared data with features of the same images
  std::string restricted = "brand,category*";  // search/terms_of.hpp
  std::filesystem::path aliases;
  index_kind index = index_kind::automatic;
  stored_vectors vectors = stored_vectors::packed;  // of a hierarchical index
  int threads = 0;                                  // 0: all cores
};
status run_publish(const publish_options&, const console&);

struct embed_options {
  model_place from;
  std::filesystem::path queries;  // one a line
  std::filesystem::path data;     // or the products of prepared data
  std::filesystem::path out;
  int threads = 0;
};
// A query without words ends it: rows are lines.
status run_embed(const embed_options&, const console&);

struct devices_options {
  bool json = false;
};
// What can compute on this machine, and why a GPU cannot.
status run_devices(const devices_options&, const console&);

struct export_options {
  model_place from;
  std::filesystem::path safetensors, onnx;  // at least one
};
// Prints what was written.
status run_export(const export_options&, const console&);

// What `search` and `evaluate` share.
struct relevance_options {
  std::string channel = "semantic";
  std::string filter;
  bool no_restrict = false;
  std::vector<double> weights{1, 0.1};  // of semantic and lexical, in hybrid (ours; docs/filters.md)
  double field_weight = 0;              // of fields beside the title, in the lexical channel
  float least_evidence = 0.95f;
};

struct search_command_options {
  std::filesystem::path store;
  std::optional<std::string> query;  // none: one a line from standard input
  std::size_t k = 10;
  relevance_options relevance;
  bool live = false;  // the pair table is not asked
  bool json = false;
  std::filesystem::path html, images;  // a page of results; images: folder or tar
  int threads = 0;
};
// A query that cannot be answered is reported with its line, the others are answered, and the command fails.
status run_search(const search_command_options&, const console&);

struct evaluate_options {
  std::filesystem::path store, queries, qrels;
  bool channels = false;      // every channel with and without restriction, in one table
  std::filesystem::path log;  // of clicks, for intent categories
  std::string category = "category";
  relevance_options relevance;
  std::vector<std::size_t> recall_at{1, 10, 100, 1000};
  bool json = false;
  int threads = 0;
};
status run_evaluate(const evaluate_options&, const console&);

struct generations_options {
  std::filesystem::path store;
  std::optional<std::uint64_t> number;  // of the generation; none: as each verb has it
  std::size_t keep = 0;                 // prune
  std::filesystem::path tar;            // backup, restore
  bool json = false;                    // list
};
status run_list_generations(const generations_options&, const console&);
// Fails when any is damaged, after all have been read.
status run_verify_generations(const generations_options&, const console&);
status run_roll_back(const generations_options&, const console&);
status run_prune(const generations_options&, const console&);
status run_backup(const generations_options&, const console&);
status run_restore(const generations_options&, const console&);

// The answers of a log's queries, kept beside the index in a new generation. Interrupted or killed, the same command goes on.
struct pairs_options {
  std::filesystem::path store, log;
  std::uint64_t top = 100;
  std::uint64_t limit = 0;  // the most frequent; 0: all
  std::uint64_t shards = 1;
  compute arithmetic = compute::float32;  // of the query tower
  int threads = 0;
};
status run_pairs(const pairs_options&, const console&);

// Products put into, and removed from, the current generation of a store; searched from the next search on. Interrupted, the changes that
// were made stay.
struct change_options {
  std::filesystem::path store;
  catalogue_place put;           // its catalogue; empty: none
  std::filesystem::path remove;  // ids, one a line; empty: none
  bool strict = false;           // nothing changes when a line is refused
};
status run_change(const change_options&, const console&);

struct compact_options {
  std::filesystem::path store;
  int threads = 0;
};
status run_compact(const compact_options&, const console&);

struct bench_train_options {
  std::filesystem::path data, recipe;
  std::vector<std::string> overrides;
  std::uint64_t warmup = 10, steps = 40;
  bool json = false;
};
status run_bench_train(const bench_train_options&, const console&);

struct bench_embed_options {
  std::filesystem::path data, recipe;
  std::vector<std::string> overrides;
  std::uint64_t count = 2000;  // of queries and of products
  compute arithmetic = compute::float32;
  bool json = false;
  int threads = 0;
};
status run_bench_embed(const bench_embed_options&, const console&);

// Eq. 3 with a bank, forward and backward, beside the same with all logits stored.
// Every operator of a training step by itself, on rows of one length.
struct bench_kernels_options {
  std::string device = "cpu";
  compute arithmetic = compute::float32;
  std::uint64_t rows = 2048, hidden = 256, length = 17, table = 8192, batch = 256, bank = 8192;
  bool json = false;
  int threads = 0;
};
status run_bench_kernels(const bench_kernels_options&, const console&);

struct bench_loss_options {
  std::uint64_t batch = 1024, bank = 65536, columns = 256;
  bool check = false;  // gradients beside the reference's float64: minutes
  bool json = false;
  int threads = 0;
};
status run_bench_loss(const bench_loss_options&, const console&);

// Images a second through a frozen backbone, patches resized and normalised as `prepare` does.
struct bench_backbone_options {
  std::string backbone;
  std::filesystem::path weights;
  int side = 64;
  std::uint64_t images = 32;
  bool json = false;
  int threads = 0;
  std::string device = "cpu";
};
status run_bench_backbone(const bench_backbone_options&, const console&);

// Look-ups of a pair table with random queries, one thread, all of it in memory.
struct bench_pairs_options {
  std::uint64_t queries = 10'000'000, top = 100, products = 1'000'000, lookups = 1'000'000;
  bool json = false;
};
status run_bench_pairs(const bench_pairs_options&, const console&);

// The cheapest effort of an approximate index that reaches the recall, among the exact answers over what the store keeps, becomes that of a
// new generation. A recall that no effort reaches is refused.
struct tune_options {
  std::filesystem::path store, queries;  // none: those that the generation keeps
  double recall = 0.95;
  std::size_t k = 10;
  bool json = false;
  int threads = 0;
};
status run_tune(const tune_options&, const console&);

// Recall against queries/s of the hierarchical index, and of other people's, over the vectors of a store or more like them.
struct bench_index_options {
  std::filesystem::path store, queries;  // none: those that the generation keeps
  std::uint64_t products = 0;            // 0: as many as the store has
  std::size_t k = 10, leaves = 0, code_bytes = 32;
  double second_leaves = hc_settings().second_leaves;
  bool filters = false;
  std::filesystem::path peers;  // peers.py; empty: none
  std::string python = "python3", only;
  std::filesystem::path folder, svg;
  bool json = false;
  int threads = 0;
};
status run_bench_index(const bench_index_options&, const console&);

// The exact index over random unit vectors.
struct bench_search_options {
  std::uint64_t products = 40000, columns = 256, queries = 64;
  std::size_t k = 10;
  bool json = false;
  int threads = 0;
};
status run_bench_search(const bench_search_options&, const console&);

// Until it is asked to end: then what was asked is answered, and it ends with 0.
struct serve_options {
  std::vector<std::filesystem::path> stores;                      // several: shards of this process
  std::vector<std::string> shards;                                // of other processes: HOST:PORT of a shard's replicas, commas between
  std::string node;                                               // where routers ask this one's store; empty: nowhere
  node_credentials credentials;                                   // of node and shards; none: they are of this machine
  std::string http = "127.0.0.1:8080", zmq;                       // zmq empty: none
  std::filesystem::path images;                                   // empty: no photographs, and none of what is put
  std::filesystem::path address_file;                             // told there once it answers
  std::uint64_t waiting = 1024, deadline_ms = 1000, slow_ms = 0;  // slow_ms 0: none is told to the log
  bool log_json = false;
  int threads = 0;
  compute arithmetic = compute::float32;  // of the query tower
  bool writable = false;
  std::uint64_t compact_after = 10'000;    // rows put or gone; 0: never by itself
  std::filesystem::path backbone_weights;  // of what is put
  std::filesystem::path keys;              // of HTTP: net/access_file.hpp; empty: whoever asks is answered
  tls_files tls;                           // of HTTP; empty: none
  curve_server_files curve;                // of messages
};
status run_serve(const serve_options&, const console&);

// A key of HTTP: its line goes to the file, the key itself to standard output, once.
struct key_options {
  std::filesystem::path keys;
  std::string name, may = "read";
};
status run_new_key(const key_options&, const console&);

// The two keys of a server or client of messages: FILE and FILE.pub.
struct curve_key_options {
  std::filesystem::path file;
};
status run_curve_keys(const curve_key_options&, const console&);

// Load on a server that runs: tools/load.hpp.
struct bench_serve_options {
  std::string at;                          // http://HOST:PORT, https://HOST:PORT or an endpoint of ZeroMQ
  std::filesystem::path key, authorities;  // of HTTP: a file with a key; who signed the server's certificate
  curve_client_files curve;                // of messages
  std::filesystem::path log;
  double rate = 0, seconds = 10, warm_up = 1;
  std::uint64_t ahead = 256, connections = 64, queries = 100'000;
  std::size_t k = 10;
  bool live = false, restricts = true, json = false;
};
status run_bench_serve(const bench_serve_options&, const console&);

// A server that answers nothing, to measure what the transports alone cost.
struct bench_floor_options {
  std::filesystem::path address_file;
  tls_files tls;
  curve_server_files curve;
};
status run_bench_floor(const bench_floor_options&, const console&);

// The inner loops of the hierarchical index: every version that this machine runs, beside the plain one; steps beside what they were.
struct bench_scans_options {
  std::uint64_t code_bytes = 32, columns = 256;
  bool json = false;
};
status run_bench_scans(const bench_scans_options&, const console&);

// Collectives between processes of this machine, plain and through tunnels, beside threads and a copy of the same bytes.
struct bench_collectives_options {
  std::uint64_t ranks = 2, mib = 64;  // mib: of the largest tensor
  std::uint64_t between_mib = 0;      // other memory that a rank goes through before each operation
  bool json = false;
};
status run_bench_collectives(const bench_collectives_options&, const console&);

// Products put into a published store of random ones, and searches beside them.
struct bench_changes_options {
  std::uint64_t products = 100'000, columns = 256, changes = 10'000;
  bool json = false;
};
status run_bench_changes(const bench_changes_options&, const console&);

// Filters and BM25 over a random catalogue.
struct bench_terms_options {
  std::uint64_t products = 1'000'000, queries = 200;
  bool json = false;
};
status run_bench_terms(const bench_terms_options&, const console&);

// Training jobs on a simulated network, clock and disk; internal when an invariant breaks in any.
struct simulate_options {
  std::uint64_t seeds = 100, first = 1, steps = 200;
  int nodes = 4;
  bool log = false, json = false;
};
status run_simulate(const simulate_options&, const console&);

// A training job of many nodes: its coordinator, a node, how it stands, what its ledger says.
struct coordinator_options {
  std::filesystem::path data, recipe, run, initial, address_file;
  std::vector<std::string> overrides;
  std::string listen = "127.0.0.1:0";
  node_credentials credentials;
  std::size_t nodes = 0, least = 1;
  bool without_checkpoint = false;
};
status run_coordinator(const coordinator_options&, const console&);

struct worker_options {
  std::filesystem::path data, run, initial;
  std::string join, tensors = "127.0.0.1", device;
  int threads = 0;
  node_credentials credentials;
};
status run_worker(const worker_options&, const console&);

struct status_options {
  std::string at;
  node_credentials credentials;
  bool json = false, watch = false;
};
status run_status(const status_options&, const console&);

struct ledger_options {
  std::filesystem::path run;
  bool json = false;
};
status run_ledger(const ledger_options&, const console&);

// What a step of that recipe would take on so many GPUs (tools/step_model.hpp).
struct plan_options {
  std::filesystem::path recipe, data, fit;  // data empty: sizes of the fashion catalogue; fit empty: assumed GPUs
  std::vector<std::string> overrides;
  std::vector<std::uint64_t> gpus{8, 40, 128, 1024};
  std::uint64_t pairs_per_gpu = 1024, pairs = 0;  // of a step; of an epoch, 0: not told
  double epochs = 0;                              // 0: the recipe's
  gpu_assumptions assumed;
  bool json = false;
};
status run_plan(const plan_options&, const console&);

}  // namespace argosy
