/* The best products of a store for a query, in C:
 *     cc search.c $(pkg-config --cflags --libs argosy) -o search && ./search STORE "red dress" */
#include <argosy.h>
#include <stdio.h>

static int failed(argosy_error *error) {
  fprintf(stderr, "search: %s\n", argosy_error_message(error));
  argosy_error_free(error);
  return 1;
}

int main(int argc, char **argv) {
  argosy_error *error = NULL;
  argosy_store *store = NULL;
  argosy_answer *answer = NULL;
  argosy_search_options options = ARGOSY_SEARCH_OPTIONS;
  argosy_result one = ARGOSY_RESULT;

  if (argc != 3) {
    fprintf(stderr, "usage: search STORE QUERY\n");
    return 2;
  }
  if (argosy_open(argv[1], NULL, &store, &error) != ARGOSY_OK) return failed(error);
  options.k = 5;
  if (argosy_search(store, argv[2], &options, &answer, &error) != ARGOSY_OK) {
    argosy_close(store);
    return failed(error);
  }
  for (size_t place = 0; argosy_answer_result(answer, place, &one, NULL) == ARGOSY_OK; ++place)
    printf("%.4f  %s  %s\n", one.score, one.id.bytes, one.title.bytes);
  argosy_answer_free(answer);
  argosy_close(store);
  return 0;
}
