// SPDX-License-Identifier: MIT
// One keep-alive connection that speaks just enough HTTP: the client must cost less than the
// server.
import { connect } from 'node:net';

export class Line {
        constructor(port) {
                this.socket = connect(port, '127.0.0.1').setNoDelay(true);
                this.text = '';
                this.socket.on('data', (b) => this.take(b.toString('latin1')));
        }

        take(more) {
                this.text += more;
                const end = this.text.indexOf('\r\n\r\n');
                if (end < 0) return;
                const head = this.text.slice(0, end);
                const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
                if (this.text.length < end + 4 + length) return;
                const [body, done] = [this.text.slice(end + 4), this.done];
                this.text = '';
                done({ status: Number(head.slice(9, 12)), head, body });
        }

        // `body`: an object is sent as JSON, a text as a form.
        send(method, path, { body, authorization } = {}) {
                const isForm = typeof body === 'string';
                const text = isForm ? body : body === undefined ? '' : JSON.stringify(body);
                const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
                const head = [
                        `${method} ${path} HTTP/1.1`,
                        'Host: x',
                        ...(authorization ? [`Authorization: ${authorization}`] : []),
                        ...(text ? [`Content-Type: ${type}`] : []),
                        `Content-Length: ${text.length}`,
                ];
                return new Promise((done) => {
                        this.done = done;
                        this.socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
                });
        }

        close() {
                this.socket.destroy();
        }
}
