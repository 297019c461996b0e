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
