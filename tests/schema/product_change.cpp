#include "schema/product_change.hpp"

#include <boost/test/unit_test.hpp>

#include "schema/product_change_generated.h"
#include "tests/support/status.hpp"

using namespace argosy;

BOOST_AUTO_TEST_SUITE(product_changes)

BOOST_AUTO_TEST_CASE(a_change_comes_back) {
  const product_change put{
      "p1", false, "red dress", "p1.jpg", {{"brand", "Nike", false}, {"price", "49.5", true}, {"brand", "Nike", false}}, {0.5f}};
  const product_change removal{"p2", true, "", ""};
  for (const product_change& one : {put, removal}) {
    const auto read = decode_change(encode(one));
    test::require_ok(read.failure());
    BOOST_TEST((*read == one));
  }
}

// A text of 1 MB that lies in the record once and is pointed at by every field would be copied as often.
BOOST_AUTO_TEST_CASE(texts_that_fields_share_are_refused) {
  const auto read_with = [](std::size_t fields) {
    flatbuffers::FlatBufferBuilder to;
    const auto field = schema::Createchanged_field(to, to.CreateString("brand"), to.CreateString(std::string(1'000'000, 'x')), false);
    const auto all = to.CreateVector(std::vector(fields, field));
    to.Finish(schema::Createproduct_change(to, to.CreateString("p1"), false, 0, 0, all));
    const auto* bytes = reinterpret_cast<const std::byte*>(to.GetBufferPointer());
    return decode_change({bytes, to.GetSize()});
  };
  test::check_ok(read_with(1).failure());
  test::check_refused(read_with(2).failure(), errc::corrupt, {"lie in it once each"});
  test::check_refused(read_with(100'000).failure(), errc::corrupt, {"lie in it once each"});
}

BOOST_AUTO_TEST_SUITE_END()
