// @ts-check
export const EVENT = 'bench.message';

const ITEM = { sku: 'A-10023', name: 'Desk lamp, brass', quantity: 2, price: 49.9 };

/**
 * A payload of about `size` bytes of JSON that looks like what services send: some texts, some
 * numbers, a list. Message `n` differs from the others by its number only.
 *
 * @param {number} size
 * @returns {(n: number, sent?: number) => import('./types.js').Payload}
 */
export function payloadMaker(size) {
  const body = { customer: 'c-5a01f7', currency: 'EUR', paid: true, items: [ITEM], note: '' };
  const length = () => JSON.stringify({ n: 10_000, ...body }).length;
  while (length() + 90 < size) body.items.push(ITEM);
  body.note = 'x'.repeat(Math.max(0, size - length()));
  return (n, sent) => (sent === undefined ? { n, ...body } : { n, sent, ...body });
}

/** The JSON around the number of a message. @param {number} size */
export function payloadJson(size) {
  const [before = '', after = ''] = JSON.stringify(payloadMaker(size)(12_345)).split('12345');
  return { before, after };
}
