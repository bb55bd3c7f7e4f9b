// SPDX-License-Identifier: MIT
#pragma once
/* fds: what the process before us hands over: a listening socket, and the way to tell a service
 * manager how we are (the sd_notify protocol, without its library). */
#include "base/base.h"

/* The listening socket we were started with: LISTEN_FDS and LISTEN_PID (systemd), else
 * MAINSTAY_LISTEN_FD=<number>. *ret_fd = -1: none. ERR_INVALID: named, but it is no listening
 * stream socket. The variables are removed, so that children do not take it for theirs. */
Err listen_fd_take(Ctx *cx, int *ret_fd) _must_check_;

/* READY=1, STOPPING=1, RELOADING=1 and so on; several lines may be joined by newlines. Nothing to
 * tell and nobody listening are both fine: the manager notices by itself that nothing came. */
void notify(const char *state);
