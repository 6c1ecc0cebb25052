// Tensors in the memory of devices, exchanged by the devices, beside the exchange of the host.
#include "net/on_device.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <thread>

#include "tests/support/compare.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

using namespace test;

struct member {
  std::unique_ptr<device> on = make_cpu_device(1);
  std::unique_ptr<collective> group;
};

std::vector<status> on_all(int size, const std::function<status(collective&)>& work) {
  auto host = make_in_process_group(size);
  std::vector<member> members(host.size());
  std::vector<status> ends(host.size());
  std::vector<std::jthread> threads;
  for (std::size_t r = 0; r < host.size(); ++r) {
    members[r].group = make_device_group(std::move(host[r]), *members[r].on);
    threads.emplace_back([&, r] { ends[r] = work(*members[r].group); });
  }
  threads.clear();
  return ends;
}

void check_all_ok(const std::vector<status>& ends) {
  for (const status& end : ends) BOOST_TEST(end.ok(), end.text());
}

auto of_rank(int rank) { return normals(static_cast<std::uint32_t>(rank + 1)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(on_device)

BOOST_AUTO_TEST_CASE(sums_are_taken_in_the_order_of_the_ranks) {
  for (const std::int64_t cols : {1, 2, 7, 64})
    for (const int size : {1, 2, 3, 4})
      check_all_ok(on_all(size, [&](collective& c) -> status {
        twin x(3, cols, of_rank(c.rank()), 2);
        std::vector<float> want(static_cast<std::size_t>(3 * cols));
        for (int r = 0; r < size; ++r)
          for (std::size_t i = 0; i < want.size(); ++i) {
            const auto value = static_cast<float>(of_rank(r)(static_cast<std::int64_t>(i)));
            want[i] = r == 0 ? value : want[i] + value;
          }
        for (int times = 0; times < 2; ++times) {
          twin again(3, cols, of_rank(c.rank()), 2);
          ARGOSY_TRY(c.all_reduce(again.f32()));
          for (std::int64_t i = 0; i < 3 * cols; ++i)
            if (again.f32().row<float>(i / cols)[i % cols] != want[static_cast<std::size_t>(i)] || !again.gaps_untouched())
              return {errc::internal, "element " + std::to_string(i)};
        }
        return {};
      }));
}

BOOST_AUTO_TEST_CASE(uneven_rows_are_gathered_and_their_gradients_scattered) {
  const std::vector<std::int64_t> rows_of{2, 0, 3};
  check_all_ok(on_all(3, [&](collective& c) -> status {
    const auto mine_rows = rows_of[static_cast<std::size_t>(c.rank())];
    twin mine(mine_rows, 4, of_rank(c.rank()), 1), all(5, 4, constant(9)), back(mine_rows, 4, constant(9), 3);
    ARGOSY_TRY(c.all_gather(mine.f32(), rows_of, all.f32()));
    std::int64_t row = 0;
    for (int r = 0; r < 3; ++r)
      for (std::int64_t i = 0; i < rows_of[static_cast<std::size_t>(r)]; ++i, ++row)
        for (std::int64_t k = 0; k < 4; ++k)
          if (all.f32().row<float>(row)[k] != static_cast<float>(of_rank(r)(i * 4 + k)))
            return {errc::internal, "row " + std::to_string(row)};
    ARGOSY_TRY(c.reduce_scatter(all.f32(), rows_of, back.f32()));
    for (std::int64_t i = 0; i < mine_rows; ++i)
      for (std::int64_t k = 0; k < 4; ++k)
        if (std::abs(back.f32().row<float>(i)[k] - 3 * mine.f32().row<float>(i)[k]) > 1e-6f)
          return {errc::internal, "sum " + std::to_string(i)};
    return back.gaps_untouched() ? status{} : status{errc::internal, "gaps"};
  }));
}

BOOST_AUTO_TEST_CASE(a_broadcast_and_numbers_of_the_host) {
  check_all_ok(on_all(3, [&](collective& c) -> status {
    twin x(2, 3, of_rank(c.rank()));
    ARGOSY_TRY(c.broadcast(x.f32(), 1));
    for (std::int64_t i = 0; i < 6; ++i)
      if (x.f32().as<float>()[i] != static_cast<float>(of_rank(1)(i))) return {errc::internal, "element " + std::to_string(i)};
    double number = c.rank() + 1;
    ARGOSY_TRY(c.all_reduce(view_of(&number, 1, 1)));
    return number == 6 ? status{} : status{errc::internal, std::to_string(number)};
  }));
}

BOOST_AUTO_TEST_CASE(shapes_that_disagree_are_refused_on_all_ranks) {
  const auto ends = on_all(3, [&](collective& c) -> status {
    twin x(2, c.rank() == 1 ? 3 : 4, constant(1));
    return c.all_reduce(x.f32());
  });
  for (const status& end : ends) BOOST_TEST((end.code() == errc::shape_mismatch), end.text());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
