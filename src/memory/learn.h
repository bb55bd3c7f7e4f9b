// SPDX-License-Identifier: MIT
#pragma once
/* learn: from what was said to what is known. Takes the facts of one turn (rules or a model),
 * writes each through the write path of memory.h with its source, and keeps the profile in step.
 * Runs inside the write that stores the turn. */
#include "memory/extract.h"
#include "memory/turns.h"

typedef struct Learned {
        MemoryWritten *v;
        size_t n;     /* each fact's outcome, NOOP included */
        Strs created; /* ids of ADD and SUPERSEDE */
        /* something was left out: metadata.memory_quota */
        bool quota_reached;
} Learned;
/* The scope's actor is who found the facts: "rule" or "llm". Facts under 0.7 are not stored. Text that
 * repeats a memory which was shown to the user in the last 20 turns is a NOOP
 * `echo_of_returned_memory`. */
Err memory_learn(Ctx *cx, const MemoryScope *s, const Turn *turn, const Facts *facts,
                 Learned *ret) _must_check_;

/* The contents an answer was given with, for the echo check. Forgotten after 20 turns; kept in
 * memory only. */
void memory_shown(Ctx *cx, const MemoryScope *s, Strs contents);

/* A model writes the sentence; what it says about what is read as in any other. */
Fact fact_of_model(Ctx *cx, const Fact *f);
