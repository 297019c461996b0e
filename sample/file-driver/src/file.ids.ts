import type { IdFormat } from 'nestjs-redis-streams/driver';

/** The entries of a stream are numbered, from 1. */
export const FILE_IDS: IdFormat = {
  accepts: (id) => /^\d{1,15}$/.test(id),
  compare: (a, b) => Number(a) - Number(b),
  expected: 'a number such as 17',
};
