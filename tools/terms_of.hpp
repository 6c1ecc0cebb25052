// The terms of a generation from prepared data: which fields restrict, aliases, and how text is folded and split.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "data/prepared.hpp"
#include "data/text.hpp"
#include "index/terms.hpp"

namespace argosy {

// NFKC and case folding; words as the segmenter, which outlives the rules, finds them.
text_rules rules_of(const segmenter&);

// "brand,category*": names with commas between; a star: found by the last words of a value too.
std::vector<restricted_field> restricted_fields(const std::string& list);
// JSON lines or TSV of alias, field, value. A line that is not refuses the file.
result<std::vector<name_alias>> read_aliases(const std::filesystem::path&);

struct terms_options {
  std::vector<restricted_field> restricted;
  std::vector<name_alias> aliases;
};
status write_terms_of(const prepared_data&, const segmenter&, const terms_options&, const std::filesystem::path& file);

}  // namespace argosy
