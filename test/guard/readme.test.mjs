// SPDX-License-Identifier: MIT
// The examples of the README work as printed, and ./dev prints the same one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { root, startServer } from '../lib/server.mjs';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const block = (language) => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme)[1];
const ADDRESS = '127.0.0.1:8080';

let server;
before(async () => {
        server = await startServer({ env: { LIMITS: 'on' } });
});
after(() => server.stop());
const here = (text) => {
        assert.ok(text.includes(ADDRESS));
        return text.replaceAll(ADDRESS, `127.0.0.1:${server.port}`);
};

test('curl', () => {
        const lines = execFileSync('bash', ['-euc', here(block('sh'))], { encoding: 'utf8' })
                .trim()
                .split('\n');
        const answer = JSON.parse(lines.at(-1));
        assert.match(answer.response, /peanuts/);
        assert.ok(answer.memories_used.length >= 1, lines.at(-1));
});

test('JavaScript', () => {
        const text = execFileSync('node', ['--input-type=module', '-e', here(block('js'))], {
                encoding: 'utf8',
        });
        assert.match(text, /harbour museum/);
        assert.match(text, /\[ *'[0-9a-f-]{36}'/);
});

test('./dev run prints the example of the README', () => {
        const printed = /cat <<TEXT\n([^]*?)\nTEXT/
                .exec(readFileSync(join(root, 'dev'), 'utf8'))[1]
                .replaceAll(/\\([$\\])/g, '$1')
                .replaceAll('$address', ADDRESS);
        const words = (text) => text.split(/\s+/).join(' ');
        assert.ok(words(printed).includes(words(block('sh')).trim()), printed);
});

test('the files that the documents point to are there', () => {
        for (const file of [
                'README.md',
                'HACKING.md',
                'CONTRIBUTING.md',
                'docs/architecture.md',
                'docs/operations.md',
        ]) {
                const text = readFileSync(join(root, file), 'utf8');
                for (const [, target] of text.matchAll(/\]\(([^):#]+)\)/g))
                        assert.ok(
                                existsSync(join(root, dirname(file), target)),
                                `${file}: ${target}`,
                        );
        }
});
