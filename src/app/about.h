// SPDX-License-Identifier: MIT
#pragma once
#include "app/app.h"

extern const char *const about_revision; /* of the sources; "unknown" outside a repository */
void about_make(Ctx *cx, void *app, About *ret); /* Services.about */
