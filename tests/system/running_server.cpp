#include "tests/system/running_server.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <sstream>
#include <stdexcept>

#include "tests/support/bare_client.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/secure_client.hpp"

namespace argosy::test {

using namespace std::chrono_literals;

running_server::running_server(const std::filesystem::path& store, std::vector<std::string> more)
    : process_(words(store, std::move(more)), folder_ / "log") {
  for (int waits = 0; waits < 4000 && !std::filesystem::exists(addresses_); ++waits) BOOST_REQUIRE(!process_.wait_for(5ms));
  std::istringstream lines(bytes_of_file(addresses_));
  std::string http;
  std::getline(lines, http);
  std::getline(lines, messages_);
  std::getline(lines, node_);
  BOOST_REQUIRE_MESSAGE((http.starts_with("http://") || http.starts_with("https://")), http);
  BOOST_REQUIRE_MESSAGE(messages_.starts_with("tcp://"), messages_);
  port_ = static_cast<std::uint16_t>(std::stoi(http.substr(http.rfind(':') + 1)));
}

http_answered running_server::ask(const std::string& target, const std::string& method, const std::string& body,
                                  const std::string& fields) const {
  std::string read;
  try {
    const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const std::string request =
        method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + length + "\r\n" + body;
    const auto answer_of = [&](auto&& one) {
      one.send(request);
      return one.read_all();
    };
    read = authority_.empty() ? answer_of(bare_client(port_)) : answer_of(secure_client(port_, authority_));
  } catch (const std::runtime_error&) {
    return {};
  }
  const auto end = read.find("\r\n\r\n");
  if (!read.starts_with("HTTP/1.1 ") || end == std::string::npos) return {};
  return {std::stoi(read.substr(9, 3)), read.substr(end + 4), read.substr(0, end + 2)};
}

std::string running_server::log() const { return bytes_of_file(folder_ / "log"); }

std::string running_server::maps() const { return bytes_of_file("/proc/" + std::to_string(process_.id()) + "/maps"); }

std::vector<std::string> running_server::ids(const std::string& target) const {
  std::vector<std::string> found;
  const nlohmann::json answered = ask(target).object();
  for (const auto& one : answered.at("results")) found.push_back(one.at("id"));
  return found;
}

int running_server::end() {
  process_.signal(SIGTERM);
  return process_.wait();
}

void running_server::kill() {
  process_.signal(SIGKILL);
  BOOST_TEST(process_.wait() == 128 + SIGKILL);
}

std::vector<std::string> running_server::words(const std::filesystem::path& store, std::vector<std::string> more) const {
  std::vector<std::string> all{"serve", "--address-file", addresses_};
  if (!store.empty()) all.insert(all.end(), {"--store", store});
  const auto usual = [&](const std::string& option, const std::string& value) {
    if (std::find(more.begin(), more.end(), option) == more.end()) more.insert(more.end(), {option, value});
  };
  usual("--http", "127.0.0.1:0");
  usual("--zmq", "tcp://127.0.0.1:*");
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace argosy::test
