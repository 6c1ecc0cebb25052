#include "actors/worker_places.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/support/status.hpp"

namespace argosy {
namespace {

using names = std::vector<std::string>;

void check_placed(const worker_places& found, const names& device_of, bool gpu_each) {
  BOOST_TEST(found.device_of == device_of, boost::test_tools::per_element());
  BOOST_TEST(found.gpu_each == gpu_each);
}

BOOST_AUTO_TEST_SUITE(places_of_workers)

BOOST_AUTO_TEST_CASE(workers_have_a_gpu_each_where_there_are_as_many) {
  check_placed(place_workers("cuda", 2, 2), {"cuda:0", "cuda:1"}, true);
  check_placed(place_workers("cuda", 2, 8), {"cuda:0", "cuda:1"}, true);
  check_placed(place_workers("cuda", 3, 2), {"cuda", "cuda", "cuda"}, false);
  check_placed(place_workers("cuda", 2, 1), {"cuda", "cuda"}, false);
}

BOOST_AUTO_TEST_CASE(one_worker_a_named_gpu_and_the_cpu_stay_what_they_are) {
  check_placed(place_workers("cuda", 1, 8), {"cuda"}, false);
  check_placed(place_workers("cuda:1", 2, 8), {"cuda:1", "cuda:1"}, false);
  check_placed(place_workers("cuda:0", 2, 8), {"cuda:0", "cuda:0"}, false);
  check_placed(place_workers("cpu", 2, 8), {"cpu", "cpu"}, false);
}

BOOST_AUTO_TEST_CASE(what_is_said_of_it) {
  BOOST_TEST(text_of(place_workers("cuda", 2, 2)) == "2 workers on cuda:0, cuda:1");
  BOOST_TEST(text_of(place_workers("cuda", 2, 1)) == "2 workers share cuda");
  BOOST_TEST(text_of(place_workers("cuda:1", 1, 2)) == "1 worker on cuda:1");
}

BOOST_AUTO_TEST_CASE(the_exchange_follows_from_the_device_and_who_shares_it) {
  BOOST_TEST((exchange_of(true, 4, false) == exchange_way::by_host));
  BOOST_TEST((exchange_of(true, 4, true) == exchange_way::by_host));
  BOOST_TEST((exchange_of(false, 4, false) == exchange_way::by_memory));
  BOOST_TEST((exchange_of(false, 1, true) == exchange_way::by_memory));
  BOOST_TEST((exchange_of(false, 2, true) == exchange_way::by_nccl));
}

BOOST_AUTO_TEST_CASE(a_node_is_refused_that_its_group_could_not_exchange_with) {
  const status none(errc::unavailable, "NCCL: libnccl.so.2: no such file");
  test::check_ok(check_node_device("cpu", "cpu", none));
  test::check_ok(check_node_device("cuda", "cuda", {}));
  test::check_ok(check_node_device("cuda:3", "cuda", {}));
  test::check_refused(check_node_device("cuda", "cuda:1", none), errc::unavailable, {"device cuda", "by NCCL", "libnccl.so.2"});
  test::check_refused(check_node_device("cuda", "cpu", {}), errc::invalid_argument, {"--device cuda", "train.device = \"cpu\""});
  test::check_refused(check_node_device("cpu", "cuda:1", {}), errc::invalid_argument, {"--device cpu", "train.device = \"cuda:1\""});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
