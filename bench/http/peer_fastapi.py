# SPDX-License-Identifier: MIT
"""The FastAPI peer: GET /api/v1/auth/me behind python-jose. Prints "TOKEN <token>" and listens on the port given."""
import sys
import time

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jose import JWTError, jwt

SECRET = 'a secret of thirty-two bytes or more'
app = FastAPI()
bearer = HTTPBearer()


async def user(credential: HTTPAuthorizationCredentials = Depends(bearer)):
    try:
        return jwt.decode(credential.credentials, SECRET, algorithms=['HS256'])
    except JWTError as error:
        raise HTTPException(status_code=401) from error


@app.get('/api/v1/auth/me')
async def me(claims: dict = Depends(user)):
    return {'user_id': claims['sub'], 'email': claims['email'], 'full_name': 'Ann Field', 'tier': 'free', 'is_active': True,
            'is_verified': False, 'is_admin': False, 'created_at': '2026-01-10T09:30:00.123Z',
            'last_login': '2026-01-10T09:30:00.123Z', 'max_memories': 10000, 'max_requests_per_day': 1000}


if __name__ == '__main__':
    claims = {'sub': 'usr_01', 'email': 'ann@example.org', 'tier': 'free', 'exp': int(time.time()) + 3600}
    print('TOKEN', jwt.encode(claims, SECRET, algorithm='HS256'), flush=True)
    uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[1]), log_level='warning', access_log=False)
