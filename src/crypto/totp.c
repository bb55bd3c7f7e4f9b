// SPDX-License-Identifier: MIT
#include "crypto/totp.h"

#include "crypto/hash.h"

/* RFC 4226, section 5.3: the last digit of the MAC says where the 31 bits of the code begin. */
void totp_code(Str secret, int64_t step, char out[TOTP_DIGITS + 1]) {
        unsigned char counter[8], mac[SHA1_SIZE];
        uint64_t v = (uint64_t)step;
        for (int i = 7; i >= 0; i--, v >>= 8)
                counter[i] = (unsigned char)v;
        hmac_sha1(secret, str_n(counter, sizeof counter), mac);
        const unsigned char *at = mac + (mac[SHA1_SIZE - 1] & 15);
        uint32_t code = (uint32_t)(at[0] & 0x7F) << 24 | (uint32_t)at[1] << 16 |
                        (uint32_t)at[2] << 8 | at[3];
        for (int i = TOTP_DIGITS - 1; i >= 0; i--, code /= 10)
                out[i] = (char)('0' + code % 10);
        out[TOTP_DIGITS] = '\0';
        secret_wipe(mac, sizeof mac);
}

bool totp_verify(Str secret, Str code, int64_t now_s, int64_t last_step, int64_t *ret_step) {
        int64_t now = now_s / TOTP_STEP_S, found = -1;
        /* all three: equal time for each answer */
        for (int64_t step = now - 1; step <= now + 1; step++) {
                char right[TOTP_DIGITS + 1];
                totp_code(secret, step, right);
                if (secret_eq(code, str_n(right, TOTP_DIGITS)) && step > last_step)
                        found = step;
                secret_wipe(right, sizeof right);
        }
        if (found < 0)
                return false;
        *ret_step = found;
        return true;
}
