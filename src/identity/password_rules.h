// SPDX-License-Identifier: MIT
#pragma once
/* password_rules: which passwords are taken. Length in bytes, no NUL,
 * none that attackers try first.
 *
 * The list is a small built-in one, or a file made by tools/password-list: "MSPWLST1", a
 * big-endian count, then that many sorted 6-byte beginnings of SHA-256. A false alarm has a
 * chance of count / 2^48. */
#include "crypto/password.h"

typedef struct PasswordRules PasswordRules;

/* `alg` sets the longest one. `path` NULL: only the built-in list. ERR_INVALID: not such a file. */
Err password_rules_new(Ctx *cx, PasswordAlg alg, const char *path,
                       PasswordRules **ret) _must_check_;
PasswordRules *password_rules_free(PasswordRules *r);
DEFINE_CLEANUP(PasswordRules, password_rules_free)

/* ERR_INVALID with the pointer (too short), ERR_PASSWORD_LONG, ERR_PASSWORD_COMMON. `email`:
 * normal form, may be STR_NULL. */
Err password_check(Ctx *cx, const PasswordRules *r, const char *pointer, Str password,
                   Str email) _must_check_;
