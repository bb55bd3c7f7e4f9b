// SPDX-License-Identifier: MIT
// What a server may depend on, as far as its health checks ask: Redis, MongoDB, an object store that
// verifies signatures, and a peer that accepts and never answers. Each: { url, port, mode, stop() };
// `mode` is 'ok' or how it fails.
import { createHash, createHmac } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';

async function listening(server, scheme, mode = 'ok') {
        const sockets = new Set();
        server.on('connection', (s) => {
                sockets.add(s);
                s.on('close', () => sockets.delete(s)).on('error', () => {});
        });
        await new Promise((done) => {
                server.listen(0, '127.0.0.1', done);
        });
        const { port } = server.address();
        const stop = () => {
                for (const s of sockets) s.destroy();
                return new Promise((done) => {
                        server.close(done);
                });
        };
        return { url: `${scheme}://127.0.0.1:${port}`, port, mode, stop };
}

export async function startRedis({ password } = {}) {
        const role = '*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n';
        let peer;
        const server = createServer((socket) => {
                let open = !password;
                socket.on('data', (bytes) => {
                        if (peer.mode === 'silent') return;
                        if (peer.mode === 'rubbish') {
                                socket.end('hello\r\n+PONG\r\n');
                                return;
                        }
                        const words = bytes.toString().split('\r\n').filter((w) => !/^[*$]/.test(w));
                        while (words.length) {
                                const word = words.shift();
                                if (word === 'AUTH') {
                                        open = words.shift() === password;
                                        socket.write(open ? '+OK\r\n' : '-WRONGPASS no\r\n');
                                } else if (word) {
                                        const answer = word === 'PING' ? '+PONG\r\n' : role;
                                        socket.write(open ? answer : '-NOAUTH first\r\n');
                                }
                        }
                });
        });
        peer = await listening(server, 'redis');
        return peer;
}

export async function startMongo() {
        let peer;
        const server = createServer((socket) => {
                socket.on('data', (ask) => {
                        if (peer.mode === 'silent') return;
                        const good = ask.readInt32LE(0) === ask.length &&
                                ask.readInt32LE(12) === 2013 && ask.includes('ping\0');
                        const ok = Buffer.alloc(8);
                        ok.writeDoubleLE(good && peer.mode === 'ok' ? 1 : 0);
                        const body = Buffer.concat([
                                Buffer.from([17, 0, 0, 0, 1]), Buffer.from('ok\0'), ok, Buffer.from([0]),
                        ]);
                        const head = Buffer.alloc(21);
                        head.writeInt32LE(head.length + body.length, 0);
                        head.writeInt32LE(ask.readInt32LE(4), 8);
                        head.writeInt32LE(peer.mode === 'rubbish' ? 1 : 2013, 12);
                        socket.write(head);
                        setTimeout(() => socket.write(body), 5);
                });
        });
        peer = await listening(server, 'mongodb');
        return peer;
}

const hex = (text) => createHash('sha256').update(text).digest('hex');
const mac = (key, text) => createHmac('sha256', key).update(text).digest();

// AWS Signature Version 4, from its description: what this request should have been signed with.
function signatureOf(req, secret) {
        const [, date, region, service, names] = /Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+)/
                .exec(req.headers.authorization);
        const headers = names.split(';').map((n) => `${n}:${req.headers[n].trim()}\n`).join('');
        const [path, query = ''] = req.url.split('?');
        const canonical = [req.method, path, query, headers, names, req.headers['x-amz-content-sha256'] ?? hex('')];
        const scope = `${date}/${region}/${service}/aws4_request`;
        const text = ['AWS4-HMAC-SHA256', req.headers['x-amz-date'], scope, hex(canonical.join('\n'))].join('\n');
        const key = [region, service, 'aws4_request'].reduce(mac, mac(`AWS4${secret}`, date));
        return mac(key, text).toString('hex');
}

export async function startS3({ access = 'ACCESSKEY', secret = 'very-secret-key', buckets = ['uploads'] } = {}) {
        let peer;
        const server = createHttp((req, res) => {
                if (peer.mode === 'silent') return;
                const given = /Signature=([0-9a-f]+)/.exec(req.headers.authorization ?? '')?.[1];
                const good = given && req.headers.authorization.includes(`Credential=${access}/`) &&
                        given === signatureOf(req, secret);
                if (typeof peer.mode === 'number' || !good) {
                        res.writeHead(good ? peer.mode : 403).end('<Error><Code>No</Code></Error>');
                        return;
                }
                const list = buckets.map((b) => `<Bucket><Name>${b}</Name></Bucket>`).join('');
                res.writeHead(200, { 'content-type': 'application/xml' });
                res.end(peer.mode === 'rubbish' ? '<html>hello</html>'
                        : `<?xml version="1.0"?><ListAllMyBucketsResult><Buckets>${list}</Buckets></ListAllMyBucketsResult>`);
        });
        peer = await listening(server, 'http');
        return peer;
}

export const startBlackHole = () => listening(createServer(() => {}), 'http', 'silent');
