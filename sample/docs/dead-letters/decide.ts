import type { DeadLetterStrategy } from 'nestjs-redis-streams/driver';

/** For `deadLetter` of a handler, or of the module. */
export const decide: DeadLetterStrategy = (record, fields) => {
  if (record.reason === 'unmatched') return 'drop';
  if (record.reason === 'undecodable') return { forward: 'garbage' };
  const size = fields.join('').length;
  return size > 100_000 ? 'drop' : 'queue';
};
