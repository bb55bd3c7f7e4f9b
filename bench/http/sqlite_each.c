// SPDX-License-Identifier: MIT
/* sqlite_each: the peer of the durable write: one row, one commit, WAL with synchronous=FULL, one thread.
 *
 * usage: sqlite_each FILE SECONDS      prints the rows per second */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char schema[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                             "CREATE TABLE memories (user_id TEXT, memory_id TEXT, content TEXT, "
                             "meta TEXT, PRIMARY KEY (user_id, memory_id)) "
                             "WITHOUT ROWID;";

static double seconds_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Inserts until the time is up. Returns the rows written, or -1. */
static int64_t rows_insert(sqlite3_stmt *stmt, double seconds) {
        double end = seconds_now() + seconds;
        int64_t n = 0;

        for (; seconds_now() < end; n++) {
                char user[32], id[48];

                snprintf(user, sizeof user, "usr_%02d", (int)(n % 64));
                snprintf(id, sizeof id, "%08" PRIx64 "-0000-4000-8000-%012" PRIx64,
                         (uint64_t)n * 2654435761u & 0xffffffffu, n);
                sqlite3_bind_text(stmt, 1, user, -1, SQLITE_STATIC);
                sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
                if (sqlite3_step(stmt) != SQLITE_DONE || sqlite3_reset(stmt) != SQLITE_OK)
                        return -1;
        }
        return n;
}

int main(int argc, char **argv) {
        sqlite3 *db = NULL;
        sqlite3_stmt *stmt = NULL;
        int64_t n = -1;

        if (argc != 3) {
                fprintf(stderr, "usage: %s FILE SECONDS\n", argv[0]);
                return 2;
        }
        double seconds = strtod(argv[2], NULL);
        if (sqlite3_open(argv[1], &db) == SQLITE_OK &&
            sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(db,
                               "INSERT INTO memories VALUES (?, ?, 'Planted rosemary and thyme "
                               "beside the kitchen window.', "
                               "'{\"confidence\":1,\"tags\":[\"garden\"],\"importance\":0.56}')",
                               -1, &stmt, NULL) == SQLITE_OK)
                n = rows_insert(stmt, seconds);
        if (n < 0)
                fprintf(stderr, "sqlite_each: %s\n", sqlite3_errmsg(db));
        else
                printf("%.0f\n", (double)n / seconds);
        sqlite3_finalize(stmt);
        sqlite3_close(db);
        return n < 0;
}
