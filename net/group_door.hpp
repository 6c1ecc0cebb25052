// How the members of a group find each other, over TCP: each listens at an address of its own, and connects to the ranks below it.
//     address   text that a member gives to whoever forms the group: where it listens, and a secret made for this group alone
//     meet      both sides of a connection prove that they know the secrets of all members, in the same order (HMAC-SHA256 over what both have
//               just drawn); who proves nothing learns nothing and is closed
// A stranger may connect, and send or keep silent, as it likes: it is not taken for a member, and never reaches more than this class. A
// flood of them may keep members from meeting in time, nothing else; once they have met, nobody listens any more.
// The addresses are as secret as the road by which they travel.
// Between machines `node_credentials` are needed: members then reach each other through tunnels (net/tls_tunnel.hpp), which live as long as this.
// Threads   meet by one; stop from any.
// Errors    invalid_argument: an address that is none, or none of this machine without credentials; io_error: of the operating system;
//           aborted: stopped, or members that did not come in time, each named with the last reason.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "net/agreement.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

class group_door {
public:
  // At any free port of `host`, an address in numbers.
  static result<std::unique_ptr<group_door>> open(place_in_group, const std::string& host, const node_credentials& = {});
  ~group_door();
  const std::string& address() const noexcept;
  // The connected sockets by rank, -1 in this rank's own place; the caller closes them. Nobody listens afterwards, whatever came of it.
  result<std::vector<int>> meet(std::span<const std::string> addresses, std::chrono::milliseconds within);
  // Ends a meeting, now or later.
  void stop() noexcept;

private:
  struct impl;
  explicit group_door(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy
