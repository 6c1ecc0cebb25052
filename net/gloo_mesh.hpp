// Gloo's connections between the ranks of a group, over sockets that have been proved already (net/group_door.hpp). Of net/gloo_group.cpp alone.
// Threads   Gloo's own calls the pairs; whoever uses a mesh calls it from any other.
#pragma once

#include <gloo/transport/tcp/context.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/transport/tcp/pair.h>
#include <gloo/transport/tcp/unbound_buffer.h>

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/agreement.hpp"

namespace argosy::over_gloo {

namespace tcp = gloo::transport::tcp;

// One a process, while it has groups: a thread, which wakes a hundred times a second.
// Every pair listens for a moment when it is made, at an address of this machine that nobody can guess in time.
std::shared_ptr<tcp::Device> shared_device();

class buffer final : public tcp::UnboundBuffer {
public:
  using UnboundBuffer::UnboundBuffer;
  void fail(const std::exception_ptr& why) { signalException(why); }
  bool has_received() {
    const std::lock_guard lock(m_);
    return recvCompletions_ > 0;
  }
  gloo::WeakNonOwningPtr<tcp::UnboundBuffer> weak() const { return getWeakNonOwningPtr(); }
};

// Who waits for anybody of the group, and whom it has lost first.
class waiting_list {
public:
  using those = std::vector<gloo::WeakNonOwningPtr<tcp::UnboundBuffer>>;  // each a buffer
  void set(those who);
  void lost(int rank, const std::string& why);
  status loss() const;

private:
  mutable std::mutex mutex_;
  those who_;
  status loss_;
};

// Gloo's pair over a connection that is there already. Mends some of its ways: it does not listen; an exception in Gloo's thread
// (bytes that make no sense) ends the pair, not the process; who waits for a message of which a part has come is told when the pair ends, and so
// is who waits for another rank, unless this one said farewell before.
class proved_pair final : public tcp::Pair {
public:
  proved_pair(tcp::Context*, tcp::Device*, int rank, std::chrono::milliseconds patience, waiting_list&);
  ~proved_pair() override;

  // Owns the socket, whatever comes of it.
  void adopt(int socket);
  // Where its farewell is received.
  void expect_farewell(const buffer& in);
  void cut(const std::string& why) { signalExceptionExternal(why); }

  void handleEvents(int events) override;

protected:
  void changeState(state next) noexcept override;

private:
  void tell_who_waits() noexcept;
  bool said_farewell() const;

  waiting_list* waiting_;
  gloo::WeakNonOwningPtr<tcp::UnboundBuffer> farewell_;
};

class mesh final : public tcp::Context {
public:
  mesh(std::shared_ptr<tcp::Device> device, place_in_group at, std::chrono::milliseconds patience)
      : Context(std::move(device), at.rank, at.size) {
    setTimeout(patience);
    for (int r = 0; r < at.size; ++r)
      if (r != at.rank) pairs_[static_cast<std::size_t>(r)] = std::make_unique<proved_pair>(this, device_.get(), r, patience, waiting);
  }
  ~mesh() override { pairs_.clear(); }  // they know `waiting`

  waiting_list waiting;

  proved_pair& pair(int of) { return static_cast<proved_pair&>(*pairs_[static_cast<std::size_t>(of)]); }
  // From any thread but Gloo's.
  void cut(const std::string& why) {
    for (int r = 0; r < size; ++r)
      if (r != rank) pair(r).cut(why);
  }
};

}  // namespace argosy::over_gloo
