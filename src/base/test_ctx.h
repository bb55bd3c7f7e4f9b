// SPDX-License-Identifier: MIT
#pragma once
/* test_ctx: a Ctx of its own for each test: TEST_WITH_CTX(test_x), and in the test `Ctx *cx =
 * *state`. */
#include "base/testing.h"

typedef struct TestCtx {
        Ctx cx;
        TestWorld world;
} TestCtx;

static inline int test_ctx_setup_(void **state) {
        TestCtx *t = calloc(1, sizeof *t);
        if (!t)
                return -1;
        t->world = TEST_WORLD(0);
        t->cx = TEST_CTX(arena_new(), &t->world.world);
        *state = &t->cx;
        return 0;
}

static inline int test_ctx_teardown_(void **state) {
        TestCtx *t = CONTAINER_OF(*state, TestCtx, cx);
        arena_free(t->cx.arena);
        free(t);
        return 0;
}

#define TEST_WITH_CTX(fn) cmocka_unit_test_setup_teardown(fn, test_ctx_setup_, test_ctx_teardown_)
