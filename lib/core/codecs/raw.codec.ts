import { fieldOf, type Codec } from './codec.js';
import type { Fields, OutgoingMessage } from '../message.js';

/**
 * All fields as they are: the payload is an object of strings. The event type is the field
 * `event_type`; where there is none, the stream's name. Of several fields with one name the first
 * counts. Metadata is not carried.
 */
export const rawCodec: Codec = {
  name: 'raw',

  encode({ eventType, stream, payload }: OutgoingMessage): Fields {
    const entries = Object.entries(asTexts(payload));
    const named = entries.find(([name]) => name === 'event_type')?.[1];
    if (named !== undefined && named !== eventType) {
      throw new TypeError(`the payload's own event_type is "${named}"`);
    }
    if (named === undefined && eventType !== stream) entries.unshift(['event_type', eventType]);
    if (entries.length === 0) throw new TypeError('a raw entry needs at least one field');
    return entries.flat();
  },

  eventType: (fields, stream) => fieldOf(fields, 'event_type') ?? stream,

  decode(fields) {
    const payload = new Map<string, string>();
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index]!;
      if (!payload.has(name)) payload.set(name, fields[index + 1] ?? '');
    }
    return { payload: Object.fromEntries(payload) };
  },
};

function asTexts(payload: unknown): Record<string, string> {
  const isTexts =
    typeof payload === 'object' &&
    payload !== null &&
    !Array.isArray(payload) &&
    Object.values(payload).every((value) => typeof value === 'string');
  if (!isTexts) throw new TypeError('a raw payload must be an object of strings');
  return payload as Record<string, string>;
}
