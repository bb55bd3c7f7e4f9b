// SPDX-License-Identifier: MIT
// A mail server that takes everything: letters are kept as { to, text }.
import { createServer } from 'node:net';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function session(socket, letters) {
        let rest = '';
        let letter = null; // lines of the letter while it is being sent
        let to = '';
        const say = (line) => socket.write(`${line}\r\n`);
        const command = (line) => {
                const word = line.slice(0, 4).toUpperCase();
                if (word === 'EHLO') say('250-fake\r\n250 8BITMIME');
                else if (word === 'DATA') {
                        letter = [];
                        say('354 go on');
                } else if (word === 'QUIT') {
                        say('221 bye');
                        socket.end();
                } else {
                        if (word === 'RCPT') to = /<([^>]*)>/.exec(line)?.[1] ?? '';
                        say('250 fine');
                }
        };
        const take = (line) => {
                if (!letter) return command(line);
                if (line !== '.') return letter.push(line);
                letters.push({ to, text: letter.join('\n') });
                letter = null;
                return say('250 kept');
        };
        say('220 fake');
        socket.setEncoding('utf8').on('error', () => {});
        socket.on('data', (chunk) => {
                const lines = (rest + chunk).split('\r\n');
                rest = lines.pop();
                lines.forEach(take);
        });
}

const TOKEN = /Token: (\S+)/;

/* `const mail = await startSmtp()`: mail.url is for SMTP_URL, mail.token(to) waits for the token of
 * the next letter to that address; each letter is read once. */
export async function startSmtp() {
        const letters = [];
        const server = createServer((socket) => session(socket, letters));
        await new Promise((done) => server.listen(0, '127.0.0.1', done));
        const token = async (to) => {
                for (let i = 0; i < 100; i++, await sleep(100)) {
                        const letter = letters.find(
                                (l) => l.to === to && !l.read && TOKEN.test(l.text),
                        );
                        if (letter) {
                                letter.read = true;
                                return TOKEN.exec(letter.text)[1];
                        }
                }
                throw new Error(`no letter with a token for ${to}: ${JSON.stringify(letters)}`);
        };
        return {
                url: `smtp://127.0.0.1:${server.address().port}`,
                letters,
                token,
                stop: () => server.close(),
        };
}
