// What a worker drives: the replica with its device and its rank of the collective, or a fake of them in a test.
// Threads   made anywhere, then used by one thread, the worker's: a device belongs to one thread at a time. What the bank it opened does on
//           the device, it does while the worker waits. Destroyed, when nobody uses it any more, by the thread of its last owner: its
//           worker, or whoever holds what it handed out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "actors/train_step.hpp"
#include "base/clock.hpp"
#include "kernels/devices.hpp"
#include "model/checkpoint.hpp"
#include "model/initial_weights.hpp"
#include "net/collective.hpp"

namespace argosy {

class training_engine {
public:
  virtual ~training_engine() = default;
  virtual int rank() const noexcept = 0;
  virtual std::shared_ptr<abort_handle> aborter() const = 0;
  // Takes the device and its memory, and the state of a checkpoint. The bank is null when the recipe has none; it keeps its device alive.
  virtual result<std::shared_ptr<memory_bank>> open() = 0;
  virtual result<step_result> run(const batch&, const step_plan&, const bank_view&) = 0;
  // All ranks of the group call it. At rank 0 the weights and facts after that many steps, at the others nothing; banks are the caller's.
  virtual result<std::optional<checkpoint_state>> capture(std::uint64_t steps_done) = 0;
};

// Of a node (actors/node_worker.hpp), whose groups come and go.
class node_engine : public training_engine {
public:
  // Another rank among others from now on; `exchanging` says when it is inside an operation of theirs, and outlives the engine. Of several
  // ranks on GPUs all call it, and those that cannot make a group by NCCL say why.
  virtual status regroup(std::unique_ptr<collective>, std::atomic<bool>& exchanging) = 0;
  virtual collective& group() = 0;  // REQUIRES one: open() and regroup() that failed, and open() once more, leave none
  // Weights and moments of a checkpoint.
  virtual status restore(const checkpoint_state&) = 0;
  // With a source, called by all ranks of the group: its weights and moments to all; or where moments are in shards, the weights and moments of
  // whoever holds a shard of those that were, to all. Without one they begin anew: with train.shard_moments each with its shards.
  virtual status share(int source, std::span<const std::int32_t> holders) = 0;
  virtual sharding held() const = 0;  // of the moments
};

struct replica_engine_settings {
  checkpoint_facts facts;  // steps_done is that of `resume`, or 0
  std::function<result<std::unique_ptr<device>>()> make_device;
  std::shared_ptr<const checkpoint_state> resume;
  std::shared_ptr<const initial_weights> initial = nullptr;  // of what begins
  bool of_node = false;                                      // whose moments in shards come with its group
  bool gpu_each = false;  // on devices that are GPUs: no other rank has this one (actors/worker_places.hpp)
  std::function<result<nccl_calls*>()> nccl = open_nccl;
};

// The clock outlives the engine.
std::shared_ptr<node_engine> make_replica_engine(replica_engine_settings, std::unique_ptr<collective>, const clock_source&);

}  // namespace argosy
