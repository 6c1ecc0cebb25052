#include "tests/support/fake_nccl.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/support/bf16.hpp"

namespace argosy {

namespace {

constexpr int questions = 3;  // that are answered by "not yet"
constexpr auto cuda_error = nccl_said{1}, invalid_usage = nccl_said{5};

struct piece {
  nccl_operation what;
  nccl_work work;
};
using batch_of_pieces = std::vector<piece>;

std::size_t bytes_of(const nccl_work& w, std::size_t parts = 1) { return parts * w.count * size_of(w.type); }

}  // namespace

// The fake's own.
struct nccl_rank {
  int rank, size;
  nccl_id id;
  device* on;               // or the one beside it
  int not_yet = questions;  // of state()
  bool initialised = false, finalised = false, ended = false;
  batch_of_pieces coming{};              // not in the stream yet
  std::vector<batch_of_pieces> begun{};  // all of them; those before `ran` are done
  std::size_t ran = 0;
  int asked = 0;  // is_idle(), while the first one that is not done could run
  bool waits = false;
  nccl_said late = nccl_said::success, error = nccl_said::success;
  int until_late = questions;
};

namespace {

std::byte* at(void* p, std::size_t offset) { return static_cast<std::byte*>(p) + offset; }

void add(dtype type, const std::byte* from, std::byte* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (type == dtype::f32) {
      reinterpret_cast<float*>(to)[i] += reinterpret_cast<const float*>(from)[i];
    } else {
      auto* const sum = reinterpret_cast<test::bf16*>(to) + i;
      *sum = test::bf16_of(test::number_of(*sum) + test::number_of(reinterpret_cast<const test::bf16*>(from)[i]));
    }
}

// Of all ranks, the last one first.
std::vector<std::byte> sum_of(const std::vector<piece>& all, std::size_t parts) {
  const nccl_work& last = all.back().work;
  const auto* const begin = static_cast<const std::byte*>(last.from);
  std::vector<std::byte> sum(begin, begin + bytes_of(last, parts));
  for (std::size_t r = all.size() - 1; r-- > 0;)
    add(last.type, static_cast<const std::byte*>(all[r].work.from), sum.data(), parts * last.count);
  return sum;
}

// By rank.
void run(const std::vector<piece>& all) {
  const nccl_work& first = all[0].work;
  const std::size_t bytes = bytes_of(first), ranks = all.size();
  std::vector<std::byte> whole;
  switch (all[0].what) {
    case nccl_operation::all_gather:
      for (const piece& p : all) {
        const auto* const begin = static_cast<const std::byte*>(p.work.from);
        whole.insert(whole.end(), begin, begin + bytes);
      }
      for (const piece& p : all) std::memcpy(p.work.to, whole.data(), whole.size());
      return;
    case nccl_operation::all_reduce:
      whole = sum_of(all, 1);
      for (const piece& p : all) std::memcpy(p.work.to, whole.data(), bytes);
      return;
    case nccl_operation::reduce_scatter:
      whole = sum_of(all, ranks);
      for (std::size_t r = 0; r < ranks; ++r) std::memcpy(all[r].work.to, at(whole.data(), r * bytes), bytes);
      return;
    case nccl_operation::broadcast:
      for (const piece& p : all) std::memmove(p.work.to, all[static_cast<std::size_t>(first.root)].work.from, bytes);
      return;
    case nccl_operation::reduce:
      whole = sum_of(all, 1);
      std::memcpy(all[static_cast<std::size_t>(first.root)].work.to, whole.data(), bytes);
      return;
  }
}

bool works_on(const nccl_rank& r, const device& on) { return r.on == &on || r.on->beside().value() == &on; }

bool agree(const std::vector<piece>& all) {
  return std::ranges::all_of(all, [&](const piece& p) {
    const nccl_work &a = p.work, &b = all[0].work;
    return p.what == all[0].what && a.count == b.count && a.type == b.type && a.root == b.root;
  });
}

}  // namespace

namespace test {

struct fake_nccl::group_of_thread {
  int depth = 0;
  std::vector<nccl_communicator> with;
};

fake_nccl::group_of_thread& fake_nccl::here() {
  static thread_local group_of_thread of_this_thread;
  return of_this_thread;
}

fake_nccl::fake_nccl(int version) : version_(version) {}
fake_nccl::~fake_nccl() = default;

void fake_nccl::put_on_gpu_of(const device& one, const device& other) { gpu_of_[&one] = &other; }
void fake_nccl::make_no_gpu(const device& d) { gpu_of_[&d] = nullptr; }
void fake_nccl::fail(std::string call, int rank, nccl_said said) { failures_[call + std::to_string(rank)] = said; }
void fake_nccl::fail_later(int rank, nccl_said said) { late_failures_[rank] = said; }
void fake_nccl::stall() {
  const std::lock_guard lock(mutex_);
  stalled_ = true;
}

void fake_nccl::wait_until_waiting(int ranks) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return std::ranges::count_if(ranks_, [](const auto& r) { return r->waits; }) >= ranks; });
}

std::vector<std::string> fake_nccl::misuse() const {
  const std::lock_guard lock(mutex_);
  auto all = misuse_;
  if (open_groups_ > 0) all.emplace_back("ncclGroupStart without an end");
  return all;
}
std::vector<nccl_id> fake_nccl::ids() const {
  const std::lock_guard lock(mutex_);
  return ids_;
}
int fake_nccl::made() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(ranks_.size());
}
int fake_nccl::destroyed() const {
  const std::lock_guard lock(mutex_);
  return destroyed_;
}
int fake_nccl::aborted() const {
  const std::lock_guard lock(mutex_);
  return aborted_;
}
std::vector<nccl_operation> fake_nccl::operations_of(int rank) const {
  const std::lock_guard lock(mutex_);
  std::vector<nccl_operation> all;
  for (const auto& r : ranks_)
    if (r->rank == rank)
      for (const auto& batch : r->begun)
        for (const piece& p : batch) all.push_back(p.what);
  return all;
}

bool fake_nccl::is_misused(nccl_communicator c, const char* call) {
  if (c != nullptr && !c->ended) return false;
  misuse_.push_back(std::string(call) + (c == nullptr ? " without a communicator" : " after the communicator's end"));
  return true;
}

nccl_said fake_nccl::scripted(const std::string& call, int rank, nccl_said otherwise) {
  const auto found = failures_.find(call + std::to_string(rank));
  if (found == failures_.end()) return otherwise;
  return failures_.extract(found).mapped();
}

result<gpu_mark> fake_nccl::gpu_of(device& d) {
  const std::lock_guard lock(mutex_);
  const auto found = gpu_of_.find(&d);
  const device* const gpu = found == gpu_of_.end() ? &d : found->second;
  if (gpu == nullptr) return status{errc::invalid_argument, "no GPU's device"};
  gpu_mark mark{};
  std::memcpy(mark.data(), &gpu, sizeof gpu);
  return mark;
}

nccl_said fake_nccl::get_unique_id(nccl_id& id) {
  const std::lock_guard lock(mutex_);
  id.fill(std::byte{++made_ids_});
  return scripted("ncclGetUniqueId", 0, nccl_said::success);
}

nccl_said fake_nccl::init_rank(nccl_communicator& made, int size, const nccl_id& id, int rank, device& on) {
  const std::lock_guard lock(mutex_);
  ids_.push_back(id);
  if (const auto said = scripted("ncclCommInitRankConfig", rank, nccl_said::success); said != nccl_said::success) return said;
  ranks_.push_back(std::make_unique<nccl_rank>(nccl_rank{.rank = rank, .size = size, .id = id, .on = &on}));
  made = ranks_.back().get();
  return nccl_said::in_progress;
}

nccl_said fake_nccl::state(nccl_communicator c) {
  const std::lock_guard lock(mutex_);
  if (is_misused(c, "ncclCommGetAsyncError")) return invalid_usage;
  if (c->error != nccl_said::success) return c->error;
  if (c->late != nccl_said::success && !c->begun.empty() && --c->until_late <= 0) return c->error = c->late;
  if (!c->initialised) {
    const auto met = std::ranges::count_if(ranks_, [&](const auto& r) { return r->id == c->id && !r->ended; });
    if (met < c->size) return nccl_said::in_progress;
  }
  if (c->not_yet > 0) {
    --c->not_yet;
    return nccl_said::in_progress;
  }
  c->initialised = true;
  if (!c->coming.empty()) {
    if (const auto found = late_failures_.find(c->rank); found != late_failures_.end()) c->late = late_failures_.extract(found).mapped();
    c->begun.push_back(std::exchange(c->coming, {}));
  }
  return nccl_said::success;
}

nccl_said fake_nccl::enqueue(nccl_operation what, const nccl_work& work, nccl_communicator c, device& on) {
  const std::lock_guard lock(mutex_);
  if (is_misused(c, "an operation")) return invalid_usage;
  if (!c->initialised || c->finalised || c->not_yet > 0) misuse_.push_back("an operation while another call is under way");
  if (!works_on(*c, on)) misuse_.push_back("an operation on another device");
  if (const auto said = scripted(std::string(name_of(what)), c->rank, nccl_said::success); said != nccl_said::success) return said;
  c->coming.push_back({what, work});
  if (here().depth == 0) return begin(c);
  here().with.push_back(c);
  return nccl_said::success;
}

nccl_said fake_nccl::begin(nccl_communicator c) {
  c->not_yet = questions;
  return nccl_said::in_progress;
}

nccl_said fake_nccl::group_start() {
  const std::lock_guard lock(mutex_);
  ++here().depth;
  ++open_groups_;
  return nccl_said::success;
}

nccl_said fake_nccl::group_end() {
  const std::lock_guard lock(mutex_);
  if (here().depth == 0) misuse_.push_back("ncclGroupEnd without a start");
  --here().depth;
  --open_groups_;
  const auto with = std::exchange(here().with, {});
  if (with.empty()) return nccl_said::success;
  if (const auto said = scripted("ncclGroupEnd", with[0]->rank, nccl_said::success); said != nccl_said::success) return said;
  return begin(with[0]);
}

// The first batch that this rank waits for, if all have begun theirs.
void fake_nccl::run_what_can(nccl_communicator c) {
  const std::size_t which = c->ran;
  std::vector<nccl_communicator> all(static_cast<std::size_t>(c->size));
  for (const auto& r : ranks_)
    if (r->id == c->id && !r->ended && r->begun.size() > which && r->late == nccl_said::success)
      all[static_cast<std::size_t>(r->rank)] = r.get();
  if (stalled_ || std::ranges::find(all, nullptr) != all.end() || ++c->asked < questions) return;
  for (std::size_t i = 0; i < c->begun[which].size(); ++i) {
    std::vector<piece> pieces;
    for (const auto* r : all)
      if (i < r->begun[which].size()) pieces.push_back(r->begun[which][i]);
    if (pieces.size() < all.size() || !agree(pieces)) {
      misuse_.push_back("ranks bring different operations");
      stalled_ = true;
      return;
    }
    run(pieces);
  }
  for (auto* const r : all) {
    ++r->ran;
    r->asked = 0;
  }
}

result<bool> fake_nccl::is_idle(device& on) {
  const std::lock_guard lock(mutex_);
  for (const auto& r : ranks_) {
    if (r->ended || !works_on(*r, on)) continue;
    if (scripted("cudaStreamQuery", r->rank, nccl_said::success) != nccl_said::success)
      return status{errc::unavailable, "CUDA: a broken stream"};
    if (r->ran == r->begun.size()) continue;
    run_what_can(r.get());
    r->waits = r->ran < r->begun.size();
    changed_.notify_all();
    if (r->waits) return false;
  }
  return true;
}

nccl_said fake_nccl::finalize(nccl_communicator c) {
  const std::lock_guard lock(mutex_);
  if (is_misused(c, "ncclCommFinalize")) return invalid_usage;
  if (c->ran < c->begun.size()) misuse_.push_back("ncclCommFinalize while an operation is under way");
  c->finalised = true;
  c->not_yet = questions;
  return scripted("ncclCommFinalize", c->rank, nccl_said::in_progress);
}

nccl_said fake_nccl::destroy(nccl_communicator c) {
  const std::lock_guard lock(mutex_);
  if (is_misused(c, "ncclCommDestroy")) return invalid_usage;
  if (!c->finalised || c->not_yet > 0) misuse_.push_back("ncclCommDestroy before ncclCommFinalize was done");
  c->ended = true;
  ++destroyed_;
  return nccl_said::success;
}

nccl_said fake_nccl::abort(nccl_communicator c) {
  const std::lock_guard lock(mutex_);
  if (is_misused(c, "ncclCommAbort")) return invalid_usage;
  c->ended = true;
  ++aborted_;
  return nccl_said::success;
}

std::string fake_nccl::error_text(nccl_said said, nccl_communicator) {
  return said == cuda_error                ? "unhandled cuda error"
         : said == nccl_said::remote_error ? "remote process exited"
                                           : "error " + std::to_string(static_cast<int>(said));
}

}  // namespace test
}  // namespace argosy
