import { postgres } from 'nestjs-redis-streams/postgres';

export const driver = postgres({
  url: process.env.PGBOUNCER_URL,
  hints: false, // a transaction pooler passes none on
  pollInterval: 200,
});
