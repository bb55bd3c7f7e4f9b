// SPDX-License-Identifier: MIT
#pragma once
/* test_suite: what a memory must get right without a model, one case each. Steps stand between " | ":
 *   say TEXT             a turn of the person, learned from
 *   add TYPE: TEXT       an explicit memory;  since D: TYPE: TEXT   one that is valid from day D
 *   forget TEXT          deletes the memory that contains it
 *   edit TEXT => NEW     NEW is the content of the memory that contains TEXT
 *   +Nd, +Nh             time passes;  as NAME   another person speaks and is asked
 *   event E, reason R    of the last thing learned;  nothing   the last turn taught nothing
 *   has TEXT, not TEXT   a live memory is exactly this; none contains this
 *   count N, flagged N   live memories; those flagged for review
 *   at Nd [not] TEXT     was true N days after the start;  known Nd [not] TEXT   was held then
 *   find Q => TEXT       the first hit contains TEXT;  find Q => nothing
 *   profile F = V        profile F empty */
#include <stddef.h>

typedef struct SuiteCase {
        const char *family, *steps;
} SuiteCase;
extern const SuiteCase suite[];
extern const size_t suite_n;
