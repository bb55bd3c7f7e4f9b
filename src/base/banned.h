// SPDX-License-Identifier: MIT
#pragma once
/* banned: calls that have a safer form here do not compile. Forced into every source by the
 * build. */

/* A parameter of OpenSSL's headers has this name, so the word itself must stay usable. */
int rand(void) __attribute__((error("chance comes from the Ctx: cx_random")));

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gmtime localtime
#pragma GCC poison srand system popen gets tmpnam mktemp
