// SPDX-License-Identifier: MIT
#pragma once
/* testing: what a cmocka program includes, and a Ctx whose clock and randomness the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

/* A World that stands still until moved, with bytes from a counter: the same run every time. */
typedef struct TestWorld {
        World world;
        int64_t now_ms, mono_us;
        uint64_t seed;
} TestWorld;

static inline int64_t test_now_ms_(World *w) { return CONTAINER_OF(w, TestWorld, world)->now_ms; }
static inline int64_t test_mono_us_(World *w) { return CONTAINER_OF(w, TestWorld, world)->mono_us; }
static inline void test_random_(World *w, void *p, size_t n) {
        TestWorld *t = CONTAINER_OF(w, TestWorld, world);
        for (size_t i = 0; i < n; i++) { /* splitmix64, one byte a step */
                uint64_t z = (t->seed += 0x9e3779b97f4a7c15u);
                z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
                z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
                ((unsigned char *)p)[i] = (unsigned char)(z ^ (z >> 31));
        }
}
#define TEST_WORLD(at_ms)                                                                          \
        ((TestWorld){ .world = { test_now_ms_, test_mono_us_, test_random_ },                      \
                      .now_ms = (at_ms),                                                           \
                      .mono_us = 1000000 })

#define TEST_CTX(arena_, world_)                                                                   \
        ((Ctx){ .arena = (arena_),                                                                 \
                .world = (world_),                                                                 \
                .trace_id = "00000000000000000000000000000001" })

#define assert_ok(expr)        assert_int_equal((expr), OK)
#define assert_err(expr, code) assert_int_equal((expr), (code))
#define assert_str(s, lit)                                                                         \
        do {                                                                                       \
                Str s_ = (s);                                                                      \
                assert_non_null(s_.p);                                                             \
                assert_int_equal(s_.n, sizeof(lit) - 1);                                           \
                assert_memory_equal(s_.p, (lit), sizeof(lit) - 1);                                 \
        } while (0)
