// SPDX-License-Identifier: MIT
// Import by lines: a body of any length, a bit at a time.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { api, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const path = '/api/v1/conversations/import';
const at = '2026-01-10T10:00:00Z';
const FILLER = 'the same words as everywhere '.repeat(6);
let server, call;
before(async () => {
        server = await startServer();
        call = api(server);
});
after(() => server.stop());

const turn = (n, text) => ({ external_id: `t${n}`, speaker: 'user', text, at });
const conversation = (n, turns = 5) => ({
        external_id: `c${n}`,
        turns: Array.from({ length: turns }, (_, i) =>
                turn(
                        i,
                        `Turn ${i} of number ${n}: ${FILLER} word${n}x${i}.`,
                ),
        ),
});
const lines = (list) => list.map((c) => `${JSON.stringify(c)}\n`).join('');

/* Writes the pieces, waiting `pause` ms behind each; → { status, body }. */
function upload(user, pieces, { headers = {}, pause = 0, query = '' } = {}) {
        return new Promise((done, fail) => {
                const req = request(
                        server.base + path + query,
                        {
                                method: 'POST',
                                headers: {
                                        authorization: `Bearer ${user.token}`,
                                        'content-type': 'application/x-ndjson',
                                        ...headers,
                                },
                        },
                        (res) => {
                                const parts = [];
                                res.on('data', (b) => parts.push(b));
                                res.on('end', () =>
                                        done({
                                                status: res.statusCode,
                                                body: JSON.parse(Buffer.concat(parts)),
                                        }),
                                );
                        },
                );
                req.on('error', fail);
                (async () => {
                        for (const piece of pieces) {
                                if (!req.write(piece)) await once(req, 'drain');
                                if (pause) await sleep(pause);
                        }
                        req.end();
                })();
        });
}

const found = async (user, word) =>
        (
                await user.call('POST', '/api/v1/memories/search', {
                        body: { query: word, units: ['turn'], top_k: 1 },
                        expect: 200,
                })
        ).body[0]?.turn;

test('a body larger than what is held of it', async () => {
        const user = await newUser(call);
        const list = Array.from({ length: 1500 }, (_, i) => conversation(i));
        list[700].turns[2].at = 'yesterday';
        const text = lines(list);
        assert.ok(text.length > 1_500_000);
        // chunks that end anywhere, in the middle of a character's line as well
        const r = await upload(user, text.match(/[\s\S]{1,77777}/g));
        assert.equal(r.status, 207);
        assert.equal(r.body.conversations.length, 1500);
        r.body.conversations.forEach((c, i) => {
                assert.equal(c.status, i === 700 ? 422 : 200, `conversation ${i}`);
                assert.equal(c.turns_added, i === 700 ? 0 : 5);
                if (i !== 700) assert.equal(c.external_id, `c${i}`);
        });
        assert.equal(r.body.conversations[700].pointer, '#/turns/2/at');
        for (const n of [0, 699, 701, 1499])
                assert.equal((await found(user, `word${n}x4`)).conversation_external_id, `c${n}`);
        assert.notEqual((await found(user, 'word700x1'))?.conversation_external_id, 'c700');
        // with its length told, and without a line break at the end: nothing new
        const again = lines(list.filter((_, i) => i !== 700)).trimEnd();
        const same = await upload(user, [again], { headers: { 'content-length': again.length } });
        assert.equal(same.status, 200);
        for (const c of same.body.conversations) {
                assert.equal(c.turns_added, 0);
                assert.equal(c.turns_unchanged, 5);
        }
});

test('a client that is slow holds up nobody; of one that leaves, what was whole stays', async () => {
        const user = await newUser(call);
        const forty = lines(Array.from({ length: 40 }, (_, i) => conversation(i, 60)));
        const slow = upload(user, forty.match(/[\s\S]{1,60000}/g), { pause: 40 });
        await user.call('GET', '/api/v1/auth/me', { expect: 200 });
        assert.equal((await slow).body.conversations.length, 40);

        const text = lines(Array.from({ length: 100 }, (_, i) => conversation(`gone${i}`, 60)));
        const req = request(server.base + path, {
                method: 'POST',
                headers: {
                        authorization: `Bearer ${user.token}`,
                        'content-type': 'application/x-ndjson',
                        'content-length': text.length,
                },
        });
        req.on('error', () => {});
        req.write(text.slice(0, -1000), () => setTimeout(() => req.destroy(), 50));
        await new Promise((done) => {
                req.on('close', done);
        });
        const rest = await upload(user, [text]);
        assert.equal(rest.status, 200);
        assert.ok(rest.body.conversations[0].turns_unchanged === 60, 'the first piece was not kept');
        assert.ok(rest.body.conversations[99].turns_added === 60);
});

test('a line without end is refused', async () => {
        const user = await newUser(call);
        const long = Buffer.alloc(1024 * 1024, 'x');
        const r = await upload(user, Array(20).fill(long));
        assert.equal(r.status, 413);
        assert.equal(r.body.code, 'too_large');
});

test('what is learned from lines, and a key for them', async () => {
        const user = await newUser(call);
        const turns = [turn(0, 'I live in Lisbon.'), turn(1, 'I am allergic to peanuts.')];
        const text = lines([{ external_id: 'a', turns }]);
        const r = await upload(user, [text], { query: '?extract=true' });
        assert.equal(r.status, 200);
        assert.ok(r.body.memories_created >= 2);
        assert.equal((await upload(user, [text], { query: '?extract=perhaps' })).status, 422);

        const bare = lines([{ turns: [turn(0, 'Nobody gave this one a name.')] }]);
        const headers = { 'idempotency-key': 'import-1' };
        const first = await upload(user, [bare], { headers });
        const second = await upload(user, [bare], { headers });
        assert.deepEqual(second.body, first.body);
        assert.equal((await upload(user, [bare, bare], { headers })).status, 422);
});

test('a time without an offset is of the conversation, an id twice is one turn, a refusal has its name', async () => {
        const user = await newUser(call);
        const said = (at, text, external_id) => ({ speaker: 'Ann', text, at, external_id });
        const body = { conversations: [
                { external_id: 'berlin', timezone: 'Europe/Berlin', turns: [said('2026-07-10T10:00:00', 'gooseberry summer'),
                        said('2026-01-10 10:00', 'gooseberry winter')] },
                { external_id: 'nowhere', turns: [said('2026-01-10T10:00:00.250', 'gooseberry clock'), said('2026-01-11', 'gooseberry day')] },
                { external_id: 'twice', turns: [said(at, 'plum', '1'), said(at, 'plum', '1'), said(at, 'quince', '2')] },
                { external_id: 'wrong', turns: [said('10 o\'clock', 'x')] },
                { external_id: 'other', turns: [said(at, 'plum', '1'), said(at, 'pear', '1')] }] };
        const { body: done } = await user.call('POST', path, { body, expect: 207 });
        assert.deepEqual(done.conversations.map((c) => [c.external_id, c.status, c.turns_added, c.turns_unchanged]),
                [['berlin', 200, 2, 0], ['nowhere', 200, 2, 0], ['twice', 200, 2, 1], ['wrong', 422, 0, 0], ['other', 409, 0, 0]]);
        assert.equal(done.conversations[3].pointer, '#/turns/0/at');
        const { body: hits } = await user.call('POST', '/api/v1/memories/search', { body: { query: 'gooseberry', units: ['turn'] } });
        assert.deepEqual(hits.map((h) => h.turn.at).sort(), ['2026-01-10T09:00:00.000Z', '2026-01-10T10:00:00.250Z',
                '2026-01-11T00:00:00.000Z', '2026-07-10T08:00:00.000Z']);
        const alone = await user.call('POST', path, { body: { conversations: [body.conversations[3]] }, expect: 422 });
        assert.equal(alone.body.errors[0].pointer, '#/conversations/0/turns/0/at');
});

test('of lines, the one that is wrong is named by its number', async () => {
        const user = await newUser(call);
        const good = conversation('lined', 2);
        const wrong = { ...conversation('wrong', 2), turns: [{ speaker: 'Ann' }] };
        const broken = await upload(user, ['\n\n{"turns":\n']);
        assert.equal(broken.status, 400);
        assert.deepEqual([broken.body.code, broken.body.line], ['bad_json', 3]);
        assert.match(broken.body.detail, /\bline 3\b/i);
        const alone = await upload(user, [`\n${lines([wrong]).trimEnd()}`]);
        assert.deepEqual([alone.status, alone.body.line], [422, 2]);
        assert.match(alone.body.errors[0].pointer, /^#\/turns\/0\//);
        const several = await upload(user, [`${lines([good])}\nnonsense\n${lines([wrong, good])}`]);
        assert.equal(several.status, 207);
        assert.deepEqual(
                several.body.conversations.map((c) => [c.status, c.line]),
                [[200, undefined], [400, 3], [422, 4], [200, undefined]],
        );
        good.turns[0].external_id = 'first';
        await upload(user, [lines([{ ...good, external_id: 'other' }])]);
        good.turns[0].text = 'Something else.';
        const conflict = await upload(user, [`\n${lines([{ ...good, external_id: 'other' }])}`]);
        assert.deepEqual([conflict.status, conflict.body.line], [409, 2]);
});

test('lines are counted on from piece to piece', async () => {
        const user = await newUser(call);
        const text = lines(Array.from({ length: 900 }, (_, i) => conversation(`far${i}`)));
        const r = await upload(user, `${text}{\n`.match(/[\s\S]{1,77777}/g));
        assert.equal(r.status, 207);
        assert.equal(r.body.conversations[900].line, 901);
});

test('a conversation in which nothing was said is kept all the same', async () => {
        const user = await newUser(call);
        const body = { conversations: [{ external_id: 'silent', title: 'Nothing', turns: [] }] };
        const [made] = (await user.call('POST', path, { body, expect: 200 })).body.conversations;
        assert.deepEqual([made.status, made.turns_added], [200, 0]);
        const [again] = (await user.call('POST', path, { body, expect: 200 })).body.conversations;
        assert.equal(again.conversation_id, made.conversation_id);
        const one = await user.call('GET', `/api/v1/conversations/${made.conversation_id}`);
        assert.deepEqual([one.body.title, one.body.turn_count], ['Nothing', 0]);
        const to = `/api/v1/conversations/${made.conversation_id}/turns`;
        assert.deepEqual((await user.call('GET', to, { expect: 200 })).body, []);
        await user.call('POST', path, { body: { conversations: [] }, expect: 422 });
});

test('a time zone that nobody knows refuses its conversation', async () => {
        const user = await newUser(call);
        const of = (timezone, text = 'x') => ({
                timezone,
                turns: [{ speaker: 'Ann', text, at: '2026-07-10T10:00:00' }],
        });
        const list = [of('Europe/Atlantis'), of('UTC+2', 'a medlar'), of(' ../etc/passwd')];
        const r = await user.call('POST', path, { body: { conversations: list }, expect: 207 });
        assert.deepEqual(
                r.body.conversations.map((c) => [c.status, c.pointer]),
                [[422, '#/timezone'], [200, undefined], [422, '#/timezone']],
        );
        assert.equal((await found(user, 'medlar')).at, '2026-07-10T08:00:00.000Z');
        const alone = await user.call('POST', path, {
                body: { conversations: [list[0]] },
                expect: 422,
        });
        assert.equal(alone.body.errors[0].pointer, '#/conversations/0/timezone');
});

test('a long conversation goes step by step, and all of it', async () => {
        const user = await newUser(call);
        const long = conversation('long', 1700);
        long.turns[3].text = 'I live in Lisbon.';
        const other = conversation('other', 3);
        const text = lines([long, other]);
        assert.equal((await upload(user, [text], { query: '?extract=true' })).status, 200);
        const list = (await user.call('GET', '/api/v1/conversations', { expect: 200 })).body;
        const { conversation_id } = list.find((c) => c.session_id === 'clong');
        const to = `/api/v1/conversations/${conversation_id}`;
        const gone = await user.call('DELETE', `${to}?memories=true`, { expect: 200 });
        assert.ok(gone.body.memories_deleted >= 1);
        await user.call('DELETE', to, { expect: 404 });
        for (const word of ['wordlongx0', 'wordlongx900', 'wordlongx1699'])
                assert.notEqual((await found(user, word))?.conversation_external_id, 'clong');
        assert.equal((await found(user, 'wordotherx1')).conversation_external_id, 'cother');
        assert.equal((await user.call('GET', '/api/v1/memories/stats')).body.total_memories, 0);
        const again = (await upload(user, [text])).body.conversations;
        assert.deepEqual(
                again.map((c) => c.turns_added),
                [1700, 0],
        );
});
