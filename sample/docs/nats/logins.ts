import { readFileSync } from 'node:fs';
import { nats } from 'nestjs-redis-streams/nats';

// #region credentials
export const withCredentials = nats({
  servers: ['nats://nats-1:4222', 'nats://nats-2:4222'],
  credentials: '/etc/nats/shop.creds',
});
// #endregion

// #region tls
export const withTls = (folder: string) =>
  nats({
    url: 'tls://nats.example.com:4222',
    user: 'shop',
    password: process.env.NATS_PASSWORD,
    tls: { ca: readFileSync(`${folder}/ca.pem`) },
  });
// #endregion
