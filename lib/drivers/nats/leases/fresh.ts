/**
 * How much earlier than the server a lease counts as not fresh any more, in milliseconds. A server
 * that starts again remembers deliveries to the second only, and steps take time to arrive.
 */
export const freshMargin = (ackWait: number): number => Math.min(1000, ackWait / 5);

/** Until when what the server was told, or asked for, at `since` keeps an entry from others. */
export const freshUntil = (since: number, ackWait: number): number =>
  since + ackWait - freshMargin(ackWait);
