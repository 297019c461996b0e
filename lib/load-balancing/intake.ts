import { backoffDelay } from '../core/backoff.js';
import { sleep, type Clock } from '../core/clock.js';
import type { StreamInput, StreamInputs } from '../ports/stream-ownership.js';
import type { BalancerRetry } from './balancer-settings.js';

/** Most inputs of one read: others read, too, and whoever has got one has to lock it at once. */
const AT_ONCE = 10;
/** How long reading rests where there is no room, ms. Room that is made wakes it before. */
const REST = 1000;

export interface IntakeOptions {
  readonly clock: Clock;
  readonly inputs: StreamInputs;
  readonly retry: BalancerRetry;
  /** How many more streams may be owned. */
  readonly room: () => number;
  readonly accept: (inputs: readonly StreamInput[]) => Promise<void>;
  readonly onFailure: (error: Error) => void;
  /** Reading has failed more often in a row than allowed. */
  readonly onGivenUp: (error: Error) => void;
}

/** The loop that reads new inputs. */
export class Intake {
  private readonly stopping = new AbortController();
  private resting = new AbortController();
  private loop: Promise<void> | undefined;

  constructor(private readonly options: IntakeOptions) {}

  start(): void {
    this.loop ??= this.run();
  }

  /** Awaits what was read last; the source has to be told to end its wait. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.resting.abort();
    await this.loop;
  }

  /** One that rests looks again. */
  roomMade(): void {
    this.resting.abort();
  }

  private async run(): Promise<void> {
    const { clock, inputs, room, accept, retry, onFailure, onGivenUp } = this.options;
    const waits = { type: 'exponential', ...retry, jitter: 0 } as const;
    for (let failures = 0; !this.stopping.signal.aborted;) {
      const limit = Math.min(room(), AT_ONCE);
      if (limit <= 0) {
        await this.rest();
        continue;
      }
      try {
        const read = await inputs.pull(limit);
        failures = 0;
        if (read.length > 0) await accept(read);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        failures++;
        if (retry.maxRetries >= 0 && failures > retry.maxRetries) return onGivenUp(error as Error);
        onFailure(error as Error);
        await sleep(clock, backoffDelay(waits, failures), this.stopping.signal);
      }
    }
  }

  private async rest(): Promise<void> {
    if (this.resting.signal.aborted) this.resting = new AbortController();
    await sleep(this.options.clock, REST, this.resting.signal);
  }
}
