// The model that a command works with: that of a run's newest good checkpoint, or that of a store's current generation.
// Every byte is verified before anything is taken from it.
#pragma once

#include <filesystem>

#include "base/status.hpp"

namespace argosy {

struct model_place {
  std::filesystem::path run, store;  // one of them is given
};
// The folder that load_model takes.
result<std::filesystem::path> find_model(const model_place&);

}  // namespace argosy
