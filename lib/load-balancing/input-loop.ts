import { backoffDelay } from '../core/backoff.js';
import { sleep, type Clock } from '../core/clock.js';
import type { StreamInput, StreamInputs } from '../ports/stream-inputs.js';
import type { BalancerRetry } from './balancer-settings.js';

/**
 * Most inputs of one read. Other consumers read, too, and this consumer has to lock each input at
 * once.
 */
const AT_ONCE = 10;
/** How long reading rests while there is no room, in milliseconds. New room ends the rest. */
const REST = 1000;

export interface InputLoopOptions {
  readonly clock: Clock;
  readonly inputs: StreamInputs;
  readonly retry: BalancerRetry;
  /** How many more streams this consumer may own. */
  readonly capacity: () => number;
  readonly accept: (inputs: readonly StreamInput[]) => Promise<void>;
  readonly onFailure: (error: Error) => void;
  /** Called when reading has failed more often in a row than allowed. */
  readonly onGivenUp: (error: Error) => void;
}

/** The loop that reads new inputs. */
export class InputLoop {
  private readonly stopping = new AbortController();
  private resting = new AbortController();
  private loop: Promise<void> | undefined;

  constructor(private readonly options: InputLoopOptions) {}

  start(): void {
    this.loop ??= this.run();
  }

  /** Awaits the last read. The caller has to end the wait of the source. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.resting.abort();
    await this.loop;
  }

  /** Ends a rest: there is room for a stream. */
  capacityFreed(): void {
    this.resting.abort();
  }

  private async run(): Promise<void> {
    const { clock, inputs, capacity, accept, retry, onFailure, onGivenUp } = this.options;
    const waits = { type: 'exponential', ...retry, jitter: 0 } as const;
    for (let failures = 0; !this.stopping.signal.aborted;) {
      const limit = Math.min(capacity(), AT_ONCE);
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
