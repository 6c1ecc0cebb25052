#include "actors/product_desk.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "actors/error.hpp"
#include "actors/json_reply.hpp"
#include "data/records.hpp"

namespace argosy {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view image_age = "max-age=600";  // seconds: a product may get another photograph

http_reply no_such_product(const std::string& id) { return error_reply(404, "no product is called " + id); }

// As it was written: what is a number to the catalogue and none to JSON, such as `007`, stays a text.
ordered_json value_json(const field_value& value) {
  if (!value.number) return value.text;
  ordered_json number = ordered_json::parse(value.text, nullptr, false);
  return number.is_number() ? number : ordered_json(value.text);
}

ordered_json fields_json(const std::vector<field_value>& values) {
  auto fields = ordered_json::object();
  for (const field_value& one : values) fields[one.field].push_back(value_json(one));
  return fields;
}

// None: no photograph.
std::string_view image_type(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 12));
  if (text.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (text.starts_with("RIFF") && text.substr(std::min<std::size_t>(text.size(), 8)) == "WEBP") return "image/webp";
  return {};
}

}  // namespace

result<std::unique_ptr<product_desk>> product_desk::start(const serving& of, std::shared_ptr<const image_source> images) {
  std::unique_ptr<product_desk> made(new product_desk(of, std::move(images)));
  try {
    made->thread_ = std::thread([desk = made.get()] { desk->work(); });
  } catch (const std::system_error& why) {
    return status(errc::unavailable, std::string("no thread for reading products: ") + why.what());
  }
  return made;
}

product_desk::~product_desk() {
  {
    const std::lock_guard held(lock_);
    ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void product_desk::work() {
  std::unique_lock held(lock_);
  while (true) {
    changed_.wait(held, [this] { return ended_ || !errands_.empty(); });
    if (ended_) return;
    const errand next = std::move(errands_.front());
    errands_.pop_front();
    held.unlock();
    auto made = guarded(next.reply);
    next.to(made.ok() ? std::move(*made) : error_reply(500, made.failure().message()));
    held.lock();
  }
}

void product_desk::take(errand next) {
  std::unique_lock held(lock_);
  if (errands_.size() >= waiting) {
    held.unlock();
    return next.to(busy_reply("too many products and photographs are waited for already"));
  }
  errands_.push_back(std::move(next));
  changed_.notify_one();
}

void product_desk::product(std::string id, answer_to to) {
  take({[this, id = std::move(id)] { return product_reply(id); }, std::move(to)});
}

void product_desk::image(std::string id, answer_to to) {
  take({[this, id = std::move(id)] { return image_reply(id); }, std::move(to)});
}

result<http_reply> product_desk::product_reply(const std::string& id) {
  const auto from = of_->newest();
  const auto row = from->live().row_of(id);
  if (!row) return no_such_product(id);
  const product_facts facts = from->live().facts(*row);
  ARGOSY_ASSIGN(const auto fields, of_->fields()->of(from->current()));
  ordered_json object{{"generation", from->current().number()}, {"id", facts.id}, {"title", facts.title}, {"image", facts.image}};
  object["fields"] = fields->kept() ? fields_json(fields->of(from->live(), *row)) : ordered_json();
  if (!fields->kept()) object["not_kept"] = "fields: the generation was published before they were kept; publish it again";
  if (const auto weight = fields->image_weight(from->live(), *row)) object["weights"] = {{"title", 1 - *weight}, {"image", *weight}};
  return json_reply(200, object);
}

result<http_reply> product_desk::image_reply(const std::string& id) const {
  const auto from = of_->newest();
  const auto row = from->live().row_of(id);
  if (!row) return no_such_product(id);
  if (!images_) return error_reply(404, "there are no photographs: the server was started without --images");
  const std::string name(from->live().facts(*row).image);
  if (name.empty()) return error_reply(404, "product " + id + " has no photograph");
  const auto bytes = images_->read(name);
  if (!bytes.ok()) return error_reply(bytes.failure().code() == errc::io_error ? 500 : 404, bytes.failure().message());
  const std::string_view type = image_type(*bytes);
  if (type.empty()) return error_reply(404, "image `" + name + "`: want JPEG, PNG or WebP, found something else");
  http_reply reply{200, std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()), type};
  reply.fields.emplace_back("Cache-Control", std::string(image_age));
  return reply;
}

}  // namespace argosy
