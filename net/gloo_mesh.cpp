#include "net/gloo_mesh.hpp"

#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>
#include <utility>

namespace argosy::over_gloo {
namespace {

// All buffers of a mesh are of that class.
void tell(const gloo::WeakNonOwningPtr<tcp::UnboundBuffer>& whom, const std::exception_ptr& why) {
  const gloo::NonOwningPtr<tcp::UnboundBuffer> there(whom);
  if (there) static_cast<buffer*>(there.operator->())->fail(why);
}

thread_local bool is_gloos_thread = false;

std::string text_of(const std::exception_ptr& of) {
  try {
    std::rethrow_exception(of);
  } catch (const std::exception& why) {
    return why.what();
  }
}

}  // namespace

std::shared_ptr<tcp::Device> shared_device() {
  static std::mutex mutex;
  static std::weak_ptr<tcp::Device> known;
  const std::lock_guard lock(mutex);
  if (auto device = known.lock()) return device;
  struct sigaction now {};
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL)
    std::signal(SIGPIPE, SIG_IGN);  // Gloo writes with writev
  std::random_device random;
  const auto byte = [&] { return std::to_string(1 + random() % 254); };
  const std::string host = "127." + byte() + "." + byte() + "." + byte();
  auto device = std::make_shared<tcp::Device>(tcp::CreateDeviceAttr(tcp::attr(host.c_str())));
  known = device;
  return device;
}

void waiting_list::set(those who) {
  const std::lock_guard lock(mutex_);
  who_ = std::move(who);
}

void waiting_list::lost(int rank, const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (!loss_.ok()) return;
  loss_ = {errc::aborted, rank_text(rank) + ": " + why};
  for (const auto& each : who_) tell(each, std::make_exception_ptr(gloo::IoException(loss_.message())));
}

status waiting_list::loss() const {
  const std::lock_guard lock(mutex_);
  return loss_;
}

proved_pair::proved_pair(tcp::Context* context, tcp::Device* device, int rank, std::chrono::milliseconds patience, waiting_list& waiting)
    : Pair(context, device, rank, patience), waiting_(&waiting) {
  const std::lock_guard lock(m_);
  throwIfException();
  device_->unregisterDescriptor(fd_, this);
  ::close(fd_);
  fd_ = -1;
  state_ = INITIALIZING;
}

proved_pair::~proved_pair() {
  const std::lock_guard lock(m_);
  if (state_ != CLOSED) proved_pair::changeState(CLOSED);
}

void proved_pair::adopt(int socket) {
  const std::lock_guard lock(m_);
  fd_ = socket;
  try {
    handleConnected();
  } catch (...) {
    ::close(fd_);
    fd_ = -1;
    throw;
  }
}

void proved_pair::expect_farewell(const buffer& in) {
  const std::lock_guard lock(m_);
  farewell_ = in.weak();
}

void proved_pair::handleEvents(int events) {
  is_gloos_thread = true;
  if (!m_.try_lock()) return std::this_thread::yield();  // Gloo would come back at once, and keep a processor from who holds it
  m_.unlock();
  try {
    Pair::handleEvents(events);
  } catch (const std::exception& why) {
    // Who holds the lock may wait for this thread; it is called again.
    const std::unique_lock lock(m_, std::try_to_lock);
    if (lock && ex_ == nullptr) signalException(why.what());
  }
}

void proved_pair::changeState(state next) noexcept {
  if (next == CLOSED && state_ != CLOSED) tell_who_waits();
  Pair::changeState(next);
}

void proved_pair::tell_who_waits() noexcept {
  const auto why = ex_ != nullptr ? ex_ : std::make_exception_ptr(gloo::IoException("connection closed"));
  tell(rx_.ubuf, why);
  for (const tcp::Op& op : tx_) tell(op.ubuf, why);
  if (is_gloos_thread && !said_farewell()) waiting_->lost(rank_, text_of(why));
}

bool proved_pair::said_farewell() const {
  const gloo::NonOwningPtr<tcp::UnboundBuffer> there(farewell_);
  return there && static_cast<buffer*>(there.operator->())->has_received();
}

}  // namespace argosy::over_gloo
