/* Runs a fuzz target without libFuzzer: driver CORPUS-FOLDER MUTATIONS. On a crash the input is on standard error. */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_BYTES = 4096, CORPUS_FILES = 256 };

static uint8_t current[INPUT_BYTES];
static size_t current_size;

static void show_input(int number)
{
    static const char hex[] = "0123456789abcdef";
    char line[2];
    const char title[] = "\ninput, as hex: ";
    ssize_t n = write(STDERR_FILENO, title, sizeof title - 1);
    for (size_t i = 0; n >= 0 && i < current_size; i++) {
        line[0] = hex[current[i] >> 4];
        line[1] = hex[current[i] & 15];
        n = write(STDERR_FILENO, line, 2);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void run(const uint8_t *data, size_t size)
{
    memcpy(current, data, size);
    current_size = size;
    LLVMFuzzerTestOneInput(current, current_size);
}

static uint64_t state = 0x9e3779b97f4a7c15u; /* xorshift: the same mutations on every machine */

static uint64_t chance(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static size_t mutate(uint8_t *data, size_t size)
{
    static const char *const words[] = {
        "'", "\"", "\\", "''", "$$", "$a$", "--",   "/*",       "*/",   ":",  "::",    ":=",      "{",
        "}", "[",  "]",  ",",  "=",  "%00", "\xff", "\xc3\xbc", "null", "-1", "1e999", "password"};
    for (uint64_t n = 1 + chance(4); n > 0; n--) {
        size_t at = size == 0 ? 0 : chance(size);
        switch (chance(4)) {
        case 0: /* another byte */
            if (size > 0)
                data[at] = (uint8_t)(1 + chance(255));
            break;
        case 1: /* a piece goes */
            if (size > 0) {
                size_t gone = 1 + chance(size - at);
                memmove(data + at, data + at + gone, size - at - gone);
                size -= gone;
            }
            break;
        case 2: { /* a word comes */
            const char *word = words[chance(sizeof words / sizeof *words)];
            size_t len = strlen(word);
            if (size + len <= INPUT_BYTES) {
                memmove(data + at + len, data + at, size - at);
                memcpy(data + at, word, len);
                size += len;
            }
            break;
        }
        default: { /* a piece comes twice */
            size_t len = size == 0 ? 0 : 1 + chance(size - at);
            if (size + len <= INPUT_BYTES) {
                memmove(data + at + len, data + at, size - at);
                size += len;
            }
        }
        }
    }
    return size;
}

static size_t read_corpus(const char *folder, uint8_t (*inputs)[INPUT_BYTES], size_t *sizes)
{
    char path[4096];
    size_t n = 0;
    DIR *d = opendir(folder);
    HOLDS(d != NULL);
    for (struct dirent *entry; n < CORPUS_FILES && (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *f = fopen(path, "rb");
        HOLDS(f != NULL);
        sizes[n] = fread(inputs[n], 1, INPUT_BYTES, f);
        fclose(f);
        n++;
    }
    closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    static uint8_t inputs[CORPUS_FILES][INPUT_BYTES], input[INPUT_BYTES];
    static size_t sizes[CORPUS_FILES];
    HOLDS(argc == 3);
    signal(SIGABRT, show_input);
    signal(SIGSEGV, show_input);
    size_t n = read_corpus(argv[1], inputs, sizes);
    HOLDS(n > 0);
    for (size_t i = 0; i < n; i++)
        run(inputs[i], sizes[i]);
    for (long left = strtol(argv[2], NULL, 10); left > 0; left--) {
        size_t from = chance(n);
        memcpy(input, inputs[from], sizes[from]);
        run(input, mutate(input, sizes[from]));
    }
    printf("%zu inputs of the corpus, %s mutations: ok\n", n, argv[2]);
    return 0;
}
