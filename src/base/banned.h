// SPDX-License-Identifier: MIT
#pragma once
/* banned: calls that have a safer form here do not compile. Forced into every source by the build. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gmtime localtime
#pragma GCC poison rand srand system popen gets tmpnam mktemp
