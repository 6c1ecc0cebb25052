#include "schema/product_change.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "schema/product_change_generated.h"

namespace argosy {
namespace {

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }

// Texts may lie in a record once and be pointed at a million times: what is read must not be longer than the record.
bool lies_once(const schema::product_change& read, std::size_t record_bytes) {
  std::uint64_t bytes = 0;
  const auto add = [&](const flatbuffers::String* text) { bytes += text == nullptr ? 0 : text->size(); };
  add(read.id()), add(read.title()), add(read.image());
  if (read.fields() != nullptr) {
    for (const auto* field : *read.fields()) add(field->name()), add(field->text()), bytes += sizeof(std::uint32_t);
  }
  if (read.vector() != nullptr) bytes += read.vector()->size() * sizeof(float);
  return bytes <= record_bytes;
}

}  // namespace

bool reads_as_number(std::string_view text) noexcept {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

std::vector<std::byte> encode(const product_change& change) {
  flatbuffers::FlatBufferBuilder to;
  std::vector<flatbuffers::Offset<schema::changed_field>> fields;
  for (const auto& field : change.fields)
    fields.push_back(schema::Createchanged_field(to, to.CreateString(field.field), to.CreateString(field.text), field.number));
  const auto id = to.CreateString(change.id), title = to.CreateString(change.title), image = to.CreateString(change.image);
  to.Finish(schema::Createproduct_change(to, id, change.removed, title, image, to.CreateVector(fields), to.CreateVector(change.vector)));
  const auto* bytes = reinterpret_cast<const std::byte*>(to.GetBufferPointer());
  return {bytes, bytes + to.GetSize()};
}

result<product_change> decode_change(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto most_tables = static_cast<flatbuffers::uoffset_t>(bytes.size());  // its own limit is a million
  flatbuffers::Verifier verifier(data, bytes.size(), 64, most_tables);
  if (!schema::Verifyproduct_changeBuffer(verifier)) return status(errc::corrupt, "want the change of a product, found other bytes");
  const auto* read = schema::Getproduct_change(data);
  if (!lies_once(*read, bytes.size()))
    return status(errc::corrupt, "want the change of a product whose parts lie in it once each, found parts that share bytes");
  product_change change{text_of(read->id()), read->removed(), text_of(read->title()), text_of(read->image()), {}, {}};
  if (read->fields() != nullptr) {
    for (const auto* field : *read->fields()) change.fields.push_back({text_of(field->name()), text_of(field->text()), field->number()});
  }
  if (read->vector() != nullptr) change.vector.assign(read->vector()->begin(), read->vector()->end());
  return change;
}

}  // namespace argosy
