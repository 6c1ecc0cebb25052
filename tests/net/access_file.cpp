#include "net/access_file.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "net/secret_file.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// SHA-256 of "a" and of "b" (sha256sum).
const std::string hash_a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const std::string hash_b = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
const std::string public_key = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";  // 40 characters of Z85

struct access_fixture {
  scratch_folder folder;
  fs::path path = folder / "keys";
  manual_clock clock;
  fs::path write(const std::string& text, unsigned mode = 0600) {
    write_bytes(path, text);
    ::chmod(path.c_str(), mode);
    return path;
  }
  void replace(const std::string& text) {
    write_bytes(folder / "new", text);
    ::chmod((folder / "new").c_str(), 0600);
    fs::rename(folder / "new", path);
  }
  status refusal_of(const std::string& text, proof_kind kind = proof_kind::key_hash) {
    return access_file::open(write(text), kind, clock).failure();
  }
  access_file opened(proof_kind kind = proof_kind::key_hash) {
    auto file = access_file::open(path, kind, clock);
    require_ok(file.failure());
    return std::move(file).value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(access_files, access_fixture)

BOOST_AUTO_TEST_CASE(a_key_is_known_by_its_hash_with_its_rights) {
  write("# who may ask\n\n  window read " + hash_a +
        "\r\nimporter\twrite  3E23E8160039594A33894F6564E1B1348BBD7A0088D42C4ACB73EEAED59C009D");
  access_file file = opened();
  const known_client* window = file.find_key("a");
  BOOST_REQUIRE(window != nullptr);
  BOOST_TEST(window->name == "window");
  BOOST_TEST((window->may == rights::read));
  const known_client* importer = file.find_key("b");
  BOOST_REQUIRE(importer != nullptr);
  BOOST_TEST((importer->name == "importer" && importer->may == rights::write));
  for (const std::string& unknown : {std::string(), std::string("c"), std::string("a "), std::string(100'000, 'a'), hash_a})
    BOOST_TEST((file.find_key(unknown) == nullptr), unknown.substr(0, 80));
}

BOOST_AUTO_TEST_CASE(every_bad_line_is_named) {
  const std::string good = "a read " + hash_a + "\n";
  const std::string place = path.string() + ":";
  const auto refused = [&](const std::string& text, std::string_view line, std::string_view part) {
    check_refused(refusal_of(text), errc::invalid_argument, {place + std::string(line) + ": ", part});
  };
  refused("x", "1", "want NAME RIGHTS SHA256, found 1 word");
  refused(good + "\nb read", "3", "found 2 words");
  refused("b read " + hash_b + " more", "1", "found 4 words");
  refused("b/c read " + hash_b, "1", "want a name of 1 to 64 letters, digits, `.`, `_` or `-`, found `b/c`");
  refused(std::string(65, 'n') + " read " + hash_b, "1", "want a name of 1 to 64");
  refused("b admin " + hash_b, "1", "want read or write, found `admin`");
  refused("b read " + hash_b.substr(1), "1", "want the SHA-256 of a key, 64 hexadecimal digits, found 63 characters");
  refused("b read g" + hash_b.substr(1), "1", "64 hexadecimal digits");
  refused(good + "a write " + hash_b, "2", "a is there twice");
  refused(good + "b write " + hash_a, "2", "b has the proof of a");
  const std::string binary("\0\xff\x01 \0", 5);
  refused(binary, "1", "want NAME RIGHTS SHA256");
  // A key where its hash should be is not repeated.
  BOOST_TEST(refusal_of("b read argosy-secret").message().find("secret") == std::string::npos);
  check_refused(refusal_of("b read " + hash_b, proof_kind::public_key), errc::invalid_argument,
                {place + "1: want a public key of 40 characters"});
  check_refused(refusal_of("b read " + public_key.substr(1) + "~", proof_kind::public_key), errc::invalid_argument, {"public key"});
}

BOOST_AUTO_TEST_CASE(files_that_others_may_read_are_refused) {
  for (const unsigned mode : {0640u, 0604u, 0620u, 0602u, 0601u}) {
    const auto file = access_file::open(write("a read " + hash_a + "\n", mode), proof_kind::key_hash, clock);
    check_refused(file.failure(), errc::invalid_argument,
                  {path.string() + ": want a file that others may not read, found mode 0", "chmod 0600"});
  }
  // Public keys may be read by all, and written by their owner alone.
  write("a read " + public_key, 0644);
  BOOST_TEST((opened(proof_kind::public_key).find(public_key) != nullptr));
  check_refused(access_file::open(write("a read " + public_key, 0664), proof_kind::public_key, clock).failure(), errc::invalid_argument,
                {"want a file that others may not write, found mode 0664"});
  check_refused(access_file::open(folder / "none", proof_kind::key_hash, clock).failure(), errc::not_found, {(folder / "none").string()});
  check_refused(access_file::open(folder.path(), proof_kind::key_hash, clock).failure(), errc::invalid_argument, {"want a file"});
  check_refused(refusal_of(std::string(2'000'000, '#')), errc::out_of_range, {"want at most 1048576 bytes"});
}

BOOST_AUTO_TEST_CASE(who_is_taken_out_is_not_known_a_second_later) {
  write("a read " + hash_a + "\nb write " + hash_b + "\n");
  access_file file = opened();
  replace("b read " + hash_b + "\n");
  clock.advance(999ms);
  BOOST_TEST((file.find_key("a") != nullptr));
  clock.advance(1ms);
  BOOST_TEST((file.find_key("a") == nullptr));
  BOOST_REQUIRE(file.find_key("b") != nullptr);
  BOOST_TEST((file.find_key("b")->may == rights::read));
  replace("");
  clock.advance(1s);
  BOOST_TEST((file.find_key("b") == nullptr));
}

BOOST_AUTO_TEST_CASE(a_file_that_became_wrong_or_went_changes_nothing) {
  write("a read " + hash_a + "\n");
  access_file file = opened();
  const auto still_known = [&] {
    clock.advance(1s);
    return file.find_key("a") != nullptr && file.find_key("b") == nullptr;
  };
  replace("b read " + hash_b + "\nc read 123\n");
  BOOST_TEST(still_known());
  write("b read " + hash_b + "\n", 0644);
  BOOST_TEST(still_known());
  fs::remove(path);
  BOOST_TEST(still_known());
  replace("b read " + hash_b + "\n");
  BOOST_TEST(!still_known());
  BOOST_TEST((file.find_key("b") != nullptr));
}

BOOST_AUTO_TEST_CASE(keys_are_made_and_kept_as_hashes) {
  const auto first = add_key(path, "first", rights::read), second = add_key(path, "second", rights::write);
  require_ok(first.failure());
  require_ok(second.failure());
  BOOST_TEST(first->size() == 71u);
  BOOST_TEST(first->starts_with("argosy-"));
  BOOST_TEST(*first != *second);
  struct stat found {};
  BOOST_REQUIRE(::stat(path.c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 0777) == 0600u);
  const std::string text = bytes_of_file(path);
  BOOST_TEST(text.find(first->substr(7)) == std::string::npos);
  access_file file = opened();
  BOOST_REQUIRE(file.find_key(*first) != nullptr);
  BOOST_TEST(file.find_key(*first)->name == "first");
  BOOST_TEST((file.find_key(*second)->may == rights::write));

  check_refused(add_key(path, "first", rights::write).failure(), errc::invalid_argument, {"first has a key already"});
  check_refused(add_key(path, "two words", rights::read).failure(), errc::invalid_argument, {"--name: want a name", "`two words`"});
  BOOST_TEST(bytes_of_file(path) == text);
  write(text + "third read 12");
  check_refused(add_key(path, "fourth", rights::read).failure(), errc::invalid_argument, {path.string() + ":3: "});
  write("a read " + hash_a);  // no end of line
  require_ok(add_key(path, "b", rights::read).failure());
  BOOST_TEST((opened().find_key("a") != nullptr));
  check_refused(add_key(folder / "no/such", "a", rights::read).failure(), errc::io_error, {"no/such"});
}

BOOST_AUTO_TEST_CASE(a_secret_is_one_line_of_a_file_of_its_owner) {
  BOOST_TEST(read_secret(write("key\n")).value() == "key");
  BOOST_TEST(read_secret(write("key")).value() == "key");
  for (const std::string wrong : {"", "\n", "two\nlines\n", "two words", "key\r\n"})
    check_refused(read_secret(write(wrong)).failure(), errc::invalid_argument, {path.string() + ": want one line with a key, found "});
  check_refused(read_secret(write("key\n", 0640)).failure(), errc::invalid_argument, {"mode 0640"});
  check_refused(read_secret(write(std::string(2000, 'x'))).failure(), errc::out_of_range, {path.string()});
  check_refused(read_secret(folder / "none").failure(), errc::not_found, {"none"});
  check_ok(write_new_file(folder / "made", "text", 0600));
  BOOST_TEST(read_secret(folder / "made").value() == "text");
  check_refused(write_new_file(folder / "made", "other", 0600), errc::invalid_argument, {"made: File exists"});
  BOOST_TEST(read_secret(folder / "made").value() == "text");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test
