// SPDX-License-Identifier: MIT
#pragma once
/* problem: a failure as application/problem+json (RFC 9457). Only public text leaves: the error
 * list, field errors, extra members. */
#include "api/route.h"

int problem_status(Err e, Wire wire);
/* The whole body. `public_url` is where the type links point. */
void problem_write(Buf *out, const Ctx *cx, Err e, Wire wire, Str public_url);
