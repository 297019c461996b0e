import { jsonCodec } from 'nestjs-redis-streams/core';
import type { Codec } from 'nestjs-redis-streams/driver';

/** Where a message has no header `event_type`, the event type is the stream. */
export const subjectCodec: Codec = {
  name: 'subject',
  encode: (message) => jsonCodec.encode(message),
  eventType(fields, stream) {
    const isNamed = fields.some(
      (text, at) => at % 2 === 0 && text === 'event_type',
    );
    return isNamed ? jsonCodec.eventType(fields, stream) : stream;
  },
  decode: (fields) => jsonCodec.decode(fields),
};
