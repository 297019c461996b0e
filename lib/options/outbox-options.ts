import { either, flag, oneOf, whole } from '../core/option-schema/kinds.js';
import { declareOptions, type Completed, type Given } from '../core/option-schema/shape.js';

/** Longest timer of Node, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

export const OUTBOX_OPTIONS = declareOptions('the outbox', {
  /**
   * Whether this process publishes what waits. False: it only writes, and another process has to
   * publish. @default true
   */
  relay: flag().default(true),
  /** Most messages that the relay publishes at once, of one partition. @default 500 */
  batchSize: whole(1, 10_000).default(500),
  /**
   * Longest time until the relay looks for new messages, in milliseconds. After a message was written
   * in this process, the relay looks much sooner. @default 1000
   */
  relayInterval: whole(10, LONGEST).duration().default(1000),
  /**
   * How long a relay keeps its partitions when its process has died or hangs, in milliseconds. Then
   * the relay of another process takes them. @default 15000
   */
  leaseDuration: whole(1000, LONGEST).duration().default(15_000),
  /**
   * How often the message source may refuse a message. Then the message becomes a dead row, and those
   * behind it go on. With waits from 1 s to 5 min in between, 15 refusals take 40 minutes. An outage
   * of the source does not count. @default 15
   */
  maxRefusals: whole(1).default(15),
  /**
   * How long the message source remembers what the relay has published, in milliseconds. Longer than
   * the time in which no relay runs after a crash: docs/outbox.md#published-once.
   * @default the option `idempotencyWindow` of the module, 3600000 there
   */
  idempotencyWindow: either(
    "'native' or a whole number of at least 1",
    oneOf('native'),
    whole(1).duration(),
  ),
});

/** What an outbox does, beside where it is. */
export interface OutboxOptions extends Given<typeof OUTBOX_OPTIONS> {}

/** {@link OutboxOptions} with all defaults filled in. */
export interface OutboxSettings extends Completed<typeof OUTBOX_OPTIONS> {}
