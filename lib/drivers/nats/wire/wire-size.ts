import type { WireMessage } from './encode-entry.js';

/** `NATS/1.0` and two line ends. */
const FRAME = 12;
/** The colon, the space and the line end of one header. */
const HEADER_FRAME = 4;

/** Bytes of a message as the server counts them for its `max_payload`: headers and body. */
export function sizeOf({ body, headers }: WireMessage): number {
  if (headers.length === 0) return body.length;
  let size = FRAME + body.length + (headers.length / 2) * HEADER_FRAME;
  for (const text of headers) size += Buffer.byteLength(text);
  return size;
}
