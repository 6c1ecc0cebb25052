// Whether prepared data can be embedded by a model that was trained on other data.
#pragma once

#include <string_view>

#include "base/status.hpp"
#include "data/prepared.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

// shape_mismatch says what differs: sizes of images, a longer title, the vocabulary. Words that were split by something else are warned of.
// `advice`: what to do instead.
status check_fits(const prepared_data&, const checkpoint_facts&, std::string_view advice);

}  // namespace argosy
