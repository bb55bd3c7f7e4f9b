// SPDX-License-Identifier: MIT
#pragma once
/* crc32: the checksum of zip and gzip (reflected 0xEDB88320). Finds typing errors, not
 * attackers. */
#include "base/base.h"

uint32_t crc32_of(uint32_t crc, Str bytes); /* start with 0; pass the last result to go on */
