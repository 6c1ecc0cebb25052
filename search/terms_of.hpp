// The terms of a generation: which fields restrict, aliases, and how text is folded and split. What they were made from stays in the
// generation, so that compaction can make them again:
//   fields.argosy     the fields of its products, as prepared data have them (data/catalogue_fields.hpp)
//   relevance.json    which fields restrict, and the aliases
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/catalogue_fields.hpp"
#include "index/generation.hpp"
#include "index/terms.hpp"

namespace argosy {

inline constexpr std::string_view fields_name = "fields.argosy", relevance_name = "relevance.json";

// NFKC and case folding; words as segmenter::open_like(source) finds them.
result<text_rules> rules_like(std::string_view source);
// As the model of a generation was trained.
result<text_rules> rules_of(const generation&);

// JSON lines or TSV of alias, field, value. A line that is not refuses the file.
result<std::vector<name_alias>> read_aliases(const std::filesystem::path&);

struct terms_options {
  std::string restricted;  // "brand,category*": names with commas between; a star: found by the last words of a value too
  std::vector<name_alias> aliases;
  bool strict_aliases = true;  // terms_source
};
// Of terms_options::restricted.
std::vector<restricted_field> restricted_fields(const std::string& list);
status write_terms_options(const terms_options&, const std::filesystem::path& folder);
result<terms_options> read_terms_options(const std::filesystem::path& folder);

struct described_rows {
  std::size_t rows = 0;
  std::function<std::string_view(std::size_t row)> title;
  const catalogue_fields* fields = nullptr;
};
// terms.argosy in the folder. aborted when stopped.
status write_terms_of(const described_rows&, const terms_options&, const text_rules&, const std::filesystem::path& folder,
                      std::stop_token = {});

}  // namespace argosy
