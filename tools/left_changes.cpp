#include "tools/left_changes.hpp"

#include <algorithm>
#include <string>

#include "base/log.hpp"
#include "tools/format.hpp"

namespace argosy {

void warn_of_left_changes(const std::vector<stored_generation>& before, std::uint64_t current) {
  const auto left = std::ranges::find_if(before, &stored_generation::current);
  if (left == before.end()) return;
  const auto taken = std::ranges::find(before, current, &stored_generation::number);
  const std::uint64_t kept = taken == before.end() ? 0 : taken->changes;
  if (left->changes <= kept) return;
  const std::string number = std::to_string(left->number);
  log::warning(counted(left->changes, "change") + " since generation " + number + " was published, of which generation " +
               std::to_string(current) + " has " + grouped(kept) + ": `argosy generations rollback --to " + number + "` finds them again");
}

}  // namespace argosy
