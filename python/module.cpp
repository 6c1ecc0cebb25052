// The compiled part of the Python package: argosy.hpp's class as plain functions and tuples; python/argosy/__init__.py gives them names.
// A search holds neither Python's lock nor another store: threads that share a store take turns.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <argosy.hpp>
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
  return py::make_tuple(results, restricted, from.source, from.generation, refusal);
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

class open_store {
public:
  open_store(const std::string& path, int threads) {
    const py::gil_scoped_release others;
    store_.emplace(path, threads);
  }

  py::tuple search(const std::string& query, std::int64_t k, std::string filter, std::string channel, bool restricts, bool live) {
    const auto how = options(k, std::move(filter), std::move(channel), restricts, live);
    return answer(alone([&](argosy::store& store) { return store.search(query, how); }));
  }

  py::list search_many(const std::vector<std::string>& queries, std::int64_t k, std::string filter, std::string channel, bool restricts,
                       bool live) {
    const auto how = options(k, std::move(filter), std::move(channel), restricts, live);
    py::list made;
    for (const auto& one : alone([&](argosy::store& store) { return store.search_many(queries, how); })) made.append(answer(one));
    return made;
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

  void close() {
    const py::gil_scoped_release others;
    const std::scoped_lock one(turn_);
    store_.reset();
  }

private:
  template <class Work>
  std::invoke_result_t<Work, argosy::store&> alone(Work work) {
    const py::gil_scoped_release others;
    const std::scoped_lock one(turn_);
    if (!store_) throw argosy::error(ARGOSY_INVALID_ARGUMENT, "the store is closed");
    return work(*store_);
  }

  std::mutex turn_;
  std::optional<argosy::store> store_;
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
}
