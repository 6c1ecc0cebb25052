// Checks of statuses that print the whole failure when they fail.
#pragma once

#include <boost/test/unit_test.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy::test {

inline void check_ok(const status& found) { BOOST_TEST(found.ok(), found.text()); }
inline void require_ok(const status& found) { BOOST_REQUIRE_MESSAGE(found.ok(), found.text()); }

// A failure of that code whose message holds every one of the parts.
inline void check_refused(const status& failure, errc code, std::initializer_list<std::string_view> parts) {
  BOOST_TEST(static_cast<int>(failure.code()) == static_cast<int>(code), failure.text());
  for (const auto part : parts) BOOST_TEST((failure.message().find(part) != std::string::npos), failure.text() << " without " << part);
}

}  // namespace argosy::test
