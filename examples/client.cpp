// The best products for a query, asked of a server (argosy serve --zmq ENDPOINT), in C++17:
//     c++ -std=c++17 client.cpp $(pkg-config --cflags --libs argosy_client) -o client && ./client tcp://127.0.0.1:5555 "red dress"
#include <argosy_client.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: client ENDPOINT QUERY\n");
    return 2;
  }
  try {
    argosy::client client(argv[1]);
    argosy::query_options options;
    options.k = 5;
    for (const argosy::found& one : client.search(argv[2], options).results)
      std::printf("%.4f  %s  %s\n", one.score, one.id.c_str(), one.title.c_str());
  } catch (const argosy::error& failure) {
    std::fprintf(stderr, "client: %s\n", failure.what());
    return 1;
  }
}
