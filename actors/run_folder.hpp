// Where a run starts: at the beginning, in a folder without checkpoints; or, resumed, after the newest checkpoint that verifies. A run that
// was killed before its first checkpoint resumes at the beginning.
// Refusals   a sealed folder; the folder of a job of many nodes whose coordinator lives; a folder that holds checkpoints, when not resumed; checkpoints of which none verifies; a checkpoint of other
//            data, of another number of workers, or of a recipe that differs in anything but [checkpoint] and train's threads, device,
//            bucket_kib and shard_moments: the message says what differs.
#pragma once

#include <cstdint>
#include <memory>

#include "actors/training.hpp"
#include "model/checkpoint.hpp"
#include "model/initial_weights.hpp"

namespace argosy {

// What a checkpoint of this job says about it, before any step.
checkpoint_facts facts_of(const training_job&);

// The checkpoint to go on from; null: from the beginning.
result<std::shared_ptr<const checkpoint_state>> starting_point(const training_job&);

// What a run that begins starts its encoders from; null: the job names nothing. Refused when they do not fit the recipe and the data.
result<std::shared_ptr<const initial_weights>> initial_weights_of(const training_job&);

// Whether a run of `now` may go on from a checkpoint of `then`.
status check_same_run(const checkpoint_facts& then, const checkpoint_facts& now);

}  // namespace argosy
