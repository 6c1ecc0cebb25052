#include "net/host_and_port.hpp"

#include <boost/test/unit_test.hpp>

namespace argosy {
namespace {

BOOST_AUTO_TEST_SUITE(hosts_and_ports)

BOOST_AUTO_TEST_CASE(addresses_have_a_host_and_a_port) {
  BOOST_TEST(parse_address("127.0.0.1:80")->host == "127.0.0.1");
  BOOST_TEST(parse_address("[::1]:80")->host == "::1");
  BOOST_TEST(parse_address("node-1:http")->port == "http");
  for (const char* wrong : {"", ":80", "host", "host:", "[]:80"})
    BOOST_TEST((parse_address(wrong).failure().code() == errc::invalid_argument), wrong);
}

BOOST_AUTO_TEST_CASE(ports_are_numbers_of_sixteen_bits) {
  BOOST_TEST(*port_number({"h", "0"}) == 0u);
  BOOST_TEST(*port_number({"h", "65535"}) == 65535u);
  for (const char* wrong : {"", "65536", "-1", "80x", "http", " 80"})
    BOOST_TEST(port_number({"h", wrong}).failure().message() == "want a port from 0 to 65535, got `" + std::string(wrong) + "`");
}

BOOST_AUTO_TEST_CASE(loopback_is_this_machine_alone) {
  for (const char* here : {"127.0.0.1", "localhost", "::1"}) BOOST_TEST(is_loopback({here, "1"}), here);
  for (const char* elsewhere : {"0.0.0.0", "::", "127.0.0.1.example.org", "node"}) BOOST_TEST(!is_loopback({elsewhere, "1"}), elsewhere);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
