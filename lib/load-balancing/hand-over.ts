import { within, type Clock } from '../core/clock.js';
import type { HandOverTarget } from '../ports/stream-locks.js';
import type { Abandoned } from './abandoned-inputs.js';
import { MEETING } from './balancer-settings.js';
import type { OwnedStream } from './owned-stream.js';
import type { Sharing } from './sharing.js';

/** Most streams handed over in one look, so that the next look is not late. */
const MOST_AT_A_LOOK = 1000;
/**
 * How long the next stream waits for one whose message under way is not settled yet, in
 * milliseconds.
 */
const PATIENCE = 1000;
/**
 * A consumer that owns too few streams checks this often, and at this interval in milliseconds,
 * whether it was handed some.
 */
const EAGER = { meetings: 100, interval: 100 };

/** Chooses a consumer for a stream. Undefined: the stream stays with this consumer. */
export type Aim = () => Promise<HandOverTarget | undefined>;

export interface StreamHandOverOptions {
  readonly clock: Clock;
  readonly sharing: Sharing;
  readonly rebalance: boolean;
  readonly claims: () => boolean;
  /** @param aim chooses the receiver, once nothing of the stream runs any more */
  readonly handOver: (owned: OwnedStream, aim: Aim) => Promise<void>;
  readonly onFailure: (error: Error) => void;
  /** Aborts when this consumer ends. */
  readonly signal: AbortSignal;
}

/** Hands streams over, one after the other, to consumers that own less than their share. */
export class StreamHandOver {
  private eager = EAGER.meetings;

  constructor(private readonly options: StreamHandOverOptions) {}

  /** @param found streams without an owner; they count in the shares */
  async balance(found: readonly Abandoned[]): Promise<void> {
    const { clock, sharing, claims, rebalance, handOver, onFailure, signal } = this.options;
    if (!rebalance || !claims()) return;
    const aim: Aim = async () => {
      await sharing.meet();
      return sharing.target(found);
    };
    for (let left = MOST_AT_A_LOOK; left > 0 && !signal.aborted; left--) {
      const one = sharing.surplus(found);
      if (!one) return;
      // The hand-over ends when the message under way is settled. Other streams need not wait for
      // that.
      await within(clock, PATIENCE, handOver(one, aim).catch(onFailure));
    }
  }

  /** Milliseconds until this consumer meets the others again. */
  get untilMeeting(): number {
    const { sharing } = this.options;
    if (sharing.hasNews || !sharing.expects) this.eager = EAGER.meetings;
    if (sharing.hasNews) return 0;
    if (!sharing.expects || this.eager === 0) return MEETING;
    this.eager--;
    return EAGER.interval;
  }
}
