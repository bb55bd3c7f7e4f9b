// SPDX-License-Identifier: MIT
/* fuzz_replay: the main of a fuzz target when libFuzzer is not there.
 *
 * Every file of the directories named on the command line (or every file named) goes once through the target,
 * in a block of exactly its own size, so that a sanitizer sees a read one byte past the end. The empty input
 * is always tried. A corpus that is missing or empty fails: it would be a test that cannot fail.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX = 16 * 1024 * 1024, DEPTH_MAX = 4 };

static int input_replay(const char *path, size_t n) {
        FILE *f = fopen(path, "rb");
        uint8_t *data = malloc(n ? n : 1);
        int failed = 1;

        if (f && data && fread(data, 1, n, f) == n) {
                (void)LLVMFuzzerTestOneInput(data, n);
                failed = 0;
        } else {
                fprintf(stderr, "fuzz_replay: %s: cannot read\n", path);
        }
        free(data);
        if (f)
                fclose(f);
        return failed;
}

static int path_replay(const char *path, int depth, size_t *count);

static int directory_replay(DIR *dir, const char *path, int depth, size_t *count) {
        int failed = 0;

        for (struct dirent *entry; (entry = readdir(dir));) {
                char child[4096];
                int n;

                if (entry->d_name[0] == '.')
                        continue;
                n = snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
                if (n < 0 || (size_t)n >= sizeof child) {
                        fprintf(stderr, "fuzz_replay: %s: path too long\n", path);
                        failed = 1;
                        continue;
                }
                failed |= path_replay(child, depth + 1, count);
        }
        return failed;
}

static int path_replay(const char *path, int depth, size_t *count) {
        struct stat st;

        if (stat(path, &st) < 0) {
                fprintf(stderr, "fuzz_replay: %s: %s\n", path, strerror(errno));
                return 1;
        }
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
                DIR *dir = opendir(path);
                int failed = dir ? directory_replay(dir, path, depth, count) : 1;

                if (dir)
                        closedir(dir);
                return failed;
        }
        if (!S_ISREG(st.st_mode) || st.st_size > INPUT_MAX) {
                fprintf(stderr, "fuzz_replay: %s: not a file of at most %d bytes\n", path,
                        INPUT_MAX);
                return 1;
        }
        (*count)++;
        return input_replay(path, (size_t)st.st_size);
}

int main(int argc, char **argv) {
        uint8_t *nothing = calloc(1, 1); /* a heap block: a sanitizer guards its end */
        size_t count = 0;
        int failed = 0;

        if (argc < 2 || !nothing) {
                fprintf(stderr, "usage: %s CORPUS-DIRECTORY-OR-FILE...\n", argv[0]);
                free(nothing);
                return 2;
        }
        (void)LLVMFuzzerTestOneInput(nothing, 0);
        free(nothing);
        for (int i = 1; i < argc; i++)
                failed |= path_replay(argv[i], 0, &count);
        printf("%zu inputs replayed\n", count);
        return failed || !count ? 1 : 0;
}
