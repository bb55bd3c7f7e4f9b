// SPDX-License-Identifier: MIT
/* The end of a server: readiness turns first, so that balancers
 * stop sending; then no new connections; streams are told to come back; what runs may finish. */
#include "app/app.h"
#include "base/log.h"
#include "sys/fds.h"
#include "sys/thread.h"

enum { POLL_MS = 20 };

static const Str goodbye = STR("event: shutdown\nretry: 1000\ndata: {}\n\n");

static bool wait_until_idle(Ctx *cx, App *a, int64_t until_us, bool (*hurry)(void)) {
        while (server_in_flight(a->server) > 0) {
                if (cx_mono_us(cx) >= until_us || hurry())
                        return false;
                thread_sleep_ms(POLL_MS);
        }
        return true;
}

bool app_drain(Ctx *cx, App *a, bool (*hurry)(void)) {
        notify("STOPPING=1");
        health_phase(a->health, PHASE_DRAINING);
        LOG(cx, LOG_INFO, "server_drain", "stopping",
            L_INT("in_flight", (int64_t)server_in_flight(a->server)));
        int64_t accept_until = cx_mono_us(cx) + a->set.drain_delay_s * 1000000;
        while (cx_mono_us(cx) < accept_until && !hurry())
                thread_sleep_ms(POLL_MS);
        server_stop_accepting(a->server);
        server_close_idle(a->server, true);
        server_end_streams(a->server, goodbye);
        int64_t until = cx_mono_us(cx) + a->set.drain_timeout_s * 1000000;
        while (!chat_wind_down(a->chat, POLL_MS) && cx_mono_us(cx) < until && !hurry())
                ;
        chat_stop(a->chat, 0); /* cancels what is left */
        return wait_until_idle(cx, a, until, hurry) && !hurry();
}
