// SPDX-License-Identifier: MIT
/* The input as a key, and as the 55 free characters of a key whose checksum is made right. */
#include "codec/authz.h"
#include "codec/crc32.h"
#include "codec/fuzz_ctx.h"
#include "codec/radix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        ApiKeyText key;
        Str text = str_n(data, n);
        if (api_key_parse(text, &key))
                ENSURE(n == API_KEY_TEXT && base62_is(key.id) && base62_is(key.secret));
        if (n != API_KEY_ID + API_KEY_SECRET)
                return 0;
        char made[API_KEY_TEXT] = "ms_";
        memcpy(made + 3, data, API_KEY_ID);
        made[3 + API_KEY_ID] = '_';
        memcpy(made + 4 + API_KEY_ID, data + API_KEY_ID, API_KEY_SECRET);
        size_t sum_at = API_KEY_TEXT - API_KEY_SUM;
        base62_write(made + sum_at, API_KEY_SUM, crc32_of(0, str_n(made, sum_at)));
        ENSURE(api_key_parse(str_n(made, sizeof made), &key) == base62_is(text));
        return 0;
}
