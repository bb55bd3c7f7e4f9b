// SPDX-License-Identifier: MIT
#include "app/command.h"

const Command commands_identity[] = {
        { .name = NULL },
};
