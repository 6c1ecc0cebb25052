// The best products of a store for a query, in C++17:
//     c++ -std=c++17 search.cpp $(pkg-config --cflags --libs argosy) -o search && ./search STORE "red dress"
#include <argosy.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: search STORE QUERY\n");
    return 2;
  }
  try {
    argosy::store store(argv[1]);
    argosy::query_options options;
    options.k = 5;
    for (const argosy::found& one : store.search(argv[2], options).results)
      std::printf("%.4f  %s  %s\n", one.score, one.id.c_str(), one.title.c_str());
  } catch (const argosy::error& failure) {
    std::fprintf(stderr, "search: %s\n", failure.what());
    return 1;
  }
}
