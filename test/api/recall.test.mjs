// SPDX-License-Identifier: MIT
// Conversations written by hand (bench/memory/*.story) go in through the import and are asked about through the search:
// the turns that answer must be among the first. The least shares stand a little under what is reached, so that a
// change of ranking that costs recall fails here.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { api, newUser } from '../lib/api.mjs';
import { root, startServer } from '../lib/server.mjs';

const LEAST = {
        'nadia-theo': { 5: 0.79, 10: 0.87, 25: 0.92 },
        'marcus-elif': { 5: 0.7, 10: 0.74, 25: 0.84 },
};

let server, call;
before(async () => {
        server = await startServer();
        call = api(server);
});
after(() => server.stop());

// "@ date time" begins a session, "#3 Name: text [caption]" is a turn with a mark, "? question = 3 7" names the marks.
async function storyRead(name) {
        const story = { turns: [], questions: [] };
        let at;
        for (const line of (await readFile(join(root, 'bench/memory', `${name}.story`), 'utf8')).split('\n')) {
                if (!line.trim() || line.startsWith('# ')) continue;
                if (line.startsWith('@ ')) {
                        at = Date.parse(`${line.slice(2, 12)}T${line.slice(13).trim()}:00Z`);
                } else if (line.startsWith('? ')) {
                        const cut = line.lastIndexOf(' = ');
                        story.questions.push({ text: line.slice(2, cut), marks: line.slice(cut + 3).trim().split(' ') });
                } else {
                        const m = /^(?:#(\d+) )?(\w+): (.*?)(?: \[(.*)\])?$/.exec(line);
                        const turn = { external_id: m[1] ?? `t${story.turns.length}`, speaker: m[2], text: m[3] };
                        if (m[4]) turn.caption = m[4];
                        story.turns.push({ ...turn, at: new Date(at).toISOString() });
                }
        }
        return story;
}

async function recallOf(who, story) {
        const shares = { 5: 0, 10: 0, 25: 0 };
        for (const q of story.questions) {
                const found = (await who.call('POST', '/api/v1/memories/search',
                        { body: { query: q.text, top_k: 25, units: ['turn'] }, expect: 200 })).body;
                const ids = found.map((hit) => hit.turn.external_id);
                assert.ok(found.every((hit) => hit.unit === 'turn' && hit.relevance_score <= 1));
                for (const k of [5, 10, 25])
                        shares[k] += q.marks.filter((m) => ids.slice(0, k).includes(m)).length / q.marks.length;
        }
        for (const k of [5, 10, 25]) shares[k] /= story.questions.length;
        return shares;
}

function sharesCheck(name, shares, where) {
        for (const [k, least] of Object.entries(LEAST[name]))
                assert.ok(shares[k] >= least, `${name}, ${where}: recall@${k} is ${shares[k].toFixed(3)}, least ${least}`);
}

for (const name of Object.keys(LEAST))
        test(`answers are found in ${name}, as one conversation and as many`, async () => {
                const story = await storyRead(name);
                const whole = await newUser(call);
                await whole.call('POST', '/api/v1/conversations/import',
                        { body: { conversations: [{ external_id: name, turns: story.turns }] } });
                sharesCheck(name, await recallOf(whole, story), 'one conversation');

                const parts = await newUser(call);
                const sessions = [...new Set(story.turns.map((t) => t.at))];
                await parts.call('POST', '/api/v1/conversations/import', {
                        body: { conversations: sessions.map((at) => ({ external_id: at, turns: story.turns.filter((t) => t.at === at) })) },
                });
                sharesCheck(name, await recallOf(parts, story), 'one per session');
        });
