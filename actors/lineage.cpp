#include "actors/lineage.hpp"

#include "base/check.hpp"
#include "base/random.hpp"

namespace argosy {

job_mark after_step(const job_mark& before, group_id group) noexcept {
  const auto low = [](std::uint64_t n) { return static_cast<std::uint32_t>(n); };
  const auto mixed = philox(before.lineage, {low(before.steps_done), low(before.steps_done >> 32), low(group), low(group >> 32)});
  return {before.steps_done + 1, std::uint64_t{mixed[1]} << 32 | mixed[0]};
}

job_mark lineage::at(std::uint64_t steps_done) const noexcept {
  job_mark mark = beginning_;
  group_id group = 0;
  for (const part& one : parts_) {
    if (one.from.steps_done > steps_done) break;
    mark = one.from;
    group = one.group;
  }
  while (mark.steps_done < steps_done) mark = after_step(mark, group);
  return mark;
}

void lineage::begin(group_id group, const job_mark& from) {
  ARGOSY_CHECK(has(from));
  while (!parts_.empty() && parts_.back().from.steps_done >= from.steps_done) parts_.pop_back();
  parts_.push_back({group, from});
}

group_id lineage::group_of(std::uint64_t step) const noexcept {
  group_id group = 0;
  for (const part& one : parts_)
    if (one.from.steps_done <= step) group = one.group;
  return group;
}

}  // namespace argosy
