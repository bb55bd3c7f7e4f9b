// SPDX-License-Identifier: MIT
#pragma once
#include "ops/probe.h"

void probe_down(ProbeResult *ret, const char *error);
const char *status_error(int status);

/* probe_peers.c */
typedef void ProbeFn(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret);
ProbeFn probe_redis, probe_mongodb, probe_s3, probe_smtp;
typedef bool TargetFn(Ctx *cx, Str target);
TargetFn target_is_redis, target_is_mongodb, target_is_http, target_is_smtp;
