// SPDX-License-Identifier: MIT
// The Fastify peer: GET /api/v1/auth/me behind @fastify/jwt. Prints "TOKEN <token>" and listens on
// the port given.
import fastify from 'fastify';
import jwt from '@fastify/jwt';

const app = fastify({ logger: false });
app.register(jwt, { secret: 'a secret of thirty-two bytes or more' });
app.get('/api/v1/auth/me', { onRequest: (request) => request.jwtVerify() }, async (request) => ({
        user_id: request.user.sub,
        email: request.user.email,
        full_name: 'Ann Field',
        tier: 'free',
        is_active: true,
        is_verified: false,
        is_admin: false,
        created_at: '2026-01-10T09:30:00.123Z',
        last_login: '2026-01-10T09:30:00.123Z',
        max_memories: 10000,
        max_requests_per_day: 1000,
}));
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
console.log(
        `TOKEN ${app.jwt.sign({ sub: 'usr_01', email: 'ann@example.org', tier: 'free' }, { expiresIn: '1h' })}`,
);
