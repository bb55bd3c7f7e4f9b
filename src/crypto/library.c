// SPDX-License-Identifier: MIT
#include "crypto/library.h"

#include <openssl/crypto.h>
#include <sodium.h>

const char *openssl_library(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }

const char *sodium_library(void) { return sodium_version_string(); }
