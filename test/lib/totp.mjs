// SPDX-License-Identifier: MIT
// RFC 6238 with the usual parameters: SHA-1, six digits, thirty seconds.
import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function totp(secret, at = Date.now()) {
        const bits = [...secret]
                .map((c) => ALPHABET.indexOf(c).toString(2).padStart(5, '0'))
                .join('');
        const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
        const counter = Buffer.alloc(8);
        counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
        const mac = createHmac('sha1', key).update(counter).digest();
        const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
        return String(number % 1e6).padStart(6, '0');
}
