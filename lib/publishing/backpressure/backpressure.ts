import type { BackpressureOptions, MaxLag } from '../../options/backpressure-options.js';
import type { Clock } from '../../core/clock.js';
import { BackpressureError } from '../../core/errors/publishing.errors.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { GroupAdmin } from '../../ports/group-admin.js';
import { LagGate } from './lag-gate.js';
import { LagGauge } from './lag-gauge.js';

const LONGEST_WAIT = 30_000;
/**
 * Most gates kept, each for one stream and one limit. Gates without waiting publications are
 * forgotten first.
 */
const MOST_REMEMBERED = 1000;

export interface BackpressureParts {
  readonly technology: string;
  readonly groups: GroupAdmin | undefined;
  readonly clock: Clock;
}

/** Holds up publications while the consumers of their stream are too far behind. */
export class Backpressure {
  private readonly gauges = new Map<string, LagGauge>();
  private readonly gates = new Map<string, LagGate>();
  private closed = false;

  constructor(private readonly parts: BackpressureParts) {}

  /**
   * Resolves when the publication may go.
   * @throws BackpressureError, UnsupportedFeatureError, ClosedError
   */
  async pass(stream: string, options: BackpressureOptions): Promise<void> {
    const { maxLag = 0, onBackpressure = 'wait', timeout = LONGEST_WAIT } = options;
    const gate = this.gateOf(stream, maxLag);
    const slowest = await gate.enter(onBackpressure === 'wait');
    if (!slowest) return;
    if (onBackpressure === 'error') {
      const threshold = typeof maxLag === 'object' ? maxLag.lag : maxLag;
      throw new BackpressureError(stream, slowest.group, slowest.lag, threshold);
    }
    return gate.wait(slowest, timeout);
  }

  /** Fails all publications that wait. */
  close(): void {
    this.closed = true;
    for (const gate of this.gates.values()) gate.close();
  }

  private gateOf(stream: string, maxLag: number | MaxLag): LagGate {
    const key = JSON.stringify([stream, maxLag]);
    const known = this.gates.get(key);
    if (known) return known;
    const { groups, clock, technology } = this.parts;
    if (!groups) {
      const advice = 'Publish without maxLag.';
      throw new UnsupportedFeatureError('Publishing with maxLag', technology, advice);
    }
    if (this.gates.size >= MOST_REMEMBERED) this.forget();
    const gauge = this.gauges.get(stream) ?? new LagGauge(stream, groups, clock);
    this.gauges.set(stream, gauge);
    const gate = new LagGate({ stream, maxLag, gauge, clock });
    if (this.closed) gate.close();
    this.gates.set(key, gate);
    return gate;
  }

  private forget(): void {
    for (const [key, gate] of this.gates) if (gate.isIdle) this.gates.delete(key);
    const needed = new Set([...this.gates.values()].map(({ stream }) => stream));
    for (const stream of this.gauges.keys()) if (!needed.has(stream)) this.gauges.delete(stream);
  }
}
