// @ts-check

/**
 * Deletes the keys that begin with a prefix, or with a hash tag that does (`{prefix:orders}:floor`),
 * in steps that hold up no other client.
 *
 * @param {import('ioredis').Redis} client
 * @param {string} prefix without the signs of a pattern (`*?[]\`)
 */
export async function deleteKeys(client, prefix) {
  for (const pattern of [`${prefix}*`, `{${prefix}*`]) await deleteMatching(client, pattern);
}

/** @param {import('ioredis').Redis} client @param {string} pattern */
async function deleteMatching(client, pattern) {
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
    if (keys.length > 0) await client.unlink(...keys);
    cursor = next;
  } while (cursor !== '0');
}
