// SPDX-License-Identifier: MIT
#include "codec/crc32.h"

/* Four bits a step: the table is small enough to be read, and archives are not bound by this. */
uint32_t crc32_of(uint32_t crc, Str bytes) {
        static const uint32_t table[16] = {
                0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
        };
        crc = ~crc;
        for (size_t i = 0; i < bytes.n; i++) {
                crc ^= (unsigned char)bytes.p[i];
                crc = crc >> 4 ^ table[crc & 15];
                crc = crc >> 4 ^ table[crc & 15];
        }
        return ~crc;
}
