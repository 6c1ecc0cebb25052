/* Argosy embedded: search a store in the process of the program that asks, without a server.
 *
 *     argosy_error *error = NULL;
 *     argosy_store *store = NULL;
 *     argosy_answer *answer = NULL;
 *     if (argosy_open("store", NULL, &store, &error) != ARGOSY_OK || argosy_search(store, "red dress", NULL, &answer, &error) != ARGOSY_OK)
 *       fprintf(stderr, "%s\n", argosy_error_message(error));
 *
 * Failure   Every function that can fail returns a code and takes `error`: NULL, or the address of a pointer that begins as NULL. What it
 *           points to is freed and becomes NULL or, after a failure, an error with a message, which the caller frees. A failure leaves the
 *           other places to write to as NULL, or untouched. NULL where something is wanted is a failure too; only what frees takes it.
 * Texts     In: UTF-8, ended by a NUL. Out: UTF-8 as the catalogue has it, with its length, and a NUL after it.
 * Structs   begin with their size, which the macro beside them sets. Later versions add members at the end and go on to take the sizes of
 *           earlier ones; a size that a library does not know is refused.
 * Memory    A handle is the caller's until the function that frees it. An answer and a product are copies: they outlive their store.
 * Threads   One store is used by one thread at a time, and so is every other handle. Different handles are independent. The library starts
 *           no thread unless `threads` asks for more than one (they are OpenMP's), and installs no signal handler.
 * Log       Nothing is written to standard error unless argosy_log() asks, but before an abort over a bug of ours.
 */
#ifndef ARGOSY_H
#define ARGOSY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct argosy_store argosy_store;
typedef struct argosy_answer argosy_answer;
typedef struct argosy_product argosy_product;
typedef struct argosy_error argosy_error;

/* Numbers are for good; later versions add. */
typedef int32_t argosy_code;
enum {
  ARGOSY_OK = 0,
  ARGOSY_INVALID_ARGUMENT = 1, /* an option, a filter, a query without a word */
  ARGOSY_SHAPE_MISMATCH = 2,   /* parts of the store that do not fit together */
  ARGOSY_NOT_FOUND = 3,        /* no such store, product, place in an answer */
  ARGOSY_CORRUPT = 4,          /* a file whose checksum or format is wrong */
  ARGOSY_VERSION_MISMATCH = 5, /* a file of another version */
  ARGOSY_IO_ERROR = 6,         /* the operating system refused */
  ARGOSY_OUT_OF_RANGE = 7,
  ARGOSY_ABORTED = 8,
  ARGOSY_UNAVAILABLE = 9, /* the store has not what is asked for: published without terms */
  ARGOSY_INTERNAL = 10,   /* a bug of ours */
  ARGOSY_NO_MEMORY = 11,  /* then there may be no error object */
  ARGOSY_BUSY = 12,       /* of a server (argosy_client.hpp): too many queries wait; ask again later */
  ARGOSY_FAILED = 13      /* of a server: it failed at the query */
};

typedef struct argosy_text {
  const char *bytes;
  size_t length;
} argosy_text;

/* "0.1.0" */
const char *argosy_version(void);

/* The message names file or option, what was wanted and what was found. "" of NULL. Valid until the error is freed or replaced. */
const char *argosy_error_message(const argosy_error *error);
argosy_code argosy_error_code(const argosy_error *error);
void argosy_error_free(argosy_error *error);

/* Whether warnings go to standard error: of all stores of the process, opened before or after. No, to begin with. */
void argosy_log(int32_t wanted);

/* -- A store ------------------------------------------------------------------------------------------------------- */

typedef struct argosy_open_options {
  size_t size;
  int32_t threads;  /* of a search, 1 to 1024; 0: one for each core */
  int32_t reserved; /* 0 */
} argosy_open_options;
#define ARGOSY_OPEN_OPTIONS {sizeof(argosy_open_options), 1, 0}

/* Opens what `argosy publish` wrote, with its changes until now, and verifies what it reads. NULL options: ARGOSY_OPEN_OPTIONS. */
argosy_code argosy_open(const char *path, const argosy_open_options *options, argosy_store **store, argosy_error **error);
void argosy_close(argosy_store *store);

/* Takes up what was published or changed since: *changed is 1, or 0 and nothing was opened. Looks at two names when nothing has changed.
 * After a failure the store answers as before. `changed` may be NULL. */
argosy_code argosy_refresh(argosy_store *store, int32_t *changed, argosy_error **error);

typedef struct argosy_store_facts {
  size_t size;
  uint64_t generation; /* its number */
  uint64_t products;
} argosy_store_facts;
#define ARGOSY_STORE_FACTS {sizeof(argosy_store_facts), 0, 0}
argosy_code argosy_store_get(const argosy_store *store, argosy_store_facts *facts, argosy_error **error);

/* -- Queries ------------------------------------------------------------------------------------------------------- */

typedef struct argosy_search_options {
  size_t size;
  size_t k;            /* results, 1 to 1000000 */
  const char *filter;  /* NULL or "": none. `colour:red AND price<500` (docs/filters.md) */
  const char *channel; /* NULL: "semantic"; "lexical", "hybrid" */
  int32_t restricts;   /* 1: the name of a brand or category in the query keeps its products; 0 */
  int32_t live;        /* 0: what the pair table knows is answered by it; 1: it is not asked */
} argosy_search_options;
#define ARGOSY_SEARCH_OPTIONS {sizeof(argosy_search_options), 10, NULL, NULL, 1, 0}

/* NULL options: ARGOSY_SEARCH_OPTIONS. A query that cannot be answered (no word in it, not UTF-8) is the failure. */
argosy_code argosy_search(argosy_store *store, const char *query, const argosy_search_options *options, argosy_answer **answer,
                          argosy_error **error);

/* The same for `count` queries, embedded together. answers: room for `count`. A query that cannot be answered has
 * an answer without results that tells why (argosy_answer_refusal). After a failure all of them are NULL. */
argosy_code argosy_search_many(argosy_store *store, const char *const *queries, size_t count, const argosy_search_options *options,
                               argosy_answer **answers, argosy_error **error);

/* -- An answer: results, the best first, and the names in the query that restricted it ----------------------------- */

void argosy_answer_free(argosy_answer *answer);

/* Why argosy_search_many() has no answer to the query, as long as the answer lives; NULL when it has one. */
const argosy_error *argosy_answer_refusal(const argosy_answer *answer);

typedef struct argosy_answer_facts {
  size_t size;
  uint64_t generation; /* of the store, that it is from */
  const char *source;  /* "index" or "pair table" */
  size_t results;      /* how many */
  size_t restrictions; /* how many */
} argosy_answer_facts;
#define ARGOSY_ANSWER_FACTS {sizeof(argosy_answer_facts), 0, NULL, 0, 0}
argosy_code argosy_answer_get(const argosy_answer *answer, argosy_answer_facts *facts, argosy_error **error);

/* Bits of argosy_result.channels. */
enum { ARGOSY_SEMANTIC = 1, ARGOSY_LEXICAL = 2 };

typedef struct argosy_result {
  size_t size;
  argosy_text id, title;
  double score;
  uint32_t channels; /* those that found it */
  int32_t within;    /* 1: it has what the names in the query ask for, or there are none; 0: it follows those that have */
} argosy_result;
#define ARGOSY_RESULT {sizeof(argosy_result), {NULL, 0}, {NULL, 0}, 0, 0, 0}
/* Place 0 is the best; ARGOSY_NOT_FOUND behind the last. Texts are valid until the answer is freed, here and below. */
argosy_code argosy_answer_result(const argosy_answer *answer, size_t place, argosy_result *result, argosy_error **error);

typedef struct argosy_restriction {
  size_t size;
  argosy_text text;          /* in the query: `nike` */
  argosy_text field;         /* `brand` */
  const argosy_text *values; /* any of them: `Nike` */
  size_t count;              /* of the values */
} argosy_restriction;
#define ARGOSY_RESTRICTION {sizeof(argosy_restriction), {NULL, 0}, {NULL, 0}, NULL, 0}
argosy_code argosy_answer_restriction(const argosy_answer *answer, size_t place, argosy_restriction *restriction, argosy_error **error);

/* -- A product by its id ------------------------------------------------------------------------------------------- */

typedef struct argosy_product_facts {
  size_t size;
  argosy_text id, title, image; /* image: the name of the picture; empty: none */
} argosy_product_facts;
#define ARGOSY_PRODUCT_FACTS {sizeof(argosy_product_facts), {NULL, 0}, {NULL, 0}, {NULL, 0}}

/* ARGOSY_NOT_FOUND when no product has the id. */
argosy_code argosy_product_open(const argosy_store *store, const char *id, argosy_product **product, argosy_error **error);
argosy_code argosy_product_get(const argosy_product *product, argosy_product_facts *facts, argosy_error **error);
void argosy_product_free(argosy_product *product);

#ifdef __cplusplus
}
#endif

#endif
