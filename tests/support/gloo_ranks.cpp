#include "tests/support/gloo_ranks.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <optional>
#include <thread>

namespace argosy::test {
namespace {

constexpr std::chrono::seconds to_meet{60};

int mark = -1;  // of a child

std::string read_some(int from) {
  char held[1024];
  const ssize_t got = ::read(from, held, sizeof held);
  return got > 0 ? std::string(held, static_cast<std::size_t>(got)) : std::string();
}

void say(int to, const std::string& text) { static_cast<void>(!::write(to, text.data(), text.size())); }

// A child's life: its address out, all addresses in, the work, its end out.
void live(int rank, int size, int out, int in, const gloo_processes::work& work) {
  auto member = gloo_member::open({.rank = rank, .size = size});
  if (!member.ok()) return say(out, member.failure().text());
  say(out, member->address());
  std::vector<std::string> all(static_cast<std::size_t>(size));
  for (std::string& one : all) {
    char letter = 0;
    while (::read(in, &letter, 1) == 1 && letter != '\n') one += letter;
  }
  auto group = member->connect(all, to_meet);
  say(out, group.ok() ? work(**group).text() : group.failure().text());
}

}  // namespace

std::vector<std::unique_ptr<collective>> make_gloo_group(int size, const node_credentials& with, std::chrono::milliseconds patience) {
  std::vector<gloo_member> members;
  std::vector<std::string> addresses;
  for (int r = 0; r < size; ++r) {
    auto one = gloo_member::open({.rank = r, .size = size, .credentials = with, .patience = patience});
    BOOST_REQUIRE_MESSAGE(one.ok(), one.failure().text());
    addresses.push_back(one->address());
    members.push_back(std::move(*one));
  }
  std::vector<std::unique_ptr<collective>> group(members.size());
  std::vector<status> ends(members.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t r = 0; r < members.size(); ++r)
      threads.emplace_back([&, r] {
        auto met = members[r].connect(addresses, to_meet);
        ends[r] = met.failure();
        if (met.ok()) group[r] = std::move(*met);
      });
  }
  for (const status& end : ends) BOOST_REQUIRE_MESSAGE(end.ok(), end.text());
  return group;
}

gloo_processes::gloo_processes(int size, const work& what) {
  std::vector<int> to;
  for (int r = 0; r < size; ++r) {
    int out[2], in[2], marks[2];
    BOOST_REQUIRE(::pipe(out) == 0 && ::pipe(in) == 0 && ::pipe(marks) == 0);
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      ::close(out[0]);
      ::close(in[1]);
      mark = marks[1];
      live(r, size, out[1], in[0], what);
      ::_exit(0);
    }
    ::close(out[1]);
    ::close(in[0]);
    ::close(marks[1]);
    ids_.push_back(child);
    from_.push_back(out[0]);
    marks_.push_back(marks[0]);
    to.push_back(in[1]);
  }
  std::string addresses;
  for (const int from : from_) addresses += read_some(from) + "\n";
  for (const int one : to) {
    say(one, addresses);
    ::close(one);
  }
}

gloo_processes::~gloo_processes() {
  for (std::size_t r = 0; r < ids_.size(); ++r) {
    if (ids_[r] > 0) {
      ::kill(ids_[r], SIGKILL);
      ::waitpid(ids_[r], nullptr, 0);
    }
    ::close(from_[r]);
    ::close(marks_[r]);
  }
}

std::string gloo_processes::end_of(int rank) {
  const auto r = static_cast<std::size_t>(rank);
  const std::string said = read_some(from_[r]);
  int how = 0;
  BOOST_REQUIRE(::waitpid(ids_[r], &how, 0) == ids_[r]);
  ids_[r] = -1;
  return WIFSIGNALED(how) ? "killed" : said;
}

void gloo_processes::wait_until_reached(int rank) {
  char one = 0;
  BOOST_REQUIRE(::read(marks_[static_cast<std::size_t>(rank)], &one, 1) == 1);
}

void gloo_processes::reached() { say(mark, "."); }

}  // namespace argosy::test
