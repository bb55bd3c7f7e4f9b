// SPDX-License-Identifier: MIT
#pragma once
/* library: versions of what stands behind this room, for /status. */
const char *openssl_library(void);
const char *sodium_library(void);
