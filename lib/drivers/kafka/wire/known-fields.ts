/** Whether the codecs know a field of this name. Of other programs, other headers are metadata. */
export const isKnown = (name: string): boolean =>
  name === 'event_type' ||
  name === 'metadata' ||
  name === 'timestamp' ||
  name === 'idempotency_key';
