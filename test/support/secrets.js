// @ts-check
import { createECDH, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

/** Every password and every private key of the suite, by name. */
export const SECRETS = /** @type {const} */ ([
  'server',
  'user',
  'another',
  'wrong',
  'sentinel',
  'watcher',
  'data',
  'payload',
  'key',
]);

/** @typedef {(typeof SECRETS)[number]} SecretName */

/**
 * What no other text has, and every form of a secret does: letters alone, which stay what they are in
 * a URL, in JSON and in a configuration file.
 *
 * @param {SecretName} name
 */
export function wordOf(name) {
  return `Show${name[0]?.toUpperCase()}${name.slice(1)}ToNobody`;
}

/** A password, with signs that have a meaning in URLs. @param {SecretName} name */
export function secret(name) {
  return `p@ss/${wordOf(name)}:of%the+`;
}

/** As a part of a URL. @param {SecretName} name */
export function secretInUrl(name) {
  return encodeURIComponent(secret(name));
}

/** A pair of keys. The word stands in the private one, so that it also stands in its PEM. */
export function newKeys() {
  // The twelve bytes before it fill up the first line of the PEM; the first of all bounds the number.
  const word = Buffer.from(wordOf('key'));
  const rest = randomBytes(20 - word.length);
  const number = Buffer.concat([Buffer.from([1]), randomBytes(11), word, rest]);
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(number);
  const point = curve.getPublicKey();
  const [d, x, y] = [number, point.subarray(1, 33), point.subarray(33)].map((part) =>
    part.toString('base64url'),
  );
  const key = { kty: 'EC', crv: 'P-256', d, x, y };
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** The kinds of nkeys, by the bits that their seeds begin with. */
const NKEYS = /** @type {const} */ ({ operator: 14 << 3, account: 0, user: 20 << 3 });
const NKEY_SEED = 18 << 3;

/**
 * The seed of a new private key of NATS, such as `SUA…`. The word stands in it, as {@link base32} of it.
 *
 * @param {keyof typeof NKEYS} kind
 */
export function newNkeySeed(kind) {
  const prefix = [NKEY_SEED | (NKEYS[kind] >> 5), (NKEYS[kind] & 31) << 3];
  const word = Buffer.from(wordOf('key'));
  // Five bytes are eight letters: the three make the word begin at a letter of its own.
  const key = Buffer.concat([randomBytes(3), word, randomBytes(32 - 3 - word.length)]);
  const bytes = Buffer.concat([Buffer.from(prefix), key]);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(checksum(bytes));
  return base32(Buffer.concat([bytes, sum]));
}

/** @param {Buffer} bytes */
export function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = bits.match(/.{1,5}/g) ?? [];
  return letters
    .map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}

/** CRC-16 (XMODEM), at the end of each nkey. @param {Buffer} bytes */
function checksum(bytes) {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
  }
  return sum;
}
