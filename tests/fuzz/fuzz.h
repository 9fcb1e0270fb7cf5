/*
 * A fuzz target is one function over bytes. With clang's libFuzzer it is fuzzed as usual; linked with driver.c it runs
 * its saved corpus and a bounded number of mutations of it, the same ones each time, as a plain test.
 */
#ifndef REPL_TESTS_FUZZ_H
#define REPL_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input. */
#define HOLDS(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
