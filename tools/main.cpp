#include <cstdio>

int main() {
  std::fputs("argosy: no command is built yet\n", stderr);
  return 2;
}
