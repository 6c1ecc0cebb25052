// An authority and the certificates that it signs, by the `openssl` command, for tests of TLS.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace argosy::test {

struct issued_certificate {
  std::filesystem::path certificate, key;
};

class authority {
public:
  // In a folder of its own, which is made.
  explicit authority(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout " + path("ca.key") +
        " -out " + path("ca.pem"));
  }
  std::filesystem::path certificate() const { return folder_ / "ca.pem"; }

  // `names`: as OpenSSL writes a subjectAltName.
  issued_certificate issue(const std::string& name, const std::string& names = "IP:127.0.0.1,DNS:localhost") const {
    run("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + name + " -addext subjectAltName=" + names + " -keyout " +
        path(name + ".key") + " -out " + path(name + ".csr"));
    run("x509 -req -days 2 -copy_extensions copy -in " + path(name + ".csr") + " -CA " + path("ca.pem") + " -CAkey " + path("ca.key") +
        " -CAcreateserial -out " + path(name + ".pem"));
    return {folder_ / (name + ".pem"), folder_ / (name + ".key")};
  }

private:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static void run(const std::string& words) { BOOST_REQUIRE(std::system(("openssl " + words + " >/dev/null 2>&1").c_str()) == 0); }
  std::filesystem::path folder_;
};

}  // namespace argosy::test
