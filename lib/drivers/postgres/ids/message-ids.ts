import type { IdFormat } from '../../../ports/id-format.js';

/** The largest bigint of PostgreSQL. */
const LARGEST = '9223372036854775807';

const isId = (id: unknown): id is string =>
  typeof id === 'string' && /^\d{1,19}$/.test(id) && (id.length < 19 || id <= LARGEST);

/** One sequence numbers the messages of all streams, as decimal texts. */
export const MESSAGE_IDS: IdFormat = Object.freeze({
  accepts: isId,
  compare: (a: string, b: string) => {
    const difference = BigInt(a) - BigInt(b);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  },
  expected: 'an id such as 12345',
});
