// Collectives between processes, over Gloo's TCP transport.
//     auto member = gloo_member::open({rank, size});              // listens
//     ... member->address() to all, by whoever forms the group ...
//     auto group = member->connect(addresses_of_all, 30s);        // a collective
// Gloo (facebookincubator/gloo) moves the bytes: its pairs, buffers and event loop, one thread a process. Which rank sends what to whom is
// decided here, because Gloo's own ring sums in another order on another number of ranks, and its sums by halves want even rows. Every
// operation begins with a round of proposals (net/agreement.hpp), since bytes for which a rank has no place would end its process;
// then each part travels straight from the rank that has it to the rank that needs it, so all_reduce sends what a ring sends, in two rounds.
// Who is a member is decided by net/group_door.hpp before Gloo sees a connection: Gloo by itself takes the first who connects.
// Errors   as net/collective.hpp says; `aborted` names the rank whose connection ended. A rank that is stopped, not dead, ends nothing: somebody
//          who watches it calls abort(), and the others find their connections closed; `patience` is the last resort.
// Threads  as net/collective.hpp says. SIGPIPE is ignored by the process from the first member on, unless it has a handler.
// Cost     per rank, of n ranks and b bytes: all_reduce 2 b (n-1)/n sent and received and b memory; broadcast the same.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "net/collective.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

struct gloo_place {
  int rank = 0, size = 1;
  std::string host = "127.0.0.1";                   // in numbers; another machine's members reach it, which needs credentials
  node_credentials credentials{};                   // none: all members are on this machine
  std::chrono::milliseconds patience{30 * 60'000};  // without a byte of what is waited for
};

// A member that listens, and has not met the others.
class gloo_member {
public:
  static result<gloo_member> open(const gloo_place&);
  gloo_member(gloo_member&&) noexcept;
  gloo_member& operator=(gloo_member&&) noexcept;
  ~gloo_member();
  // Where it listens and what it proves itself with: for the other members, and a secret to all others.
  const std::string& address() const noexcept;
  // Of its meeting, and of the group that comes of it.
  std::shared_ptr<abort_handle> aborter() const;
  // With the addresses of all ranks, its own too; once.
  result<std::unique_ptr<collective>> connect(std::span<const std::string> addresses, std::chrono::milliseconds within);

private:
  struct impl;
  explicit gloo_member(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy
