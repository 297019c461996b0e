// @ts-check
import { stripVTControlCharacters } from 'node:util';
import { base32, SECRETS, wordOf } from './secrets.js';

const SHOWN = 200;

/** @typedef {{ readonly secret: string, readonly form: string, readonly text: string }} Sign */
/** @typedef {{ readonly place: string, readonly line: number, readonly secret: string, readonly form: string, readonly text: string }} Leak */

/** @type {readonly Sign[]} */
const SIGNS = [
  ...SECRETS.flatMap((name) => signsOf(name, wordOf(name))),
  ...signsOf('key', 'BEGIN PRIVATE KEY'),
  { secret: 'key', form: 'in base32', text: base32(Buffer.from(wordOf('key'))) },
];

/**
 * Whether a line shows a secret: as it is, in a URL, in base64 wherever it begins there, as bytes, or
 * in the base32 of NATS.
 *
 * @param {string} line
 * @returns {readonly Sign[]}
 */
export function secretsIn(line) {
  const texts = formsOf(line);
  return SIGNS.filter(({ text }) => texts.some((form) => form.includes(text)));
}

/** Looks at all that is printed, line by line, as it comes. */
export class SecretWatch {
  /** @type {Leak[]} */
  leaks = [];
  #begun = '';
  #lines = 0;

  /** @param {string} place what it calls the output, such as `stdout` */
  constructor(place) {
    this.place = place;
  }

  /** @param {string} text */
  take(text) {
    const lines = (this.#begun + text).split('\n');
    this.#begun = lines.pop() ?? '';
    for (const line of lines) this.#look(line);
  }

  /** What came last may have no end of line. */
  end() {
    if (this.#begun !== '') this.take('\n');
    return this.leaks;
  }

  /** @param {string} printed */
  #look(printed) {
    const line = ++this.#lines;
    const found = secretsIn(printed);
    if (found.length === 0) return;
    const plain = stripVTControlCharacters(printed);
    const text = found.reduce((shown, sign) => shown.replaceAll(sign.text, '<secret>'), plain);
    for (const { secret, form } of found) {
      this.leaks.push({ place: this.place, line, secret, form, text: text.slice(0, SHOWN) });
    }
  }
}

/** @param {Leak} leak */
export function leakText({ place, line, secret, form, text }) {
  return `Line ${line} of ${place} shows the secret "${secret}" (${form}): ${text}`;
}

/** @param {string} secret @param {string} word @returns {Sign[]} */
function signsOf(secret, word) {
  const hex = Buffer.from(word).toString('hex');
  return [
    { secret, form: 'as it is', text: word },
    ...[0, 1, 2].map((before) => ({ secret, form: 'in base64', text: base64Of(word, before) })),
    { secret, form: 'as bytes', text: hex },
  ];
}

/** The signs that are the word's own, where so many bytes stand before it. @param {string} word @param {number} before */
function base64Of(word, before) {
  const bytes = Buffer.from('\0'.repeat(before) + word);
  return bytes.toString('base64').slice([0, 2, 3][before], Math.floor((bytes.length * 8) / 6));
}

/** A line as it is, and as what it may be a writing of. @param {string} line */
function formsOf(line) {
  const plain = stripVTControlCharacters(line);
  return [
    plain,
    plain.replaceAll(/\+|%20/g, ' '), // a URL's blanks
    plain.replaceAll('-', '+').replaceAll('_', '/'), // base64url
    plain.toLowerCase().replaceAll(' ', ''), // <Buffer 70 40>
  ];
}
