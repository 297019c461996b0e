import { isUtf8 } from 'node:buffer';
import { fieldOf } from '../../../core/codecs/codec.js';
import { isRecord } from '../../../core/option-schema/shape.js';
import type { ReadHeaders } from '../connection/kafka-client.js';
import { lastValue } from './header-value.js';

/**
 * Adds headers of another program to the field `metadata`. A header whose bytes are no text is left out: it
 * must not make the message undecodable. Where there is a `metadata` that is no JSON object, nothing is
 * added to it.
 */
export function withHeaders(
  fields: string[],
  headers: ReadHeaders,
  names: readonly string[],
): string[] {
  const given = metadataOf(fields);
  if (!given) return fields;
  const texts = new Map<string, unknown>();
  for (const name of names) {
    const bytes = lastValue(headers[name]);
    if (bytes === null || isUtf8(bytes)) texts.set(name, bytes === null ? '' : bytes.toString());
  }
  for (const [name, value] of Object.entries(given)) texts.set(name, value);
  if (texts.size === 0) return fields;
  const at = fields.indexOf('metadata', 4);
  const text = JSON.stringify(Object.fromEntries(texts));
  if (at === -1) fields.push('metadata', text);
  else fields[at + 1] = text;
  return fields;
}

/** Undefined: it is no JSON object. */
function metadataOf(fields: readonly string[]): object | undefined {
  const text = fieldOf(fields, 'metadata');
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text) ?? {};
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
