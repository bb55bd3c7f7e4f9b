// SPDX-License-Identifier: MIT
#pragma once
/* memory_id: a memory's id says where it is, to those who have its owner's key: the number of its
 * unit and a random part, enciphered together. So an id leads to its row without an index of ids,
 * which would cost a page of the log for every memory that is written. To everyone else it is a
 * random UUID (version 4: 122 bits; RFC 9562). A balanced-enough Feistel network of SipHash, six
 * rounds (Luby and Rackoff 1988). */
#include "memory/memory_int.h"

#define MEMORY_ID_UNIT_MAX ((INT64_C(1) << 62) - 1)

/* unit: 1 to MEMORY_ID_UNIT_MAX. Another id each time, so one that was deleted never comes back. */
void memory_id_make(Ctx *cx, const Keys *k, int64_t unit, unsigned char ret[16]);
/* The unit it would be of. Any id gives one: the row there must have this id. */
int64_t memory_id_unit(const Keys *k, const unsigned char id[16]);
