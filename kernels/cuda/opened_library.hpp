// A library that is opened when somebody asks for it, and its functions by their names. It stays open until the program ends.
// Errors    unavailable, with the library's name and what is missing.
#pragma once

#include <dlfcn.h>

#include <string>

#include "base/status.hpp"

namespace argosy::cuda {

inline constexpr char cudnn_file[] = "libcudnn.so.9";

class opened_library {
public:
  // `name` is for people. Both outlive it.
  static result<opened_library> open(const char* name, const char* file) {
    void* const library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return status{errc::unavailable, std::string(name) + ": " + dlerror()};
    return opened_library(name, file, library);
  }

  template <class F>
  status find(const char* function, F& to) const {
    to = reinterpret_cast<F>(dlsym(library_, function));
    if (to != nullptr) return {};
    return {errc::unavailable, std::string(name_) + ": " + file_ + " has no " + function};
  }

  // dlopen's.
  void* handle() const noexcept { return library_; }

private:
  opened_library(const char* name, const char* file, void* library) : name_(name), file_(file), library_(library) {}
  const char *name_, *file_;
  void* library_;
};

}  // namespace argosy::cuda
