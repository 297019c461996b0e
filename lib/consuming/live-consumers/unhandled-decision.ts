import type { UnhandledWaits } from '../../core/unhandled-waits.js';
import type { LiveConsumer } from '../../ports/live-consumers.js';
import { deadLetter, type Settlement } from '../../core/settlement.js';
import type { GroupReading } from './group-reading.js';

/** Longest time until a waiting delivery is looked at again, in milliseconds. */
export const LOOK_AGAIN = 1000;
const SOON = 50;

/** What becomes of an event that no handler here takes. */
export type Decision =
  | { readonly kind: 'hand-over'; readonly to: LiveConsumer }
  | { readonly kind: 'wait'; readonly why: UnhandledWaits; readonly delay: number }
  /** Consumers of an older version may handle it. */
  | { readonly kind: 'release' }
  | { readonly kind: 'settle'; readonly settlement: Settlement };

export interface Undecided {
  readonly eventType: string;
  /** The settlement where no consumer takes the event. */
  readonly otherwise: Settlement;
  /** For how long the absence of another consumer does not count yet, in milliseconds. */
  readonly unsettledFor: number;
  /** Consumers that are gone for less than this may be restarting, in milliseconds. */
  readonly restartsWithin: number;
}

/** The one place that decides, by a reading that began after the entry was read. */
export function decide(reading: GroupReading, event: Undecided): Decision {
  const { eventType, otherwise, unsettledFor, restartsWithin } = event;
  const to = reading.receiverOf(eventType);
  if (to) return { kind: 'hand-over', to };
  if (reading.hasResting(eventType)) return wait('not-reading', LOOK_AGAIN);
  if (reading.hasUnannounced) return { kind: 'release' };
  const goneFor = reading.goneFor(eventType);
  if (goneFor !== undefined && goneFor < restartsWithin)
    return wait('restarting', restartsWithin - goneFor);
  if (unsettledFor > 0) return wait('unsettled', unsettledFor);
  if (goneFor === undefined) return { kind: 'settle', settlement: otherwise };
  // Some consumer of the group handled such events: an acknowledgement would silently lose this
  // one.
  const settlement = otherwise.kind === 'ack' ? deadLetter('unmatched') : otherwise;
  return { kind: 'settle', settlement };
}

const wait = (why: UnhandledWaits, ms: number): Decision => ({
  kind: 'wait',
  why,
  delay: Math.min(LOOK_AGAIN, Math.max(SOON, ms)),
});
