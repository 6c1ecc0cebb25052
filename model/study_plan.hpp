// A study: recipes that are compared, each trained with every seed. Read from TOML; unknown keys and rows that cannot be are refused.
//     title = "Where negatives come from"     # of the report
//     about = "..."                           # one paragraph; optional
//     recipe = "fashion-small.toml"           # what all rows start from, beside the study's file
//     set = ["train.batch=128"]               # changes to it in all rows, as `argosy train --set`; optional
//     seeds = [1, 2, 3]
//     baseline = "in-batch"                   # the row that the others are compared with
//     [[row]]
//     name = "in-batch"                       # also the name of a folder: letters, digits, and +-_. inside
//     set = ["negatives.bank=0"]              # what this row sets besides
// A row may name a `recipe` of its own.
// Errors    invalid_argument with file, line and key; what load_recipe says, with the row; not_found and io_error of the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "model/recipe.hpp"

namespace argosy {

struct study_plan {
  struct row {
    std::string name;
    std::vector<std::string> set;  // besides
    argosy::recipe recipe;
  };
  std::string title, about, baseline;
  std::vector<std::string> set;  // in all rows
  std::vector<std::uint64_t> seeds;
  std::vector<row> rows;
};

// `set`: changes to all rows besides those of the study.
result<study_plan> load_study(const std::filesystem::path&, std::span<const std::string> set = {});

}  // namespace argosy
