// What each step does: a pure function of its number. method.md, sections 4 and 5.
//   rate   climbs linearly to its peak over the first `warmup` of all steps and falls linearly to 0 at the last one
//   phase  the bank from bank_start on; products of all devices from cross_device_start on (arXiv 2304.04377, section 2.2: after 50 %)
#pragma once

#include <cstdint>
#include <string_view>

#include "model/recipe.hpp"

namespace argosy {

enum class phase : std::uint8_t { in_batch, bank, cross_device, cross_device_and_bank };
std::string_view name_of(phase) noexcept;
constexpr bool uses_bank(phase p) noexcept { return p == phase::bank || p == phase::cross_device_and_bank; }
constexpr bool crosses_devices(phase p) noexcept { return p == phase::cross_device || p == phase::cross_device_and_bank; }

struct step_plan {
  std::uint64_t step = 0;  // from 0
  std::uint64_t of = 0;    // all steps
  argosy::phase phase = phase::in_batch;
  double rate = 0;
};

// Rate of step i (from 0): f = (i + 1) / of; peak * f / warmup while f <= warmup, then peak * (1 - f) / (1 - warmup).
double rate_at(const optimiser_recipe&, std::uint64_t step, std::uint64_t of) noexcept;
step_plan plan_step(const recipe&, std::uint64_t step, std::uint64_t of) noexcept;

}  // namespace argosy
