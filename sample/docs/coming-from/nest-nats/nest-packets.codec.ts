import { jsonCodec } from 'nestjs-redis-streams/core';
import type { Codec } from 'nestjs-redis-streams/driver';

/** Reads what `ClientProxy.emit` of Nest's NATS transport sends, and what this library publishes. */
export const nestPackets: Codec = {
  name: 'nest-packets',
  encode: (message) => jsonCodec.encode(message),
  // Nest names the event in the subject, which is the stream.
  eventType: (fields, stream) => fieldOf(fields, 'event_type') ?? stream,
  decode(fields) {
    const own = fieldOf(fields, 'event_type') !== undefined;
    if (own) return jsonCodec.decode(fields);
    const packet = JSON.parse(fieldOf(fields, 'payload')!) as { data: unknown };
    return { payload: packet.data };
  },
};

/** Fields are names and values in turn. */
function fieldOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.findIndex((text, at) => at % 2 === 0 && text === name);
  return at < 0 ? undefined : fields[at + 1];
}
