// SPDX-License-Identifier: MIT
#pragma once
/* ask: one question to whichever provider can answer it, waited for; for background work of other
 * rooms. Not on a loop thread. */
#include "chat/chat.h"

typedef struct ChatQuestion {
        Str user_id;         /* whose budget */
        Str rules, text;     /* system text; the data */
        Str options;         /* JSON object of request members, or STR_NULL */
        const char *purpose; /* in the ledger */
} ChatQuestion;
/* Errors as of a turn's: ERR_LLM_UNAVAILABLE, ERR_BUDGET, ERR_CANCELLED (it stops), … What it cost is
 * in the ledger like any other call. */
Err chat_ask(Ctx *cx, Chat *chat, const ChatQuestion *q, Str *ret) _must_check_;
