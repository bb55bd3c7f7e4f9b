// SPDX-License-Identifier: MIT
// Property: sessions over HTTP behave as a small model says, whatever a client, a thief and their
// owner do in whatever order.
// IDENTITY_RUNS sets the number of runs (2000 in the long form).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import fc from 'fast-check';

import { api, PASSWORD, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const RUNS = Number(process.env.IDENTITY_RUNS ?? 60);
const SECRET = 'the-shared-signing-secret-of-this-property-test-0';
let server, call;
before(async () => {
        server = await startServer({ env: { JWT_SECRET_KEY: SECRET } });
        call = api(server);
});
after(() => server.stop());

// One person with sessions; each session knows every refresh token it ever gave, in order, and
// whether it lives.
class Model {
        constructor() {
                this.email = `${unique('p')}@example.org`;
                this.password = PASSWORD;
                this.sessions = [];
                this.passwords = 0;
        }

        pick(i) {
                return this.sessions.length ? this.sessions[i % this.sessions.length] : undefined;
        }
}

const post = (path, body, token) =>
        call('POST', `/api/v1/auth/${path}`, { body, token, judge: false });
const sid = (s) => JSON.parse(Buffer.from(s.access.split('.')[1], 'base64url')).sid;
const refresh = (token) => post('refresh', { refresh_token: token });

async function login(m) {
        const r = await post('login', { email: m.email, password: m.password });
        assert.equal(r.status, 200, r.text);
        m.sessions.push({ alive: true, line: [r.body.refresh_token], access: r.body.access_token });
}

// What the model expects of a token that is `age` generations old; all within the retry window.
async function show(s, age) {
        const at = s.line.length - 1 - Math.min(age, s.line.length - 1);
        const back = s.line.length - 1 - at;
        const r = await refresh(s.line[at]);
        if (!s.alive) {
                assert.equal(
                        r.body.code,
                        'invalid_refresh_token',
                        'a session that ended answers nothing',
                );
        } else if (back === 0) {
                assert.equal(r.status, 200, r.text);
                assert.ok(!s.line.includes(r.body.refresh_token), 'a successor is new');
                s.line.push(r.body.refresh_token);
                s.access = r.body.access_token;
        } else if (back === 1) {
                assert.equal(r.status, 200, r.text);
                assert.equal(
                        r.body.refresh_token,
                        s.line.at(-1),
                        'a retry gets the identical successor',
                );
                assert.equal(r.body.access_token, s.access);
        } else {
                assert.equal(r.body.code, 'refresh_reused');
                s.alive = false;
        }
}

const steps = {
        login: async (m) => {
                if (m.sessions.length < 4) await login(m);
        },
        refresh: async (m, i) => {
                const s = m.pick(i);
                if (s) await show(s, 0);
        },
        retry: async (m, i) => {
                const s = m.pick(i);
                if (s) await show(s, 1);
        },
        steal: async (m, i) => {
                const s = m.pick(i);
                if (s && s.line.length > 2) await show(s, 2 + (i % 3));
        },
        parallel: async (m, i) => {
                const s = m.pick(i);
                if (!s) return;
                const all = await Promise.all(
                        Array.from({ length: 5 }, () => refresh(s.line.at(-1))),
                );
                if (!s.alive) {
                        assert.ok(all.every((r) => r.status === 401));
                        return;
                }
                assert.equal(
                        new Set(all.map((r) => `${r.status} ${r.body.refresh_token}`)).size,
                        1,
                        'all answers are equal',
                );
                s.line.push(all[0].body.refresh_token);
                s.access = all[0].body.access_token;
        },
        forge: async (m, i) => {
                const s = m.pick(i);
                if (!s) return;
                const t = s.line.at(-1);
                const at = 3 + ((i * 7) % (t.length - 3));
                const r = await refresh(
                        t.slice(0, at) + (t[at] === 'A' ? 'B' : 'A') + t.slice(at + 1),
                );
                assert.equal(r.body.code, 'invalid_refresh_token', 'a forged token ends nothing');
        },
        logout: async (m, i) => {
                const s = m.pick(i);
                if (!s) return;
                const r = await post('logout', undefined, s.access);
                assert.equal(r.status, s.alive ? 204 : 401);
                s.alive = false;
        },
        // One of one's own sessions is ended from another; the second time there is nothing to end.
        revoke: async (m, i) => {
                const [by, gone] = [m.pick(i), m.pick(i >> 3)];
                if (!by) return;
                const r = await call('DELETE', `/api/v1/auth/sessions/${sid(gone)}`, {
                        token: by.access,
                        judge: false,
                });
                assert.equal(r.status, !by.alive ? 401 : gone.alive ? 204 : 404, r.text);
                gone.alive = gone.alive && !by.alive;
        },
        // Whichever of the two comes first, the session has ended and all it gave is worth nothing.
        race: async (m, i) => {
                const s = m.pick(i);
                if (!s?.alive) return;
                const all = [
                        refresh(s.line.at(-1)),
                        post('logout', undefined, s.access),
                        refresh(s.line.at(-1)),
                ];
                const [first, out, second] = await Promise.all(i % 2 ? all : all.reverse());
                assert.equal(out.status, 204, out.text);
                for (const r of [first, second].filter(({ status }) => status === 200)) {
                        s.access = r.body.access_token;
                        s.line.push(r.body.refresh_token);
                }
                s.alive = false;
        },
        everywhere: async (m, i) => {
                const s = m.pick(i);
                if (!s?.alive) return;
                const keep_current = i % 2 === 0;
                const r = await post('logout-all', { keep_current }, s.access);
                assert.equal(
                        r.body.revoked_sessions,
                        m.sessions.filter((x) => x.alive && (x !== s || !keep_current)).length,
                );
                for (const x of m.sessions) x.alive = x.alive && keep_current && x === s;
        },
        password: async (m, i) => {
                const s = m.pick(i);
                if (!s?.alive || m.passwords >= 1)
                        // slow on purpose; once a run is enough
                        return;
                const new_password = `${PASSWORD} no ${++m.passwords}`;
                const r = await post(
                        'password/change',
                        { current_password: m.password, new_password },
                        s.access,
                );
                assert.equal(r.status, 200, r.text);
                m.password = new_password;
                for (const x of m.sessions) x.alive = x.alive && x === s;
        },
        restart: async (m, i) => {
                if (i % 7)
                        // rarely: a restart costs more than all the rest
                        return;
                await server.restart();
        },
};

// After every step each session's newest access token works exactly if the session lives, on the
// very next request.
async function look(m) {
        for (const s of m.sessions) {
                const r = await call('GET', '/api/v1/me', { token: s.access, judge: false });
                assert.equal(r.status, s.alive ? 200 : 401, r.text);
        }
}

test(`sessions against a model, ${RUNS} runs`, async () => {
        const step = fc.tuple(
                fc.constantFrom(...Object.keys(steps), 'refresh', 'refresh', 'retry', 'steal'),
                fc.nat(1000),
        );
        await fc.assert(
                fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (list) => {
                        const m = new Model();
                        const made = await post('register', {
                                email: m.email,
                                password: m.password,
                        });
                        assert.equal(made.status, 201, made.text);
                        await login(m);
                        for (const [name, i] of list) {
                                await steps[name](m, i);
                                await look(m);
                        }
                }),
                { numRuns: RUNS, endOnFailure: true },
        );
});
