import { fieldOf, type Codec } from './codec.js';
import { systemClock } from '../clock.js';
import { isoFromEpoch } from './epoch-timestamp.js';
import {
  payloadFromJson,
  payloadToJson,
  readMetadata,
  required,
  withMetadata,
} from './json.codec.js';

/**
 * The shape of Backstage queues: `taskName`, `payload` (JSON), `enqueuedAt` in milliseconds.
 * Metadata goes to a further field `metadata`, which Backstage ignores.
 */
export const backstageCodec: Codec = {
  name: 'backstage',
  encode: ({ eventType, payload, metadata }) => {
    const json = payloadToJson(payload);
    const enqueuedAt = String(systemClock.wallTime());
    const fields = ['taskName', eventType, 'payload', json, 'enqueuedAt', enqueuedAt];
    return withMetadata(fields, metadata);
  },
  eventType: (fields) => required(fieldOf(fields, 'taskName'), 'taskName'),
  decode: (fields) => {
    const metadata = readMetadata(fields);
    const timestamp = isoFromEpoch(fieldOf(fields, 'enqueuedAt'), 'enqueuedAt');
    return {
      payload: payloadFromJson(fieldOf(fields, 'payload')),
      ...(metadata && { metadata }),
      ...(timestamp !== undefined && { timestamp }),
    };
  },
};
