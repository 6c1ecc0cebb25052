#include "actors/compaction_watch.hpp"

namespace argosy {

changed_rows changed_rows_of(const live_generation& live) { return {live.published().number(), live.products(), live.put(), live.gone()}; }

compaction_answer::what compaction_watch::asked(const changed_rows& now) const noexcept {
  using what = compaction_answer::what;
  if (runs_) return what::runs;
  if (now.put + now.gone == 0) return what::unchanged;
  return now.products == 0 ? what::empty : what::begun;
}

bool compaction_watch::due(const changed_rows& rows, steady_time now) const noexcept {
  return after_ > 0 && rows.put + rows.gone >= after_ && now >= not_before_ && asked(rows) == compaction_answer::what::begun;
}

void compaction_watch::end(bool well, steady_time now) noexcept {
  runs_ = false;
  not_before_ = well ? steady_time::min() : now + std::chrono::duration_cast<steady_time::duration>(pause_);
}

}  // namespace argosy
