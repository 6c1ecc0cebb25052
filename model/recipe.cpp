#include "model/recipe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <sstream>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/devices.hpp"
#include "model/toml_file.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::uint64_t longest_recipe = 1u << 20;

// One key of the file: where it goes, and what it may be.
struct field {
  std::string_view table, key;
  std::function<status(const toml::node&)> read;
  std::function<std::string()> show;
  std::string full() const { return std::string(table) + "." + std::string(key); }
};

status wrong(std::string_view wanted, const toml::node& got) {
  std::ostringstream text;
  text << "want " << wanted << ", got ";
  got.visit([&](const auto& node) {
    if constexpr (toml::is_value<decltype(node)>)
      text << toml::node_view<const toml::node>(node);
    else
      text << (node.is_table() ? "a table" : "an array");
  });
  return {errc::invalid_argument, text.str()};
}

template <class Number>
std::string bounds(Number least, Number most) {
  std::ostringstream text;
  text << "from " << least << " to " << most;
  return text.str();
}

std::string shown(double value) {
  std::ostringstream text;
  text.precision(17);
  for (int digits = 1; digits <= 17; ++digits) {
    text.str("");
    text.precision(digits);
    text << value;
    if (std::stod(text.str()) == value) break;
  }
  const auto out = text.str();
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

template <class T>
field whole(std::string_view table, std::string_view key, T& to, std::int64_t least, std::int64_t most) {
  return {table, key,
          [&to, least, most](const toml::node& node) -> status {
            const auto value = node.value_exact<std::int64_t>();
            if (!value || *value < least || *value > most) return wrong("a whole number " + bounds(least, most), node);
            to = static_cast<T>(*value);
            return {};
          },
          [&to] { return std::to_string(to); }};
}

field real(std::string_view table, std::string_view key, double& to, double least, double most) {
  return {table, key,
          [&to, least, most](const toml::node& node) -> status {
            const auto value = node.is_number() ? node.value<double>() : std::optional<double>{};
            if (!value || !(*value >= least && *value <= most)) return wrong("a number " + bounds(least, most), node);
            to = *value;
            return {};
          },
          [&to] { return shown(to); }};
}

field flag(std::string_view table, std::string_view key, bool& to) {
  return {table, key,
          [&to](const toml::node& node) -> status {
            const auto value = node.value_exact<bool>();
            if (!value) return wrong("true or false", node);
            to = *value;
            return {};
          },
          [&to] { return to ? "true" : "false"; }};
}

// One of `known`, by its name.
template <class T>
field choice(std::string_view table, std::string_view key, T& to, std::initializer_list<T> known) {
  const std::vector<T> all(known);
  return {table, key,
          [&to, all](const toml::node& node) -> status {
            const auto value = node.value_exact<std::string>();
            std::string wanted;
            for (const T one : all) {
              if (value == std::string(name_of(one))) {
                to = one;
                return {};
              }
              wanted += (wanted.empty() ? "\"" : " or \"") + std::string(name_of(one)) + '"';
            }
            return wrong(wanted, node);
          },
          [&to] { return '"' + std::string(name_of(to)) + '"'; }};
}

field device_name(std::string_view table, std::string_view key, std::string& to) {
  return {table, key,
          [&to](const toml::node& node) -> status {
            const auto value = node.value_exact<std::string>();
            if (!value || !is_device_name(*value)) return wrong("\"cpu\", \"cuda\" or \"cuda:1\"", node);
            to = *value;
            return {};
          },
          [&to] { return '"' + to + '"'; }};
}

std::vector<field> fields_of(recipe& r) {
  constexpr std::int64_t many = 1'000'000'000'000'000;
  auto& m = r.model;
  auto& t = r.train;
  auto& o = r.optimiser;
  auto& n = r.negatives;
  auto& k = r.tasks;
  auto& c = r.checkpoint;
  return {
      whole("model", "hidden", m.hidden, 1, 16384),
      whole("model", "heads", m.heads, 1, 1024),
      whole("model", "feed_forward", m.feed_forward, 1, 65536),
      whole("model", "query_layers", m.query_layers, 0, 128),
      whole("model", "title_layers", m.title_layers, 0, 128),
      whole("model", "image_layers", m.image_layers, 0, 128),
      whole("model", "projection", m.projection, 1, 16384),
      flag("model", "use_title", m.use_title),
      flag("model", "use_image", m.use_image),
      real("model", "dropout", m.dropout, 0, .99),
      flag("model", "cosine", m.cosine),
      flag("model", "shared_tokens", m.shared_tokens),
      real("model", "initial", m.initial, 0, 10),
      whole("train", "seed", t.seed, 0, many),
      whole("train", "batch", t.batch, 1, 1 << 24),
      whole("train", "steps", t.steps, 0, many),
      real("train", "epochs", t.epochs, 1e-6, 1e6),
      whole("train", "workers", t.workers, 1, 4096),
      whole("train", "threads", t.threads, 0, 4096),
      device_name("train", "device", t.device),
      choice("train", "compute", t.arithmetic, {compute::float32, compute::bfloat16, compute::fp8}),
      choice("train", "attention", t.attention, {attention_by::argosy, attention_by::cudnn}),
      whole("train", "micro_batch", t.micro_batch, 0, 1 << 24),
      flag("train", "shard_moments", t.shard_moments),
      whole("train", "bucket_kib", t.bucket_kib, 0, 1 << 24),
      real("optimiser", "rate", o.rate, 0, 10),
      real("optimiser", "warmup", o.warmup, 1e-9, 1),
      real("optimiser", "beta1", o.beta1, 0, .999999999),
      real("optimiser", "beta2", o.beta2, 0, .999999999),
      real("optimiser", "eps", o.eps, 1e-30, 1),
      real("optimiser", "weight_decay", o.weight_decay, 0, 10),
      real("optimiser", "clip", o.clip, 1e-9, 1e9),
      whole("negatives", "bank", n.bank, 0, 1 << 28),
      flag("negatives", "shared_bank", n.shared_bank),
      real("negatives", "weight_bank", n.weight_bank, 1e-9, 1e9),
      real("negatives", "weight_product", n.weight_product, 1e-9, 1e9),
      real("negatives", "bank_start", n.bank_start, 0, 1),
      real("negatives", "cross_device_start", n.cross_device_start, 0, 1),
      real("negatives", "scale", n.scale, 1e-6, 1e6),
      real("negatives", "scale_limit", n.scale_limit, 1e-6, 1e6),
      real("tasks", "matching", k.matching, 0, 1e6),
      real("tasks", "words", k.words, 0, 1e6),
      real("tasks", "patches", k.patches, 0, 1e6),
      real("tasks", "patch_regression", k.patch_regression, 0, 1e6),
      real("tasks", "classification", k.classification, 0, 1e6),
      real("tasks", "keywords", k.keywords, 0, 1e6),
      real("tasks", "word_rate", k.word_rate, 0, 1),
      real("tasks", "patch_rate", k.patch_rate, 0, 1),
      real("tasks", "keyword_rate", k.keyword_rate, 0, 1),
      flag("tasks", "clean_matching", k.clean_matching),
      flag("tasks", "symmetric_patches", k.symmetric_patches),
      real("tasks", "same_patch", k.same_patch, -1, 1),
      whole("checkpoint", "every", c.every, 0, many),
      whole("checkpoint", "keep", c.keep, 1, 1000000),
  };
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// `key` alone is compared as well, so that a key in the wrong table finds its place.
std::string nearest(const std::vector<field>& fields, const std::string& unknown) {
  const auto key = unknown.substr(unknown.rfind('.') + 1);
  const auto distance = [&](const field& f) { return std::min(edit_distance(f.full(), unknown), edit_distance(f.key, key) + 1); };
  return std::ranges::min_element(fields, {}, distance)->full();
}

status read_key(const std::vector<field>& fields, const std::string& table, const std::string& key, const toml::node& node,
                const std::string& where) {
  const auto full = table.empty() ? key : table + "." + key;
  const auto known = std::ranges::find_if(fields, [&](const field& f) { return f.table == table && f.key == key; });
  if (known == fields.end())
    return {errc::invalid_argument, where + ": unknown key `" + full + "`; the nearest known name is `" + nearest(fields, full) + "`"};
  const auto read = known->read(node);
  return read.ok() ? status{} : status{read.code(), where + ": `" + full + "`: " + read.message()};
}

status read_table(const std::vector<field>& fields, const toml::table& root, std::string_view name) {
  const auto where = [&](const toml::node& node) { return std::string(name) + ":" + std::to_string(node.source().begin.line); };
  for (const auto& [table_key, node] : root) {
    const auto table = std::string(table_key.str());
    if (!node.is_table()) {
      ARGOSY_TRY(read_key(fields, "", table, node, where(node)));
      continue;
    }
    if (std::ranges::none_of(fields, [&](const field& f) { return f.table == table; }))
      return {errc::invalid_argument, where(node) + ": unknown table `[" + table +
                                          "]`; known are [model], [train], [optimiser], [negatives], [tasks] and [checkpoint]"};
    for (const auto& [key, value] : *node.as_table()) ARGOSY_TRY(read_key(fields, table, std::string(key.str()), value, where(value)));
  }
  return {};
}

status apply_override(const std::vector<field>& fields, const std::string& text) {
  const auto name = "--set " + text;
  const auto equals = text.find('=');
  const auto dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals)
    return {errc::invalid_argument, name + ": want table.key=value, as in train.batch=64"};
  const auto line = "v = " + text.substr(equals + 1);
  ARGOSY_ASSIGN(const auto table, parse_toml(line, name));
  if (table.size() != 1) return {errc::invalid_argument, name + ": want one value"};
  return read_key(fields, text.substr(0, dot), text.substr(dot + 1, equals - dot - 1), *table.get("v"), name);
}

status refuse_impossible(const recipe& r, std::string_view name) {
  const auto fail = [&](const std::string& why) { return status{errc::invalid_argument, std::string(name) + ": " + why}; };
  if (r.model.hidden % r.model.heads != 0)
    return fail("`model.hidden` = " + std::to_string(r.model.hidden) +
                " is not a multiple of `model.heads` = " + std::to_string(r.model.heads));
  if (!r.model.use_title && !r.model.use_image)
    return fail("`model.use_title` and `model.use_image` are both false: nothing of a product is left");
  if (r.train.batch < static_cast<std::uint64_t>(r.train.workers))
    return fail("`train.batch` = " + std::to_string(r.train.batch) + " gives some of the " + std::to_string(r.train.workers) +
                " workers no pair");
  if (r.train.attention == attention_by::cudnn && (r.train.device == "cpu" || r.train.arithmetic == compute::float32))
    return fail("`train.attention` = \"cudnn\" wants a GPU, `train.device` = \"cuda\", and `train.compute` = \"bfloat16\" or \"fp8\"");
  if (r.train.arithmetic == compute::fp8 && r.train.device == "cpu")
    return fail("`train.compute` = \"fp8\" wants a GPU, `train.device` = \"cuda\"");
  if (r.negatives.scale > r.negatives.scale_limit) return fail("`negatives.scale` starts above `negatives.scale_limit`");
  return {};
}

}  // namespace

result<recipe> parse_recipe(std::string_view text, std::string_view name, std::span<const std::string> overrides) {
  recipe r;
  const auto fields = fields_of(r);
  ARGOSY_ASSIGN(const auto root, parse_toml(text, name));
  ARGOSY_TRY(read_table(fields, root, name));
  for (const auto& text_of_one : overrides) ARGOSY_TRY(apply_override(fields, text_of_one));
  ARGOSY_TRY(refuse_impossible(r, overrides.empty() ? std::string(name) : std::string(name) + " with --set"));
  return r;
}

result<recipe> load_recipe(const std::filesystem::path& path, std::span<const std::string> overrides) {
  ARGOSY_ASSIGN(const auto text, read_file(path, longest_recipe));
  return parse_recipe(text, path.string(), overrides);
}

std::string recipe_text(const recipe& r) {
  recipe copy = r;
  std::string out, table;
  for (const auto& f : fields_of(copy)) {
    if (f.table != table) {
      out += (out.empty() ? "[" : "\n[") + std::string(f.table) + "]\n";
      table = f.table;
    }
    out += std::string(f.key) + " = " + f.show() + "\n";
  }
  return out;
}

}  // namespace argosy
