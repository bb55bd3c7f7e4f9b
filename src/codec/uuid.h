// SPDX-License-Identifier: MIT
#pragma once
/* uuid: RFC 9562 identifiers. Random ones come from the Ctx, so tests know them. */
#include "base/base.h"

enum { UUID_TEXT = 36 };

Str uuid_new(Ctx *cx); /* version 4, lower case, in the arena */
void uuid_write(char out[UUID_TEXT + 1], const unsigned char bytes[16]);
/* 8-4-4-4-12 hexadecimal digits of either case, any version; nothing else. */
bool uuid_read(Str text, unsigned char ret[16]) _must_check_;
bool uuid_is(Str text);
