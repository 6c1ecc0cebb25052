// The compiled part of the Python package: the classes of argosy.hpp and argosy_client.hpp as plain functions and tuples;
// python/argosy/__init__.py gives them names. A search does not hold Python's lock: threads that share a store, or a client, take turns.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <argosy.hpp>
#include <argosy_client.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace {

// What a catalogue has may be no UTF-8.
py::str text(const std::string& bytes) {
  PyObject* made = PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace");
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(made);
}

py::tuple texts(const std::vector<std::string>& all) {
  py::tuple made(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) made[i] = text(all[i]);
  return made;
}

py::tuple result(const argosy::found& one) {
  std::vector<std::string> channels;
  if (one.semantic) channels.emplace_back("semantic");
  if (one.lexical) channels.emplace_back("lexical");
  return py::make_tuple(text(one.id), text(one.title), one.score, texts(channels), one.within);
}

py::tuple answer(const argosy::answer& from) {
  py::list results, restricted;
  for (const auto& one : from.results) results.append(result(one));
  for (const auto& one : from.restricted) restricted.append(py::make_tuple(text(one.text), text(one.field), texts(one.values)));
  const py::object refusal = from.refusal.empty() ? py::object(py::none()) : py::object(text(from.refusal));
  return py::make_tuple(results, restricted, from.source, from.generation, refusal, static_cast<int>(from.refusal_code), from.shards,
                        from.shards_answered);
}

argosy::query_options options(std::int64_t k, std::string filter, std::string channel, bool restricts, bool live) {
  if (k < 0) throw argosy::error(ARGOSY_INVALID_ARGUMENT, "k: want at least 1, found " + std::to_string(k));
  argosy::query_options made;
  made.k = static_cast<std::size_t>(k);
  made.filter = std::move(filter);
  made.channel = std::move(channel);
  made.restricts = restricts;
  made.live = live;
  return made;
}

// A store or a client, until it is closed; one thread at a time.
template <class Opened>
class shared_by_threads {
public:
  void close() {
    const py::gil_scoped_release others;
    const std::scoped_lock one(turn_);
    opened_.reset();
  }

protected:
  template <class... From>
  explicit shared_by_threads(const char* what, From&&... from) : what_(what) {
    const py::gil_scoped_release others;
    opened_.emplace(std::forward<From>(from)...);
  }
  template <class Work>
  std::invoke_result_t<Work, Opened&> alone(Work work) {
    const py::gil_scoped_release others;
    const std::scoped_lock one(turn_);
    if (!opened_) throw argosy::error(ARGOSY_INVALID_ARGUMENT, std::string("the ") + what_ + " is closed");
    return work(*opened_);
  }

private:
  const char* what_;
  std::mutex turn_;
  std::optional<Opened> opened_;
};

py::list answers(const std::vector<argosy::answer>& all) {
  py::list made;
  for (const auto& one : all) made.append(answer(one));
  return made;
}

class open_store : public shared_by_threads<argosy::store> {
public:
  open_store(const std::string& path, int threads) : shared_by_threads("store", path, threads) {}

  py::tuple search(const std::string& query, std::int64_t k, std::string filter, std::string channel, bool restricts, bool live) {
    const auto how = options(k, std::move(filter), std::move(channel), restricts, live);
    return answer(alone([&](argosy::store& store) { return store.search(query, how); }));
  }

  py::list search_many(const std::vector<std::string>& queries, std::int64_t k, std::string filter, std::string channel, bool restricts,
                       bool live) {
    const auto how = options(k, std::move(filter), std::move(channel), restricts, live);
    return answers(alone([&](argosy::store& store) { return store.search_many(queries, how); }));
  }

  py::object product(const std::string& id) {
    const auto found = alone([&](argosy::store& store) { return store.product(id); });
    if (!found) return py::none();
    return py::make_tuple(text(found->id), text(found->title), text(found->image));
  }

  bool refresh() {
    return alone([](argosy::store& store) { return store.refresh(); });
  }
  std::uint64_t generation() {
    return alone([](argosy::store& store) { return store.generation(); });
  }
  std::uint64_t products() {
    return alone([](argosy::store& store) { return store.products(); });
  }
};

std::chrono::milliseconds milliseconds(double seconds) {
  constexpr double most = 3600;
  if (!(seconds >= 0.001 && seconds <= most))
    throw argosy::error(ARGOSY_INVALID_ARGUMENT, "deadline: want .001 to 3600 seconds, found " + std::to_string(seconds));
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

class open_client : public shared_by_threads<argosy::client> {
public:
  open_client(const std::string& endpoint, double deadline, std::string server_key_file, std::string secret_key_file,
              std::string server_key, std::string secret_key)
      : shared_by_threads("client", endpoint,
                          argosy::client_options{milliseconds(deadline), std::move(server_key_file), std::move(secret_key_file),
                                                 std::move(server_key), std::move(secret_key)}),
        deadline_(deadline) {}

  py::tuple search(const std::string& query, std::int64_t k, std::string filter, std::string channel, bool restricts, bool live,
                   std::optional<double> deadline) {
    const auto how = options(k, std::move(filter), std::move(channel), restricts, live);
    const auto within = milliseconds(deadline.value_or(deadline_));
    return answer(alone([&](argosy::client& client) { return client.search(query, how, within); }));
  }

  py::list search_many(const std::vector<std::string>& queries, std::int64_t k, std::string filter, std::string channel, bool restricts,
                       bool live, std::optional<double> deadline) {
    const auto how = options(k, std::move(filter), std::move(channel), restricts, live);
    const auto within = milliseconds(deadline.value_or(deadline_));
    return answers(alone([&](argosy::client& client) { return client.search_many(queries, how, within); }));
  }

private:
  double deadline_;
};

void as_python_error(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(std::move(thrown));
  } catch (const argosy::error& failure) {
    const py::object type = py::module_::import("argosy").attr("Error");
    PyErr_SetObject(type.ptr(), type(text(failure.what()), failure.code()).ptr());
  }
}

}  // namespace

PYBIND11_MODULE(_argosy, module) {
  py::register_exception_translator(&as_python_error);
  module.def("version", &argosy_version);
  module.def("log", [](bool wanted) { argosy_log(wanted ? 1 : 0); });
  py::class_<open_store>(module, "OpenStore")
      .def(py::init<const std::string&, int>())
      .def("search", &open_store::search)
      .def("search_many", &open_store::search_many)
      .def("product", &open_store::product)
      .def("refresh", &open_store::refresh)
      .def("generation", &open_store::generation)
      .def("products", &open_store::products)
      .def("close", &open_store::close);
  py::class_<open_client>(module, "OpenClient")
      .def(py::init<const std::string&, double, std::string, std::string, std::string, std::string>())
      .def("search", &open_client::search)
      .def("search_many", &open_client::search_many)
      .def("close", &open_client::close);
}
