// SPDX-License-Identifier: MIT
// Which route rows answered with which code: read from the server's own log lines, so that every
// client counts (fetch, raw sockets, foreign npm clients). tools/check-routes compares the files
// with the route table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const seen = new Map();

export function coverageAdd(line) {
        if (!(line.event === 'http_request' || line.event === 'http_error') || !line.route) return;
        const code = line.error_type ?? '';
        const row = { route: line.route, status: line.status, code };
        seen.set(`${row.route} ${row.status} ${code}`, row);
}

process.on('exit', () => {
        const dir = process.env.MAINSTAY_COVERAGE;
        if (!dir || !seen.size) return;
        mkdirSync(dir, { recursive: true });
        const lines = [...seen.values()].map((row) => JSON.stringify(row));
        writeFileSync(join(dir, `${process.pid}-${Date.now()}.jsonl`), `${lines.join('\n')}\n`);
});
