// SPDX-License-Identifier: MIT
// No acknowledged write is lost by kill -9 under load, in a short form; ./dev bench crash runs two
// hundred rounds.
import { after, before, test } from 'node:test';

import { api } from '../lib/api.mjs';
import { crashRounds } from '../lib/crash.mjs';
import { startServer } from '../lib/server.mjs';

let server;
before(async () => {
        server = await startServer();
});
after(() => server.stop());

test('eight rounds of kill -9 under writes lose nothing that was acknowledged', async (t) => {
        const result = await crashRounds(server, api(server), { rounds: 8 });
        t.diagnostic(JSON.stringify(result));
});
