#include "tools/process_ranks.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "net/gloo_group.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace {

constexpr std::chrono::seconds to_meet{30};

bool say(int to, const std::string& address) {
  const std::string line = address + "\n";
  return ::send(to, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
}

std::string hear(int from) {
  std::string line;
  for (char letter = 0; ::read(from, &letter, 1) == 1 && letter != '\n';) line += letter;
  return line;
}

struct child {
  pid_t id = -1;
  descriptor talk;
};

// Waits for those that end by themselves, because rank 0 has left their group.
class children {
public:
  ~children() {
    for (child& each : all) {
      each.talk = descriptor();
      ::waitpid(each.id, nullptr, 0);
    }
  }
  std::vector<child> all;
};

void live(int rank, int size, int talk, const node_credentials& with, const std::function<status(collective&)>& work) {
  auto member = gloo_member::open({.rank = rank, .size = size, .credentials = with});
  if (!member.ok() || !say(talk, member->address())) return;
  std::vector<std::string> addresses;
  for (int r = 0; r < size; ++r) addresses.push_back(hear(talk));
  const auto group = member->connect(addresses, to_meet);
  if (group.ok()) static_cast<void>(work(**group).ok());  // rank 0 hears of it
}

result<child> fork_rank(int rank, int size, const node_credentials& with, const std::function<status(collective&)>& work) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return status(errc::io_error, std::string("socketpair: ") + std::strerror(errno));
  child made{.talk = descriptor(ends[0])};
  descriptor other(ends[1]);
  made.id = ::fork();
  if (made.id < 0) return status(errc::io_error, std::string("fork: ") + std::strerror(errno));
  if (made.id == 0) {
    made.talk = descriptor();
    live(rank, size, other.get(), with, work);
    ::_exit(0);
  }
  return made;
}

}  // namespace

status run_ranks(int size, const node_credentials& with, const std::function<status(collective&)>& work) {
  children others;
  for (int r = 1; r < size; ++r) {
    ARGOSY_ASSIGN(child made, fork_rank(r, size, with, work));
    others.all.push_back(std::move(made));
  }
  ARGOSY_ASSIGN(gloo_member own, gloo_member::open({.rank = 0, .size = size, .credentials = with}));
  std::vector<std::string> addresses{own.address()};
  for (const child& each : others.all) addresses.push_back(hear(each.talk.get()));
  for (const child& each : others.all)
    for (const std::string& one : addresses)
      if (!say(each.talk.get(), one)) return {errc::io_error, "a rank has ended before its group was there"};
  ARGOSY_ASSIGN(const auto group, own.connect(addresses, to_meet));
  return work(*group);
}

}  // namespace argosy
