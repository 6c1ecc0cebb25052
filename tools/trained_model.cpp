#include "tools/trained_model.hpp"

#include "index/generation.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

result<std::filesystem::path> find_model(const model_place& place) {
  if (!place.run.empty()) return find_checkpoint(place.run);
  ARGOSY_ASSIGN(const generation current, generation::open_current(place.store));
  ARGOSY_TRY(current.verify());
  return current.path();
}

}  // namespace argosy
