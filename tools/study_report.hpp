// The report of a study (tools/study_figures.hpp) in three forms: an HTML page of one file, which fetches nothing, runs no script and
// prints well; a table for the terminal; JSON.
// Keys of the JSON: title, about, baseline, seeds, queries, needs_image, products, resamples, rows; of a row: name, set, seeds,
// shared_seeds, steps, pairs, minutes (each mean, low, high), all and needs_image; in these a measure (recall@1, ...) has mean, low, high,
// by_seed and difference: null, or mean, low, high of its interval. What no run has finished is null.
#pragma once

#include <string>

#include "base/status.hpp"
#include "tools/study_figures.hpp"

namespace argosy {

std::string study_page(const study_figures&);
std::string study_table(const study_figures&);  // lines, each ended; difference_note goes with it
std::string study_json(const study_figures&);   // without the newline

// How a difference was computed, for readers; without markup.
std::string difference_note(const study_figures&);
// +0.012, -0.003, 0.000.
std::string signed_text(double, int decimals);
bool leaves_out_zero(const interval&) noexcept;

}  // namespace argosy
