// SPDX-License-Identifier: MIT
// The API page: served locally, whole, under a policy that lets nothing else in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { api } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

let server, call;
before(async () => {
        server = await startServer();
        call = api(server);
});
after(() => server.stop());

test('the page names only files that this server has', async () => {
        const page = await call('GET', '/docs', { expect: 200 });
        assert.equal(page.type, 'text/html');
        assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
        const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, f]) => f);
        assert.ok(
                files.some((f) => f.endsWith('swagger-ui-bundle.js')),
                page.text,
        );
        for (const file of files) {
                assert.match(file, /^\/docs\/[\w.-]+$/);
                const { text, headers } = await call('GET', file, { expect: 200 });
                assert.ok(text.length > 50);
                assert.equal(headers.get('x-content-type-options'), 'nosniff');
                assert.doesNotMatch(page.text, /<script>|<style>|onload=/);
        }
});

test('a file that is known is not sent again', async () => {
        const first = await call('GET', '/docs/swagger-ui.css', { expect: 200 });
        const etag = first.headers.get('etag');
        assert.ok(etag);
        const again = await call('GET', '/docs/swagger-ui.css', {
                headers: { 'if-none-match': etag },
                expect: 304,
        });
        assert.equal(again.text, '');
});

test('nothing outside the directory is reachable', async () => {
        for (const name of ['..%2f..%2fpackage.json', '.npmrc', 'package.json%00', 'no-such-file'])
                assert.ok([400, 404].includes((await call('GET', `/docs/${name}`)).status), name);
});

test('the pages that letters link to', async () => {
        for (const [path, action] of [
                ['/verify-email', 'email/verify'],
                ['/reset-password', 'password/reset'],
                ['/confirm-email', 'email/change/confirm'],
        ]) {
                const page = await call('GET', `${path}?token=abc`, { expect: 200 });
                assert.equal(page.type, 'text/html');
                assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
                assert.match(page.headers.get('content-security-policy'), /script-src 'self'/);
                assert.doesNotMatch(page.text, /abc|<script>|<style>/);
                assert.ok(page.text.includes(`action="api/v1/auth/${action}"`), page.text);
                assert.equal((await call('POST', `/api/v1/auth/${action}`)).status, 422);
        }
        const script = await call('GET', '/link.js', { expect: 200 });
        assert.equal(script.type, 'text/javascript');
        new Function(script.text.replaceAll('await', 'void')); // parses
        const style = await call('GET', '/link.css', { expect: 200 });
        assert.equal(style.type, 'text/css');
});

test('the way in, problem pages, and where to report', async () => {
        const home = await call('GET', '/', { expect: 302 });
        assert.equal(home.headers.get('location'), '/docs');
        const problem = await call('GET', '/problems/not_found', { expect: 200 });
        assert.match(problem.text, /HTTP status 404/);
        await call('GET', '/problems/no_such_problem', { expect: 404, code: 'not_found' });
        const security = await call('GET', '/.well-known/security.txt', { expect: 200 });
        assert.match(security.text, /^Contact: /m);
        assert.match(security.text, /^Expires: \d{4}-/m);
});

test('readiness of one check, and of one that does not exist', async () => {
        const { body } = await call('GET', '/health/ready/sqlite', { expect: 200 });
        assert.equal(body.status, 'healthy');
        await call('GET', '/health/ready/nonsense', { expect: 404, code: 'not_found' });
});
