import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.js';

/** Longest time for which an export keeps the event loop, in milliseconds. */
const SLICE = 5;
/** Series between two looks at the clock. */
const STRIDE = 32;

/** Lets the event loop go on during long work. */
export class LoopTime {
  private steps = 0;
  private since: number;

  constructor(private readonly clock: Pick<Clock, 'now'>) {
    this.since = clock.now();
  }

  /** Whether the work has kept the event loop for long enough. Call it once for each series. */
  get isUp(): boolean {
    return ++this.steps % STRIDE === 0 && this.clock.now() - this.since > SLICE;
  }

  /** Resolves once the event loop has gone round. */
  async pass(): Promise<void> {
    await setImmediate();
    this.since = this.clock.now();
  }
}
