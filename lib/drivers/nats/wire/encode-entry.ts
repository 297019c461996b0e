import { jsonOfFields } from '../../../core/codecs/fields-json.js';
import { bytesOfText } from '../../../core/codecs/text-bytes.js';
import type { Fields } from '../../../core/message.js';
import { FIELDS_AS_JSON, FIELDS_HEADER, isReserved } from './own-headers.js';

/** An entry as NATS carries it. */
export interface WireMessage {
  readonly body: Uint8Array;
  /** Names and values in turn. Each name stands there once. */
  readonly headers: readonly string[];
}

/** More headers than this, and more characters in them, are written to the body. */
const MOST_HEADERS = 32;
/** JetStream takes 65,535 bytes of headers. A character has three bytes at most. */
const MOST_CHARACTERS = 16_000;

/** Characters of a header's name: all visible ones of ASCII, without the colon. */
const NAME = /^[!-9;-~]+$/;
/** A value of ASCII that arrives as it was sent: spaces stand only between other characters. */
const ASCII_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;
// eslint-disable-next-line no-control-regex -- these characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Turns an entry into a message. `payload` is the body, and each other field is a header of its own
 * name, so that other programs can read it. That is for fields of the usual shape: one field, then
 * `payload`, then the others, or `payload` alone. An entry of any other shape, or with a name or value
 * that no header can carry, is a body that has all fields as JSON, and a header that says so.
 *
 * @param hasBytes see `OutgoingEntry.hasBytes`
 */
export function encodeEntry(fields: Fields, hasBytes = false): WireMessage {
  const at = fields.length === 2 ? 0 : 2;
  if (fields[at] !== 'payload') return asJson(fields);
  const payload = fields[at + 1]!;
  // A lone surrogate is no text. It stands for a byte, or has to be escaped.
  if (!hasBytes && !payload.isWellFormed()) return asJson(fields);
  const headers = at === 0 ? [] : headersOf(fields);
  return headers ? { body: bytesOfText(payload), headers } : asJson(fields);
}

/** All fields but the payload. Undefined: they cannot all be headers. */
function headersOf(fields: Fields): string[] | undefined {
  if (fields.length > 2 * MOST_HEADERS) return undefined;
  const headers: string[] = [];
  let characters = 0;
  for (let at = 0; at < fields.length; at += 2) {
    if (at === 2) continue;
    const name = fields[at]!;
    const value = fields[at + 1]!;
    characters += name.length + value.length;
    const fits = characters <= MOST_CHARACTERS && isPlainName(name) && isPlainValue(value);
    if (!fits || isThere(headers, name)) return undefined;
    headers.push(name, value);
  }
  return headers;
}

const isPlainName = (name: string): boolean =>
  name === 'event_type' || (NAME.test(name) && name !== 'payload' && !isReserved(name));

const isPlainValue = (value: string): boolean =>
  ASCII_VALUE.test(value) ||
  (value !== '' && value === value.trim() && !CONTROL.test(value) && value.isWellFormed());

function isThere(headers: readonly string[], name: string): boolean {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return true;
  return false;
}

const asJson = (fields: Fields): WireMessage => ({
  body: Buffer.from(jsonOfFields(fields)),
  headers: [FIELDS_HEADER, FIELDS_AS_JSON],
});
