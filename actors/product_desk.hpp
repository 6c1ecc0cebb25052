// The products of a server, one at a time, and their photographs. Answers on a thread of its own: it reads files, which the server's must not.
//   product ID  {"generation", "id", "title", "image", "fields": {NAME: [value, ..]}, "weights": {"title", "image"}}; a value is a number where
//               the catalogue has one. Of a generation published before fields were kept "fields" is null and "not_kept" says so; "weights" are
//               of modal adaptation, and absent where they are not known. 404 where there is no such product.
//   image ID    the photograph's bytes as they are in the folder or tar; 404 that says why there is none
// What is told apart by its first bytes as JPEG, PNG or WebP is answered, nothing else: a folder may hold pages and scripts too.
// Threads   any. More than `waiting` that wait are answered 429.
// Ending    whoever starts it ends it, after the server that asks it: an answer may let go of all else that is asked through, on its thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "actors/serving.hpp"
#include "net/http_server.hpp"

namespace argosy {

class image_source;  // data/records.hpp

class product_desk {
public:
  static constexpr std::size_t waiting = 1024;  // ours
  using answer_to = std::function<void(http_reply)>;

  // The serving outlives it. `images` null: none. unavailable when the system gives no thread.
  static result<std::unique_ptr<product_desk>> start(const serving&, std::shared_ptr<const image_source> images);
  // What waits is let go of without an answer.
  ~product_desk();

  void product(std::string id, answer_to);
  void image(std::string id, answer_to);

private:
  struct errand {
    std::function<result<http_reply>()> reply;
    answer_to to;
  };
  product_desk(const serving& of, std::shared_ptr<const image_source> images) : of_(&of), images_(std::move(images)) {}
  void work();
  void take(errand);
  result<http_reply> product_reply(const std::string& id);
  result<http_reply> image_reply(const std::string& id) const;

  const serving* of_;
  std::shared_ptr<const image_source> images_;
  std::mutex lock_;  // for what follows
  std::condition_variable changed_;
  std::deque<errand> errands_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace argosy
