import type { MsgHdrs } from '@nats-io/transport-node';

/** Makes headers for the client. Undefined: there are none. */
export function clientHeaders(
  make: () => MsgHdrs,
  headers: readonly string[],
): MsgHdrs | undefined {
  if (headers.length === 0) return undefined;
  const made = make();
  for (let at = 0; at < headers.length; at += 2) made.append(headers[at]!, headers[at + 1]!);
  return made;
}
