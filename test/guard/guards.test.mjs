// SPDX-License-Identifier: MIT
// The source guards: each must hold on the tree, and each must be able to fail.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { root } from '../lib/server.mjs';

const run = (program, ...args) => {
        const { status, stdout, stderr } = spawnSync(program, args, {
                cwd: root,
                encoding: 'utf8',
        });
        return { status, text: `${stdout}${stderr}` };
};

for (const guard of ['layers', 'budget', 'words', 'routes']) {
        test(`check-${guard} can fail`, () => {
                const { status, text } = run(`tools/check-${guard}`, '--self-test');
                assert.equal(status, 0, text);
        });
}

for (const guard of ['layers', 'budget', 'words']) {
        test(`check-${guard} holds`, () => {
                const { status, text } = run(`tools/check-${guard}`);
                assert.equal(status, 0, text);
        });
}

test('shell scripts pass shellcheck', () => {
        const scripts = execFileSync('git', ['grep', '-lE', '^#!.*bash', '--', '.', ':!*.md'], {
                cwd: root,
                encoding: 'utf8',
        });
        const { status, text } = run('shellcheck', ...scripts.trim().split('\n'));
        assert.equal(status, 0, text);
});

test('each fuzz target has a corpus, and each parser of hostile bytes a target', () => {
        const names = execFileSync('git', ['ls-files', 'src/*/fuzz_*.c'], {
                cwd: root,
                encoding: 'utf8',
        })
                .trim()
                .split('\n')
                .map((f) => f.replace(/.*\/(fuzz_\w+)\.c$/, '$1'));
        const seeds = execFileSync('git', ['ls-files', 'test/corpus'], {
                cwd: root,
                encoding: 'utf8',
        });
        for (const name of names)
                assert.match(
                        seeds,
                        new RegExp(`^test/corpus/${name}/`, 'm'),
                        `${name} has no seed`,
                );
        for (const parser of ['json', 'url', 'form', 'jose', 'traceparent', 'yaml', 'gate'])
                assert.ok(
                        names.some((n) => n.includes(parser)),
                        `no fuzz target for ${parser}`,
                );
});
