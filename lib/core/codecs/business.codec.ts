import { fieldOf, type Codec } from './codec.js';
import type { Fields } from '../message.js';
import { systemClock } from '../clock.js';
import { text } from '../option-schema/kinds.js';
import { refuse } from '../option-schema/refuse.js';
import { declareOptions, type Given } from '../option-schema/shape.js';
import { isoFromEpoch } from './epoch-timestamp.js';
import {
  payloadFromJson,
  payloadToJson,
  readMetadata,
  required,
  withMetadata,
} from './json.codec.js';

const OPTIONS = declareOptions('businessCodec', {
  /** Name of this service, written to the field `source` of each entry. */
  source: text().required(),
});

export interface BusinessCodecOptions extends Given<typeof OPTIONS> {}

/**
 * The shape of business streams such as `job:lifecycle`: `eventType`, `timestamp` in milliseconds,
 * `source`, `data` (JSON). Decoded entries carry their `source` in the metadata. Other metadata
 * goes to a further field `metadata`, which other programs ignore.
 */
export function businessCodec(options: BusinessCodecOptions): Codec {
  refuse(OPTIONS.problems(options));
  const { source } = options;
  return {
    name: 'business',
    encode: ({ eventType, payload, metadata }) =>
      withMetadata(fieldsOf(eventType, source, payloadToJson(payload)), metadata),
    eventType: (fields) => required(fieldOf(fields, 'eventType'), 'eventType'),
    decode: (fields) => {
      const timestamp = isoFromEpoch(fieldOf(fields, 'timestamp'), 'timestamp');
      return {
        payload: payloadFromJson(fieldOf(fields, 'data')),
        metadata: metadataWithSource(fields),
        ...(timestamp !== undefined && { timestamp }),
      };
    },
  };
}

const fieldsOf = (eventType: string, source: string, data: string): Fields => [
  'eventType',
  eventType,
  'timestamp',
  String(systemClock.wallTime()),
  'source',
  source,
  'data',
  data,
];

function metadataWithSource(fields: Fields): Readonly<Record<string, string>> {
  const source = fieldOf(fields, 'source');
  return { ...readMetadata(fields), ...(source !== undefined && { source }) };
}
