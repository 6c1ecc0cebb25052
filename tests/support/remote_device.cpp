#include "tests/support/remote_device.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "tests/support/forwarding_device.hpp"

namespace argosy::test {
namespace {

// What the device gave and has not got back; shared with the deleters of that memory.
class ranges {
public:
  void add(const std::byte* at, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    end_of_[at] = at + bytes;
  }
  void remove(const std::byte* at) {
    const std::lock_guard lock(mutex_);
    end_of_.erase(at);
  }
  bool hold(const void* at) {
    const std::lock_guard lock(mutex_);
    auto found = end_of_.upper_bound(static_cast<const std::byte*>(at));
    return found != end_of_.begin() && at < (--found)->second;
  }

private:
  std::mutex mutex_;
  std::map<const std::byte*, const std::byte*> end_of_;
};

class copied_views final : public view_changer {
public:
  explicit copied_views(device& far) : far_(&far) {}

  const_view read(const_view v) override { return copied({const_cast<void*>(v.data), v.type, v.rows, v.cols, v.stride}, false); }
  view written(view v) override { return copied(v, true); }

  status called() override {
    status ended;
    for (const copy& c : copies_) {
      if (!c.goes_back || c.host.empty()) continue;
      std::vector<std::byte> rows(bytes_of(c.host));
      if (const status got = far_->download(c.far, rows.data()); !got.ok()) ended = got;
      for_rows(c.host, [&](std::byte* row, std::size_t at, std::size_t bytes) { std::copy_n(rows.data() + at, bytes, row); });
    }
    copies_.clear();
    return ended;
  }

  result<std::shared_ptr<std::byte>> allocate(std::size_t bytes) override {
    ARGOSY_ASSIGN(const std::shared_ptr<std::byte> memory, far_->allocate(bytes));
    given_->add(memory.get(), std::max<std::size_t>(bytes, 1));
    return std::shared_ptr<std::byte>(memory.get(), [memory, given = given_](std::byte* at) { given->remove(at); });
  }
  result<std::unique_ptr<work_mark>> mark() override { return far_->mark(); }
  result<device*> beside() override { return far_->beside(); }  // for what is in its memory

private:
  struct copy {
    view host, far;
    std::shared_ptr<std::byte> memory;
    bool goes_back;
  };

  static std::size_t bytes_of(const view& v) { return static_cast<std::size_t>(v.rows * v.cols) * size_of(v.type); }

  template <class Body>
  static void for_rows(const view& v, Body body) {
    const std::size_t a_row = static_cast<std::size_t>(v.cols) * size_of(v.type);
    for (std::int64_t r = 0; r < v.rows; ++r)
      body(static_cast<std::byte*>(v.row_range(r, 1).data), static_cast<std::size_t>(r) * a_row, a_row);
  }

  // A matrix that is read and written by one call is copied once.
  view copied(view v, bool goes_back) {
    if (given_->hold(v.data)) return v;
    for (copy& c : copies_) {
      if (c.host.data != v.data) continue;
      ARGOSY_CHECK(c.host.is(v.rows, v.cols));
      c.goes_back |= goes_back;
      return c.far;
    }
    // Rows a little apart, as the host's are.
    const std::int64_t stride = v.rows > 1 ? v.stride : v.cols;
    auto memory = far_->allocate(static_cast<std::size_t>(v.rows * stride) * size_of(v.type));
    ARGOSY_CHECK(memory.ok());
    const view far{memory->get(), v.type, v.rows, v.cols, stride};
    std::vector<std::byte> rows(bytes_of(v));
    for_rows(v, [&](const std::byte* row, std::size_t at, std::size_t bytes) { std::copy_n(row, bytes, rows.data() + at); });
    ARGOSY_CHECK(far_->upload(rows.data(), far).ok());
    copies_.push_back({v, far, *memory, goes_back});
    return far;
  }

  device* far_;
  std::shared_ptr<ranges> given_ = std::make_shared<ranges>();
  std::vector<copy> copies_;
};

}  // namespace

std::unique_ptr<device> make_remote_device(std::unique_ptr<device> far) {
  auto views = std::make_unique<copied_views>(*far);
  return make_forwarding_device(std::move(far), std::move(views));
}

}  // namespace argosy::test
