/* One member of a table of the contract: where it stands and how large it is. */
#ifndef HYOPS_TESTS_LAYOUT_H
#define HYOPS_TESTS_LAYOUT_H

#include <stddef.h>

struct place {
  const char *table, *member;
  size_t at, size, whole;
};

#ifdef __cplusplus
extern "C" {
#endif
extern const struct place layout_of_1_0[]; /* of core/sdk/abi/1.0, ended by a null table */
extern const struct place layout_of_1_1[];
extern const struct place todays_layout[];
#ifdef __cplusplus
}
#endif

#endif
