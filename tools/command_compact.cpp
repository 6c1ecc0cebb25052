#include <ostream>

#include "index/live_store.hpp"
#include "search/compaction.hpp"
#include "search/searcher.hpp"
#include "search/terms_of.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"

namespace argosy {

status run_compact(const compact_options& options, const console& io) {
  const steady_time start = io.clock.now();
  const auto show = [&io](const hc_progress& at) {
    io.progress.show({.stage = at.stage, .unit = "products", .done = at.done, .total = at.total});
  };
  ARGOSY_ASSIGN(const auto store, live_store::open(options.store, rules_of));
  if (!store->now().changed()) {
    io.out << options.store.string() << ": nothing has changed since its generation was published\n";
    return {};
  }
  const auto made = compact(*store, {threads_or_all(options.threads), show, io.stop});
  io.progress.close();
  if (made.failure().code() == errc::aborted && io.stop.stop_requested()) return interrupted("the store is as it was");
  if (!made.ok()) return made.failure();
  io.out << options.store.string() << ": generation " << made->generation << ", " << grouped(made->products) << " products, "
         << grouped(made->put) << " put and " << grouped(made->gone) << " gone since the one before, "
         << duration_text(seconds_between(start, io.clock.now())) << '\n';
  return {};
}

}  // namespace argosy
