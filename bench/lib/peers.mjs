// SPDX-License-Identifier: MIT
// The servers that ours is measured against, each on a port of its own.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { scratch, startPeer } from './bench.mjs';

const http = join(dirname(fileURLToPath(import.meta.url)), '../http');

export const nginx = () =>
        startPeer('nginx return 200', (port) => {
                const conf = join(scratch, 'nginx.conf');
                const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
                        .map((n) => `${n}_temp_path ${scratch}/${n};`)
                        .join(' ');
                writeFileSync(
                        conf,
                        `daemon off; worker_processes auto; pid ${scratch}/nginx.pid; error_log ${scratch}/nginx.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; ${places}
  server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '{"status":"ok"}'; } } }
`,
                );
                return ['nginx', ['-p', scratch, '-e', join(scratch, 'nginx.log'), '-c', conf]];
        });

export const fastify = () =>
        startPeer('Fastify + @fastify/jwt', (port) => [
                'node',
                [join(http, 'peer_fastify.mjs'), port],
        ]);

export const fastapi = () =>
        startPeer('FastAPI + python-jose', (port) => [
                '/usr/bin/python3',
                [join(http, 'peer_fastapi.py'), port],
        ]);

/* Of a peer that prints "TOKEN <token>". */
export const tokenOf = (peer) => /^TOKEN (\S+)/m.exec(peer.output())[1];
