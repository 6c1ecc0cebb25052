#include "model/initial_weights.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "data/text.hpp"
#include "kernels/transfer.hpp"
#include "model/encoder.hpp"
#include "model/safetensors.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using matrix = initial_weights::matrix;

constexpr std::string_view folder_kind = "initial-weights";
constexpr std::uint32_t folder_version = 1;
constexpr const char* weights_file = "encoder.safetensors";
constexpr const char* vocabulary_file = "vocab.txt";
constexpr std::uint64_t longest_text = 256u << 20;
constexpr int most_layers = 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string size_text(std::int64_t rows, std::int64_t cols) { return "(" + std::to_string(rows) + ", " + std::to_string(cols) + ")"; }

std::int64_t rows_of(const initial_weights& w, std::string_view name) {
  const auto* found = w.find(name);
  return found == nullptr ? 0 : found->rows;
}

std::vector<parameter_spec> layer_specs(const encoder_sizes& sizes) {
  std::vector<parameter_spec> specs;
  encoder::add_specs(specs, "", {sizes.layers, 1, sizes.hidden, sizes.feed_forward}, 0);
  for (auto& spec : specs) spec.name.erase(0, 1);  // the dot after the name of a tower
  return specs;
}

status check_shape(const initial_weights& w, const parameter_spec& want, bool needed, const tensor_naming& called) {
  const auto* found = w.find(want.name);
  if (found == nullptr && !needed) return {};
  const auto wanted = "tensor `" + called(want.name) + "`: want " + size_text(want.rows, want.cols);
  if (found == nullptr) return {errc::not_found, wanted + ", there is none"};
  if (found->rows == want.rows && found->cols == want.cols) return {};
  return {errc::shape_mismatch, wanted + ", got " + size_text(found->rows, found->cols)};
}

result<int> heads_of(const safetensors_file& file, const fs::path& path) {
  const auto found = file.metadata.find("heads");
  const std::string text = found == file.metadata.end() ? "" : found->second;
  int heads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), heads);
  if (error != std::errc{} || end != text.data() + text.size() || heads < 1)
    return status{errc::corrupt, path.string() + ": metadata `heads`: want a number from 1, got `" + text + "`"};
  return heads;
}

// One sentence for all that differs: `model.hidden` = 768, not 256; ...
struct differences {
  std::string text;
  void compare(const char* key, std::int64_t want, std::int64_t got) {
    if (want != got)
      text += (text.empty() ? "`" : "; `") + std::string(key) + "` = " + std::to_string(want) + ", not " + std::to_string(got);
  }
};

status check_lengths(const encoder_sizes& sizes, const model_recipe& r, const model_inputs& in) {
  if (sizes.positions == 0) return {};
  const auto refuse = [&](const char* option, int length) {
    return status{errc::invalid_argument, "the initial weights have " + std::to_string(sizes.positions) +
                                              " positions, the data was prepared with " + option + " " + std::to_string(length) +
                                              ": prepare it with fewer"};
  };
  if (in.query_length > sizes.positions) return refuse("--query-length", in.query_length);
  if (r.use_title && in.title_length > sizes.positions) return refuse("--title-length", in.title_length);
  return {};
}

}  // namespace

const matrix* initial_weights::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(tensors, name, &matrix::name);
  return found == tensors.end() ? nullptr : &*found;
}

encoder_sizes sizes_of(const initial_weights& w) {
  encoder_sizes sizes;
  if (const auto* token = w.find("token")) sizes.vocabulary = token->rows, sizes.hidden = token->cols;
  sizes.positions = rows_of(w, "position");
  sizes.feed_forward = rows_of(w, "0.up.weight");
  for (const auto& t : w.tensors) {
    int layer = 0;
    const auto [end, error] = std::from_chars(t.name.data(), t.name.data() + t.name.size(), layer);
    if (error == std::errc{} && layer < most_layers) sizes.layers = std::max(sizes.layers, layer + 1);
  }
  return sizes;
}

status check_complete(const initial_weights& w, const tensor_naming& called) {
  const auto sizes = sizes_of(w);
  if (sizes.hidden < 1) return {errc::not_found, "tensor `" + called("token") + "`: want the table of words, there is none"};
  if (sizes.layers < 1 || sizes.feed_forward < 1)
    return {errc::not_found, "tensor `" + called("0.up.weight") + "`: want at least one layer, there is none"};
  if (w.heads < 1 || sizes.hidden % w.heads != 0)
    return {errc::shape_mismatch,
            "heads: want a divisor of the width " + std::to_string(sizes.hidden) + ", got " + std::to_string(w.heads)};
  ARGOSY_TRY(check_shape(w, {"position", sizes.positions, sizes.hidden}, false, called));
  for (const auto* name : {"type", "embedding_ln.weight", "embedding_ln.bias"})
    ARGOSY_TRY(check_shape(w, {name, 1, sizes.hidden}, false, called));
  for (const auto& spec : layer_specs(sizes)) ARGOSY_TRY(check_shape(w, spec, true, called));
  return {};
}

std::string_view source_of(std::string_view parameter) noexcept {
  if (parameter == "token") return parameter;
  const auto dot = parameter.find('.');
  if (dot == std::string_view::npos) return {};
  const auto tower = parameter.substr(0, dot), rest = parameter.substr(dot + 1);
  const bool text = tower == "query" || tower == "title";
  if (!text && tower != "image") return {};
  if (is_digit(rest.front()) || rest.starts_with("embedding_ln.")) return rest;
  return text && (rest == "token" || rest == "position" || rest == "type") ? rest : std::string_view{};
}

std::uint64_t fingerprint_of(const initial_weights& w) noexcept {
  const auto of = [](const auto& all) { return xxh3(std::as_bytes(std::span(all))); };
  std::array<std::uint64_t, 5> folded{static_cast<std::uint64_t>(w.heads), of(w.vocabulary)};
  for (const auto& t : w.tensors) {
    folded = {of(folded), of(t.name), static_cast<std::uint64_t>(t.rows), static_cast<std::uint64_t>(t.cols), of(t.value)};
  }
  return of(folded);
}

status write_initial_weights(const fs::path& folder, const initial_weights& w) {
  safetensors_file file;
  file.metadata = {{"format", "pt"}, {"heads", std::to_string(w.heads)}};
  for (const auto& t : w.tensors) file.tensors.push_back(f32_tensor(t.name, {t.rows, t.cols}, t.value));
  ARGOSY_ASSIGN(auto writer, folder_writer::create(folder, folder_kind, folder_version));
  ARGOSY_TRY(write_safetensors(writer.path() / weights_file, file));
  ARGOSY_TRY(replace_file(writer.path() / vocabulary_file, w.vocabulary));
  return writer.seal();
}

result<initial_weights> read_initial_weights(const fs::path& path) {
  ARGOSY_ASSIGN(const auto folder, open_folder(path, folder_kind, folder_version));
  ARGOSY_TRY(verify_folder(folder));
  ARGOSY_ASSIGN(const auto file, read_safetensors(path / weights_file));
  initial_weights w;
  ARGOSY_ASSIGN(w.heads, heads_of(file, path / weights_file));
  ARGOSY_ASSIGN(w.vocabulary, read_file(path / vocabulary_file, longest_text));
  for (const auto& t : file.tensors) {
    if (t.shape.size() != 2)
      return status{errc::corrupt,
                    (path / weights_file).string() + ": tensor `" + t.name + "`: want 2 dimensions, got " + std::to_string(t.shape.size())};
    auto values = t.floats();
    if (!values.ok()) return values.failure().within((path / weights_file).string());
    w.tensors.push_back({t.name, t.shape[0], t.shape[1], std::move(values).value()});
  }
  const auto as_stored = [](std::string_view name) { return std::string(name); };
  if (const status complete = check_complete(w, as_stored); !complete.ok()) return complete.within((path / weights_file).string());
  return w;
}

status check_fits(const initial_weights& w, const model_recipe& r, const model_inputs& in, std::string_view vocabulary) {
  const auto sizes = sizes_of(w);
  differences found;
  found.compare("model.hidden", sizes.hidden, r.hidden);
  found.compare("model.heads", w.heads, r.heads);
  found.compare("model.feed_forward", sizes.feed_forward, r.feed_forward);
  found.compare("model.query_layers", sizes.layers, r.query_layers);
  if (r.use_title) found.compare("model.title_layers", sizes.layers, r.title_layers);
  if (r.use_image) found.compare("model.image_layers", sizes.layers, r.image_layers);
  if (!found.text.empty()) return {errc::invalid_argument, "the initial weights want a recipe with " + found.text};
  ARGOSY_TRY(check_lengths(sizes, r, in));
  if (vocabulary == w.vocabulary && in.vocabulary == sizes.vocabulary) return {};
  return {errc::invalid_argument,
          "the data was prepared with another vocabulary than that of the initial weights: prepare it with --vocab and their vocab.txt"};
}

status start_from(const initial_weights& w, retrieval_model& model) {
  const auto& all = model.weights();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& to = all[i].value;
    const auto* from = w.find(source_of(all[i].spec.name));
    if (from == nullptr) continue;
    if (from->cols != to.cols || from->rows < to.rows)
      return {errc::shape_mismatch,
              "parameter `" + all[i].spec.name + "`: want " + size_text(to.rows, to.cols) + ", got " + size_text(from->rows, from->cols)};
    const auto values = std::span(from->value).first(static_cast<std::size_t>(to.rows * to.cols));
    ARGOSY_TRY(upload(model.on(), values, to));
  }
  return {};
}

}  // namespace argosy
