#include "tools/results_page.hpp"

#include <boost/test/unit_test.hpp>

using namespace argosy;

namespace {
std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
}  // namespace

BOOST_AUTO_TEST_SUITE(results_pages)

BOOST_AUTO_TEST_CASE(base64_equals_the_vectors_of_rfc_4648) {
  BOOST_TEST(base64(bytes_of("")) == "");
  BOOST_TEST(base64(bytes_of("f")) == "Zg==");
  BOOST_TEST(base64(bytes_of("fo")) == "Zm8=");
  BOOST_TEST(base64(bytes_of("foo")) == "Zm9v");
  BOOST_TEST(base64(bytes_of("foobar")) == "Zm9vYmFy");
  BOOST_TEST(base64(bytes_of("\xFF\xFE\xFD")) == "//79");
}

BOOST_AUTO_TEST_CASE(everything_that_html_reads_is_escaped) {
  BOOST_TEST(escape_html("<img src=x onerror='a()'> & \"b\"") == "&lt;img src=x onerror=&#39;a()&#39;&gt; &amp; &quot;b&quot;");
}

BOOST_AUTO_TEST_CASE(a_picture_is_told_from_its_bytes) {
  BOOST_TEST(image_type(bytes_of("\xFF\xD8\xFF\xE0....")) == "image/jpeg");
  BOOST_TEST(image_type(bytes_of("\x89PNG\r\n\x1A\n....")) == "image/png");
  BOOST_TEST(image_type(bytes_of("RIFF....WEBPVP8 ")) == "image/webp");
  BOOST_TEST(image_type(bytes_of("<svg onload=alert(1)>")) == "");
  BOOST_TEST(image_type(bytes_of("")) == "");
}

BOOST_AUTO_TEST_SUITE_END()
