// Requests to change products, between the endpoints and the change actor: as they came, so that nobody but the actor reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/bounded_queue.hpp"
#include "base/status.hpp"
#include "search/product_writer.hpp"

namespace argosy {

struct change_answer {
  std::uint64_t line = 0;  // of a batch, from 1
  std::string id;          // empty where it could not be read
  result<edit_outcome> outcome;
};

struct change_request {
  enum class what { put, patch, remove, lines };
  what verb = what::lines;
  std::string id;                                                    // of all but lines
  std::string body;                                                  // search/product_edit.hpp; of all but remove
  std::function<void(const std::vector<change_answer>&)> tell = {};  // once; neither blocks nor throws. One answer, or one a line
};

// Bounded by the bytes that wait.
using change_queue = bounded_queue<change_request>;

}  // namespace argosy
