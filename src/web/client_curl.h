// SPDX-License-Identifier: MIT
#pragma once
/* client_curl: libcurl, loaded when it is first needed. */
#include "base/base.h"

/* Before anything of <curl/curl.h> is called. ERR_UNAVAILABLE: it is not installed. */
Err curl_load(Ctx *cx) _must_check_;
