#include "model/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>

#include "base/log.hpp"
#include "kernels/transfer.hpp"
#include "model/safetensors.hpp"
#include "schema/container.hpp"
#include "schema/folder.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view folder_kind = "checkpoint";
constexpr std::uint32_t folder_version = 1;
constexpr file_kind facts_kind{"model-facts", 2};
constexpr file_kind bank_kind{"memory-bank", 1};
constexpr const char* facts_file = "inputs.argosy";
constexpr std::uint64_t longest_text = 256u << 20;

fs::path folder_of(const fs::path& run) { return run / "checkpoints"; }
std::string bank_file(std::size_t rank) { return "bank-" + std::to_string(rank) + ".argosy"; }

std::string numbered(std::uint64_t steps) {
  auto digits = std::to_string(steps);
  return std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

// Steps done, when the name is that of a checkpoint.
std::optional<std::uint64_t> number_of(const fs::path& path) {
  const auto name = path.filename().string();
  std::uint64_t steps = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), steps);
  if (error != std::errc{} || end != name.data() + name.size() || name.size() < 8) return std::nullopt;
  return steps;
}

// Newest first; none where there is no folder.
result<std::vector<fs::path>> checkpoints_of(const fs::path& run) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder_of(run), failed); !failed && entry != fs::directory_iterator(); entry.increment(failed))
    if (number_of(entry->path())) found.push_back(entry->path());
  if (failed && failed != std::errc::no_such_file_or_directory)
    return status{errc::io_error, folder_of(run).string() + ": " + failed.message()};
  std::ranges::sort(found, std::greater{}, [](const fs::path& p) { return *number_of(p); });
  return found;
}

status rename_with(const fs::path& path, const std::string& suffix) {
  std::error_code failed;
  fs::rename(path, path.string() + suffix, failed);
  if (failed) return {errc::io_error, path.string() + ": " + failed.message()};
  return {};
}

// A checkpoint that goes is renamed first, so that a process killed meanwhile leaves no half of one under a checkpoint's name.
constexpr const char* removed_suffix = ".removed";

// ".broken", or where there is one already ".broken2", and so on.
std::string free_broken_suffix(const fs::path& path) {
  std::string suffix = ".broken";
  for (int next = 2; fs::exists(path.string() + suffix); ++next) suffix = ".broken" + std::to_string(next);
  return suffix;
}

status remove_what_was_renamed(const fs::path& run) {
  std::vector<fs::path> renamed;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_of(run), failed))
    if (entry.path().extension() == removed_suffix) renamed.push_back(entry.path());
  for (const auto& path : renamed) {
    fs::remove_all(path, failed);
    if (failed) return {errc::io_error, path.string() + ": " + failed.message()};
  }
  return {};
}

std::vector<std::int64_t> shape_of(const checkpoint_state::entry& e) {
  return e.rows == 1 ? std::vector<std::int64_t>{e.cols} : std::vector<std::int64_t>{e.rows, e.cols};
}

status write_weights(const fs::path& folder, const checkpoint_state& state) {
  safetensors_file weights, moments;
  weights.metadata = {{"format", "pt"}};
  for (const auto& e : state.entries) {
    weights.tensors.push_back(f32_tensor(e.name, shape_of(e), e.value));
    moments.tensors.push_back(f32_tensor(e.name + ".first", shape_of(e), e.first));
    moments.tensors.push_back(f32_tensor(e.name + ".second", shape_of(e), e.second));
  }
  ARGOSY_TRY(write_safetensors(folder / "model.safetensors", weights));
  return write_safetensors(folder / "moments.safetensors", moments);
}

status write_bank(const fs::path& path, const memory_bank::snapshot& bank) {
  ARGOSY_ASSIGN(auto out, container_writer::create(path, bank_kind));
  const std::int64_t columns[] = {bank.columns};
  const std::int64_t place[] = {bank.place};
  ARGOSY_TRY(out.add("columns", std::span<const std::int64_t>(columns)));
  ARGOSY_TRY(out.add("place", std::span<const std::int64_t>(place)));
  ARGOSY_TRY(out.add("embedding", std::span<const double>(bank.embedding)));
  ARGOSY_TRY(out.add("log_p", std::span<const double>(bank.log_p)));
  ARGOSY_TRY(out.add("product", std::span<const std::int64_t>(bank.product)));
  ARGOSY_TRY(out.add("step", std::span<const std::uint64_t>(bank.step)));
  return out.finish();
}

template <class T>
status take(const container_reader& from, std::string_view section, std::vector<T>& to) {
  ARGOSY_ASSIGN(const auto elements, from.section<T>(section));
  to.assign(elements.begin(), elements.end());
  return {};
}

result<memory_bank::snapshot> read_bank(const fs::path& path) {
  ARGOSY_ASSIGN(const auto in, container_reader::open(path, bank_kind));
  memory_bank::snapshot bank;
  std::vector<std::int64_t> columns, place;
  ARGOSY_TRY(take(in, "columns", columns));
  ARGOSY_TRY(take(in, "place", place));
  ARGOSY_TRY(take(in, "embedding", bank.embedding));
  ARGOSY_TRY(take(in, "log_p", bank.log_p));
  ARGOSY_TRY(take(in, "product", bank.product));
  ARGOSY_TRY(take(in, "step", bank.step));
  for (const auto& [name, numbers] : {std::pair("columns", &columns), std::pair("place", &place)})
    if (numbers->size() != 1)
      return status{errc::corrupt, path.string() + ": section " + name + ": want 1 element, got " + std::to_string(numbers->size())};
  bank.columns = columns[0];
  bank.place = place[0];
  return bank;
}

// The order of the numbers in the section `facts` of inputs.argosy: FORMATS.md.
std::vector<std::uint64_t> numbers_of(const checkpoint_facts& f) {
  const auto& in = f.inputs;
  const auto u = [](auto n) { return static_cast<std::uint64_t>(n); };
  return {f.steps_done,        f.of,
          f.data_fingerprint,  u(f.workers),
          u(in.vocabulary),    u(in.query_length),
          u(in.title_length),  u(in.image_width),
          u(in.image_height),  u(in.backbone.features),
          u(in.backbone.side), in.backbone.checksum};
}
constexpr std::size_t fact_numbers = 12;
constexpr std::uint64_t most_workers = 4096, largest_vocabulary = 1u << 24, longest_side = 1u << 16;

status add_text(container_writer& to, std::string_view section, const std::string& text) {
  return to.add(section, std::span<const std::uint8_t>(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

result<std::string> take_text(const container_reader& from, std::string_view section) {
  ARGOSY_ASSIGN(const auto bytes, from.section<std::uint8_t>(section));
  return std::string(bytes.begin(), bytes.end());
}

// A backbone has a name, features and a side, or there is none.
result<patch_backbone> read_backbone(const container_reader& in, std::uint64_t features, std::uint64_t side, std::uint64_t checksum) {
  ARGOSY_ASSIGN(const std::string name, take_text(in, "backbone"));
  const bool none = name.empty() && features == 0 && side == 0;
  const bool whole = !name.empty() && features >= 1 && features <= longest_side && side >= 1 && side <= longest_side;
  if (!none && !whole)
    return status{errc::corrupt, in.path().string() + ": section backbone: want a name, features and a side, or none of them, got `" +
                                     name + "`, " + std::to_string(features) + " and " + std::to_string(side)};
  return patch_backbone{name, checksum, static_cast<int>(side), static_cast<int>(features)};
}

status write_facts(const fs::path& folder, const checkpoint_facts& facts) {
  ARGOSY_TRY(replace_file(folder / "recipe.toml", recipe_text(facts.recipe)));
  ARGOSY_TRY(replace_file(folder / "vocab.txt", facts.vocabulary));
  ARGOSY_ASSIGN(auto out, container_writer::create(folder / facts_file, facts_kind));
  const auto numbers = numbers_of(facts);
  ARGOSY_TRY(out.add("facts", std::span<const std::uint64_t>(numbers)));
  ARGOSY_TRY(add_text(out, "segmenter", facts.segmenter));
  ARGOSY_TRY(add_text(out, "backbone", facts.inputs.backbone.name));
  const std::uint64_t lineage[] = {facts.lineage};
  if (facts.lineage != 0) ARGOSY_TRY(out.add("lineage", std::span<const std::uint64_t>(lineage)));
  return out.finish();
}

status take_values(const safetensors_file& file, const fs::path& path, const std::string& name, std::size_t count, std::vector<float>& to) {
  const auto* t = file.find(name);
  if (t == nullptr) return {errc::not_found, path.string() + ": no tensor `" + name + "`"};
  if (t->type != "F32" || t->data.size() != count * sizeof(float))
    return {errc::shape_mismatch, path.string() + ": tensor `" + name + "`: want " + std::to_string(count) + " F32, got " +
                                      std::to_string(t->count()) + " " + t->type};
  to.resize(count);
  std::memcpy(to.data(), t->data.data(), t->data.size());
  return {};
}

// The weights alone, in the order of the file.
result<std::vector<checkpoint_state::entry>> read_weights(const fs::path& path) {
  ARGOSY_ASSIGN(const auto file, read_safetensors(path));
  std::vector<checkpoint_state::entry> entries;
  for (const auto& t : file.tensors) {
    if (t.shape.empty() || t.shape.size() > 2)
      return status{errc::shape_mismatch,
                    path.string() + ": tensor `" + t.name + "`: want 1 or 2 dimensions, got " + std::to_string(t.shape.size())};
    auto& e = entries.emplace_back();
    e.name = t.name;
    e.rows = t.shape.size() == 2 ? t.shape[0] : 1;
    e.cols = t.shape.back();
    ARGOSY_TRY(take_values(file, path, e.name, static_cast<std::size_t>(t.count()), e.value));
  }
  return entries;
}

// Those that are held.
status upload_moments(device& on, const parameter& p, const checkpoint_state::entry& from, adamw_moments& to) {
  for (auto& part : to.parts()) {
    if (part.arena != p.arena) continue;
    const arena_range both = common(part.at, p.at);
    const auto of_entry = [&](const std::vector<float>& numbers) {
      return std::span(numbers).subspan(static_cast<std::size_t>(both.first - p.at.first), static_cast<std::size_t>(both.count));
    };
    const auto of_part = [&](tensor& whole) { return whole.all().column_range(both.first - part.at.first, both.count); };
    if (both.count == 0) continue;
    ARGOSY_TRY(upload(on, of_entry(from.first), of_part(part.first)));
    ARGOSY_TRY(upload(on, of_entry(from.second), of_part(part.second)));
  }
  return {};
}

status restore_entries(const std::vector<checkpoint_state::entry>& entries, retrieval_model& model, bool moments) {
  const auto& all = model.weights();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& p = all[i];
    const auto e = std::ranges::find(entries, p.spec.name, &checkpoint_state::entry::name);
    if (e == entries.end()) return {errc::shape_mismatch, "tensor `" + p.spec.name + "`: not in the checkpoint"};
    if (!p.value.is(e->rows, e->cols))
      return {errc::shape_mismatch, "tensor `" + p.spec.name + "`: want " + shape_text(p.value) + ", got (" + std::to_string(e->rows) +
                                        ", " + std::to_string(e->cols) + ")"};
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto e = std::ranges::find(entries, all[i].spec.name, &checkpoint_state::entry::name);
    ARGOSY_TRY(upload(model.on(), e->value, all[i].value));
    if (moments) ARGOSY_TRY(upload_moments(model.on(), all[i], *e, model.weights().moments()));
  }
  return {};
}

template <class TakeMoments>
result<checkpoint_state> capture_with(const retrieval_model& model, checkpoint_facts facts, TakeMoments take_moments) {
  checkpoint_state state;
  state.facts = std::move(facts);
  const auto& all = model.weights();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& p = all[i];
    checkpoint_state::entry e{p.spec.name, p.spec.rows, p.spec.cols, {}, {}, {}};
    ARGOSY_ASSIGN(e.value, floats_of(model.on(), p.value));
    ARGOSY_TRY(take_moments(p, e));
    state.entries.push_back(std::move(e));
  }
  return state;
}

}  // namespace

result<checkpoint_facts> read_facts(const fs::path& folder) {
  checkpoint_facts facts;
  ARGOSY_ASSIGN(const auto in, container_reader::open(folder / facts_file, facts_kind));
  std::vector<std::uint64_t> n;
  ARGOSY_TRY(take(in, "facts", n));
  if (n.size() != fact_numbers)
    return status{errc::corrupt, in.path().string() + ": section facts: want " + std::to_string(fact_numbers) + " numbers, got " +
                                     std::to_string(n.size())};
  ARGOSY_ASSIGN(facts.segmenter, take_text(in, "segmenter"));
  ARGOSY_ASSIGN(facts.inputs.backbone, read_backbone(in, n[9], n[10], n[11]));
  const auto within = [&n](std::size_t first, std::size_t last, std::uint64_t most) {
    return std::all_of(n.begin() + static_cast<std::ptrdiff_t>(first), n.begin() + static_cast<std::ptrdiff_t>(last),
                       [most](std::uint64_t x) { return x >= 1 && x <= most; });
  };
  if (!within(3, 4, most_workers) || !within(4, 5, largest_vocabulary) || !within(5, 9, longest_side))
    return status{errc::corrupt, in.path().string() + ": section facts: its workers, vocabulary, lengths or sizes are beyond what can be"};
  facts.steps_done = n[0];
  facts.of = n[1];
  facts.data_fingerprint = n[2];
  facts.workers = static_cast<int>(n[3]);
  facts.inputs.vocabulary = static_cast<std::int64_t>(n[4]);
  int* sizes[] = {&facts.inputs.query_length, &facts.inputs.title_length, &facts.inputs.image_width, &facts.inputs.image_height};
  for (std::size_t i = 0; i < std::size(sizes); ++i) *sizes[i] = static_cast<int>(n[5 + i]);
  ARGOSY_ASSIGN(facts.recipe, load_recipe(folder / "recipe.toml", {}));
  ARGOSY_ASSIGN(facts.vocabulary, read_file(folder / "vocab.txt", longest_text));
  std::vector<std::uint64_t> lineage{0};
  if (in.has("lineage")) ARGOSY_TRY(take(in, "lineage", lineage));
  if (lineage.size() != 1)
    return status{errc::corrupt, in.path().string() + ": section lineage: want 1 element, got " + std::to_string(lineage.size())};
  facts.lineage = lineage.front();
  return facts;
}

result<checkpoint_state> capture(const retrieval_model& model, checkpoint_facts facts) {
  const adamw_moments& held = model.weights().moments();
  ARGOSY_CHECK(held.held() == sharding{});
  return capture_with(model, std::move(facts), [&](const parameter& p, checkpoint_state::entry& to) -> status {
    const auto part = std::ranges::find(held.parts(), p.arena, &adamw_moments::part::arena);
    const auto in = [&](const tensor& arena) { return arena.all().column_range(p.at.first, p.at.count); };
    ARGOSY_ASSIGN(to.first, floats_of(model.on(), in(part->first)));
    ARGOSY_ASSIGN(to.second, floats_of(model.on(), in(part->second)));
    return {};
  });
}

result<checkpoint_state> capture(const retrieval_model& model, const host_moments& moments, checkpoint_facts facts) {
  return capture_with(model, std::move(facts), [&](const parameter& p, checkpoint_state::entry& to) -> status {
    const auto in = [&](const std::array<std::vector<float>, adamw_moments::arenas>& arenas) {
      const auto first = arenas[static_cast<std::size_t>(p.arena)].begin() + p.at.first;
      return std::vector<float>(first, first + p.at.count);
    };
    to.first = in(moments.first);
    to.second = in(moments.second);
    return {};
  });
}

status write_checkpoint(const fs::path& run, const checkpoint_state& state) {
  std::error_code failed;
  fs::create_directories(folder_of(run), failed);
  if (failed) return {errc::io_error, folder_of(run).string() + ": " + failed.message()};
  ARGOSY_TRY(sync_folder(run));  // its name in there
  ARGOSY_ASSIGN(auto folder, folder_writer::create(folder_of(run) / numbered(state.facts.steps_done), folder_kind, folder_version));
  ARGOSY_TRY(write_weights(folder.path(), state));
  ARGOSY_TRY(write_facts(folder.path(), state.facts));
  for (std::size_t rank = 0; rank < state.banks.size(); ++rank) ARGOSY_TRY(write_bank(folder.path() / bank_file(rank), state.banks[rank]));
  return folder.seal();
}

status prune_checkpoints(const fs::path& run, int keep) {
  ARGOSY_TRY(remove_what_was_renamed(run));
  ARGOSY_ASSIGN(const auto newest_first, checkpoints_of(run));
  for (auto i = static_cast<std::size_t>(keep); i < newest_first.size(); ++i) ARGOSY_TRY(rename_with(newest_first[i], removed_suffix));
  return remove_what_was_renamed(run);
}

result<bool> has_checkpoints(const fs::path& run) {
  ARGOSY_ASSIGN(const auto found, checkpoints_of(run));
  return !found.empty();
}

result<std::map<std::uint64_t, fs::path>> list_checkpoints(const fs::path& run) {
  ARGOSY_ASSIGN(const auto found, checkpoints_of(run));
  std::map<std::uint64_t, fs::path> by_steps;
  for (const auto& path : found) by_steps.emplace(*number_of(path), path);
  return by_steps;
}

status set_aside(const fs::path& checkpoint) {
  const std::string suffix = free_broken_suffix(checkpoint);
  ARGOSY_TRY(rename_with(checkpoint, suffix));
  log::warning(checkpoint.string() + ": is broken and was renamed to " + checkpoint.filename().string() + suffix);
  return {};
}

status set_aside_newer(const fs::path& run, const fs::path& checkpoint) {
  ARGOSY_ASSIGN(const auto newest_first, checkpoints_of(run));
  for (const auto& path : newest_first) {
    if (path == checkpoint) break;
    ARGOSY_TRY(set_aside(path));
  }
  return {};
}

result<fs::path> find_checkpoint(const fs::path& run) {
  ARGOSY_ASSIGN(const auto newest_first, checkpoints_of(run));
  for (const auto& path : newest_first) {
    const auto folder = open_folder(path, folder_kind, folder_version);
    const auto whole = folder.ok() ? verify_folder(*folder) : folder.failure();
    if (whole.ok()) return path;
    log::warning("left out: " + whole.text());
  }
  const char* found = newest_first.empty() ? "no checkpoint" : "no checkpoint that is whole";
  return status{errc::not_found, run.string() + ": want a run of `argosy train`, found " + found + " in it"};
}

result<checkpoint_state> read_checkpoint(const fs::path& path) {
  ARGOSY_ASSIGN(const auto folder, open_folder(path, folder_kind, folder_version));
  ARGOSY_TRY(verify_folder(folder));
  checkpoint_state state;
  ARGOSY_ASSIGN(state.facts, read_facts(path));
  ARGOSY_ASSIGN(state.entries, read_weights(path / "model.safetensors"));
  const auto moments_path = path / "moments.safetensors";
  ARGOSY_ASSIGN(const auto moments, read_safetensors(moments_path));
  for (auto& e : state.entries) {
    ARGOSY_TRY(take_values(moments, moments_path, e.name + ".first", e.value.size(), e.first));
    ARGOSY_TRY(take_values(moments, moments_path, e.name + ".second", e.value.size(), e.second));
  }
  for (std::size_t rank = 0; fs::exists(path / bank_file(rank)); ++rank) {
    ARGOSY_ASSIGN(auto bank, read_bank(path / bank_file(rank)));
    state.banks.push_back(std::move(bank));
  }
  return state;
}

status restore(const checkpoint_state& state, retrieval_model& model) { return restore_entries(state.entries, model, true); }

status restore_weights(const checkpoint_state& state, retrieval_model& model) { return restore_entries(state.entries, model, false); }

result<loaded_model> load_model(device& on, const fs::path& folder) {
  ARGOSY_ASSIGN(auto facts, read_facts(folder));
  ARGOSY_ASSIGN(auto model, retrieval_model::make(on, facts.recipe, facts.inputs, placement::reading));
  ARGOSY_ASSIGN(const auto entries, read_weights(folder / "model.safetensors"));
  ARGOSY_TRY(restore_entries(entries, model, false).within((folder / "model.safetensors").string()));
  return loaded_model{std::move(facts), std::move(model)};
}

std::span<const std::string_view> model_files() noexcept {
  static constexpr std::string_view names[] = {"model.safetensors", "recipe.toml", "vocab.txt", facts_file};
  return names;
}

// Not by copy_file: libstdc++ says no more than "input/output error" of a full disk.
status copy_model(const fs::path& checkpoint, const fs::path& to) {
  for (const std::string_view name : model_files()) {
    ARGOSY_ASSIGN(const std::string bytes, read_file(checkpoint / name, std::numeric_limits<std::uint64_t>::max()));
    ARGOSY_TRY(replace_file(to / name, bytes));
  }
  return {};
}

}  // namespace argosy
