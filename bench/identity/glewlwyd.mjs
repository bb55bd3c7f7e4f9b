// SPDX-License-Identifier: MIT
// The peer glewlwyd, from Debian's package of that name: OpenID Connect on SQLite, access tokens
// ES256 for an hour, refresh tokens that are good for one use. Its client has a secret and no
// password, and who asks about a token shows one: else each call would also cost a password's hash.
// ./dev unpacks the package; nothing of it is installed or started but this process.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { exec, scratch, startPeer } from '../lib/bench.mjs';

const CLIENT = { client_id: 'bench', client_secret: 'secret-of-the-bench' };
const form = (o) => new URLSearchParams(o).toString();

function program() {
        try {
                return execFileSync('which', ['glewlwyd'], { encoding: 'utf8' }).trim();
        } catch {
                return null;
        }
}

// The tables as the package makes them, with its administrator.
async function database(dir, prefix) {
        const path = join(dir, 'glewlwyd.db');
        const tables = join(prefix, 'share/dbconfig-common/data/glewlwyd/install/sqlite3');
        const script = `import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())`;
        await exec('python3', ['-c', script, path, tables]);
        return path;
}

function configuration({ port, prefix, db }) {
        const modules = join(prefix, 'lib/glewlwyd');
        return `port = ${port}
bind_address = "127.0.0.1"
external_url = "http://127.0.0.1:${port}"
login_url = "login.html"
api_prefix = "api"
log_mode = "console"
log_level = "NONE"
cookie_domain = "127.0.0.1"
cookie_secure = 0
user_module_path = "${modules}/user"
user_middleware_module_path = "${modules}/user_middleware"
client_module_path = "${modules}/client"
user_auth_scheme_module_path = "${modules}/scheme"
plugin_module_path = "${modules}/plugin"
database = { type = "sqlite3"; path = "${db}"; };
`;
}

function protocol(url) {
        const { privateKey, publicKey } = generateKeyPairSync('ec', {
                namedCurve: 'P-256',
                privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
                publicKeyEncoding: { type: 'spki', format: 'pem' },
        });
        return {
                module: 'oidc',
                name: 'oidc',
                display_name: 'oidc',
                parameters: {
                        iss: url,
                        'jwt-type': 'ecdsa',
                        'jwt-key-size': '256',
                        key: privateKey,
                        cert: publicKey,
                        'access-token-duration': 3600,
                        'refresh-token-duration': 1209600,
                        'refresh-token-rolling': true,
                        'refresh-token-one-use': 'always',
                        'code-duration': 600,
                        'allow-non-oidc': true,
                        'auth-type-code-enabled': false,
                        'auth-type-token-enabled': false,
                        'auth-type-none-enabled': false,
                        'auth-type-client-enabled': false,
                        'auth-type-device-enabled': false,
                        'auth-type-password-enabled': true,
                        'auth-type-refresh-enabled': true,
                        'introspection-revocation-allowed': true,
                        'introspection-revocation-auth-scope': ['openid'],
                        'subject-type': 'public',
                        'pkce-allowed': false,
                        scope: [],
                        'additional-parameters': [],
                        claims: [],
                },
        };
}

// As its administrator would in the browser.
async function configure(url, user) {
        const send = async (path, body, headers = {}) => {
                const r = await fetch(`${url}/api/${path}`, {
                        method: 'POST',
                        headers: { 'content-type': 'application/json', ...headers },
                        body: JSON.stringify(body),
                });
                if (r.status !== 200) throw new Error(`${path}: ${r.status} ${await r.text()}`);
                return r;
        };
        const first = await send('auth/', { username: 'admin', password: 'password' });
        const cookie = first.headers.get('set-cookie').split(';')[0];
        await send('mod/plugin/', protocol(url), { cookie });
        await send(
                'client/',
                {
                        ...CLIENT,
                        name: 'bench',
                        enabled: true,
                        confidential: true,
                        redirect_uri: ['http://localhost/back'],
                        authorization_type: ['password', 'refresh_token'],
                        token_endpoint_auth_method: ['client_secret_post'],
                        scope: ['openid'],
                },
                { cookie },
        );
        await send('user/', { ...user, enabled: true, scope: ['openid'] }, { cookie });
}

/* { …peer, login(line, username, password), check, introspect, refresh }: the last three are what
 * calls.lua needs. null where the package is not there. */
export async function glewlwyd(user) {
        const path = program();
        if (!path) return null;
        const prefix = dirname(dirname(path));
        const dir = mkdtempSync(join(scratch, 'glewlwyd-'));
        const db = await database(dir, prefix);
        const peer = await startPeer('Glewlwyd 2.7', (port) => {
                const file = join(dir, 'glewlwyd.conf');
                writeFileSync(file, configuration({ port, prefix, db }));
                return [path, ['--config-file', file], { cwd: dir }];
        });
        await configure(peer.url, user);
        const login = (line, username, password) =>
                line.send('POST', '/api/oidc/token', {
                        body: form({
                                grant_type: 'password',
                                ...CLIENT,
                                username,
                                password,
                                scope: 'openid',
                        }),
                });
        const asForm = 'Content-Type: application/x-www-form-urlencoded';
        return {
                ...peer,
                login: (line) => login(line, user.username, user.password),
                fail: (line, name) => login(line, name, 'not the password'),
                check: ['/api/oidc/userinfo/', 'GET', '', 'Authorization: Bearer %s'],
                introspect: [
                        '/api/oidc/introspect/',
                        'POST',
                        'token=%s',
                        asForm,
                        'Authorization: Bearer %s',
                ],
                refresh: [
                        '/api/oidc/token',
                        'POST',
                        `${form({ grant_type: 'refresh_token', ...CLIENT })}&refresh_token=%s`,
                        asForm,
                ],
        };
}
