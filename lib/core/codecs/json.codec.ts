import { fieldOf, type Codec, type DecodedFields } from './codec.js';
import type { Fields, Metadata, OutgoingMessage } from '../message.js';

/** Templates that are copied. Writing them as literals would cost more: see docs/decisions/0015. */
const BARE = ['event_type', '', 'payload', ''];
const WITH_METADATA = [...BARE, 'metadata', ''];

/**
 * The default shape of an entry: `event_type`, `payload` (JSON), and, where there is any,
 * `metadata` (JSON object of strings). The codec reads a `timestamp` (ISO 8601) and writes none,
 * since the entry's id holds the time.
 */
export const jsonCodec: Codec = {
  name: 'json',

  encode({ eventType, payload, metadata }: OutgoingMessage): Fields {
    const text = metadata === undefined ? undefined : metadataToJson(metadata);
    const fields = (text === undefined ? BARE : WITH_METADATA).slice();
    fields[1] = eventType;
    fields[3] = payloadToJson(payload);
    if (text !== undefined) fields[5] = text;
    return fields;
  },

  eventType(fields: Fields): string {
    const usual = fields[0] === 'event_type' && fields[1];
    return usual || required(fieldOf(fields, 'event_type'), 'event_type');
  },

  decode(fields: Fields): DecodedFields {
    // Nearly every entry is exactly what `encode` writes without metadata.
    const usual = fields[0] === 'event_type' && fields[2] === 'payload';
    if (usual && fields.length === 4) return { payload: JSON.parse(fields[3]!) as unknown };
    const payload = payloadFromJson(usual ? fields[3] : fieldOf(fields, 'payload'));
    const metadata = readMetadata(fields);
    const timestamp = fieldOf(fields, 'timestamp');
    return { payload, ...(metadata && { metadata }), ...(timestamp && { timestamp }) };
  },
};

/** JSON text of a payload. `undefined` becomes null. A value without JSON text throws. */
export function payloadToJson(payload: unknown): string {
  const text = JSON.stringify(payload === undefined ? null : payload) as string | undefined;
  if (text === undefined) throw new TypeError(`a ${typeof payload} has no JSON text`);
  return text;
}

/** A missing payload is `undefined`. */
export function payloadFromJson(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

export function withMetadata(fields: readonly string[], metadata: Metadata | undefined): Fields {
  if (metadata === undefined) return fields;
  const text = metadataToJson(metadata);
  return text === undefined ? fields : [...fields, 'metadata', text];
}

/** Undefined where the metadata is empty. */
function metadataToJson(metadata: Metadata): string | undefined {
  if (!isObject(metadata) || !hasTextsOnly(metadata)) {
    throw new TypeError('metadata must be an object of strings');
  }
  const text = JSON.stringify(metadata);
  return text === '{}' ? undefined : text;
}

/**
 * Accepts what other programs write: a value that is no text becomes its JSON text, and an empty
 * field or `null` is no metadata.
 */
export function readMetadata(fields: Fields): Metadata | undefined {
  const text = fieldOf(fields, 'metadata');
  if (!text) return undefined;
  const value: unknown = JSON.parse(text);
  if (value === null) return undefined;
  if (!isObject(value)) throw new TypeError('metadata must be a JSON object');
  return hasTextsOnly(value) ? value : withTextsOnly(value);
}

/** A field that every entry of this shape has. */
export function required(value: string | undefined, field: string): string {
  if (value) return value;
  throw new TypeError(`the entry has no field "${field}", or an empty one`);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hasTextsOnly(value: object): value is Metadata {
  for (const name in value) {
    if (typeof (value as Record<string, unknown>)[name] !== 'string') return false;
  }
  return true;
}

function withTextsOnly(value: object): Metadata {
  return Object.fromEntries(
    Object.entries(value).map(([name, one]): [string, string] => [
      name,
      typeof one === 'string' ? one : JSON.stringify(one),
    ]),
  );
}
