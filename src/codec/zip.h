// SPDX-License-Identifier: MIT
#pragma once
/* zip: writes an archive of stored (not compressed) files into a Buf (PKWARE APPNOTE 6.3, without
 * zip64: under 4 GiB and 65535 files). Names are UTF-8. */
#include "base/base.h"

enum { ZIP_FILES_MAX = 64 };

typedef struct Zip {
        Buf *out;
        uint16_t dos_time, dos_date;
        struct {
                Str name;
                uint32_t crc, size, offset;
        } files[ZIP_FILES_MAX];
        size_t n;
} Zip;

/* `at_ms`: the time given to every file. Names and the Buf must live until zip_end. */
void zip_begin(Zip *z, Buf *out, int64_t at_ms);
void zip_add(Zip *z, Str name, Str content);
bool zip_end(Zip *z) _must_check_; /* false: the Buf was too small */
