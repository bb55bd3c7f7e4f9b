// SPDX-License-Identifier: MIT
#pragma once
/* base: what every room stands on. libc only. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/ctx.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
