// The part of the HTTP endpoint that changes products, of a server that writes. JSON: search/product_edit.hpp.
//   PUT    /v1/products/ID   a product: 201 where it is new, else 200
//   PATCH  /v1/products/ID   fields of it: 200
//   DELETE /v1/products/ID   204
//   POST   /v1/products      JSON lines of changes: 200, and a line of JSON for each, in order: {"line", "id", "code"} and what follows
//   POST   /v1/compact       makes what has changed part of the index (docs/changes.md): 202 and what it begins with, {"compaction":
//                            "begun", "generation", "put", "gone"}; 200 {"compaction": "unchanged", ..}; 409 one runs, or no product is left
// Answers {"id", "outcome": created, replaced, changed or removed}, or {"error"}: 400 what is wrong and where, 404 no such product, 409 the
// generation cannot give what a patch needs, 503 the disk or the store refused: it may be tried again. A change that is answered is on the
// disk, and every search that is asked after the answer is of it; answers of the pair table go on without what was added (docs/changes.md).
// Without keys a web page may not change products: 403 for an Origin that is another than the server's, and for a Host that is not this machine.
// Too many that wait: 429 with Retry-After.
// Threads   the server's; answers leave from the change actor's.
#pragma once

#include <string>
#include <string_view>

#include "actors/serving.hpp"
#include "net/http_server.hpp"

namespace argosy {

inline constexpr std::string_view compact_path = "/v1/compact";

inline constexpr std::size_t most_change_bytes = 8u << 20;  // ours, of a body: some photographs, or tens of thousands of prices

inline constexpr std::size_t most_change_lines = 20'000;  // ours: what a batch takes of time and memory stays bounded

// Whether the method changes the products of a path, where the server writes: one product's, or with `batch` those of /v1/products, or all.
bool is_change(std::string_view method, bool batch) noexcept;
// What such a path answers another method with: 405, with what is allowed.
http_reply refuse_method(const serving&, std::string_view method, bool batch);
// REQUIRES is_change() and a serving that writes. `id`: empty for a batch. `keyed`: it came with a key, which no page of elsewhere has.
void take_change(serving&, const http_request&, std::string id, bool keyed, http_exchange);
// The same for POST of compact_path.
void take_compaction(serving&, const http_request&, bool keyed, http_exchange);

}  // namespace argosy
