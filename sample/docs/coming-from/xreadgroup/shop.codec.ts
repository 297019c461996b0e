import { type Codec, fieldOf } from 'nestjs-redis-streams/driver';

/** The layout of this shop: `type`, `body` (JSON), `at` (milliseconds). */
export const shopCodec: Codec = {
  name: 'shop',

  encode: ({ eventType, payload, metadata }) => [
    ...['type', eventType, 'body', JSON.stringify(payload ?? null)],
    ...['at', String(Date.now())],
    ...(metadata ? ['meta', JSON.stringify(metadata)] : []),
  ],

  eventType(fields) {
    const type = fieldOf(fields, 'type');
    if (!type) throw new Error('the entry has no field "type"');
    return type;
  },

  decode(fields) {
    const at = fieldOf(fields, 'at');
    const meta = fieldOf(fields, 'meta');
    return {
      payload: JSON.parse(fieldOf(fields, 'body') ?? 'null'),
      ...(at && { timestamp: new Date(Number(at)).toISOString() }),
      ...(meta && { metadata: JSON.parse(meta) }),
    };
  },
};
