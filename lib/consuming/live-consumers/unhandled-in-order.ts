import { sleep, type Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isOurs, move } from '../../core/delivery-state.js';
import { requestOf } from '../../core/request-header.js';
import { postpone, release, taken } from '../../core/settlement.js';
import type { MessageSource } from '../../ports/source.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { LOOK_AGAIN } from './unhandled-decision.js';
import type { HandOver } from './hand-over.js';
import type { Ends } from './transfers.js';
import { unhandledEvent } from '../plan/unhandled-event.js';

export interface UnhandledInOrderOptions {
  readonly handOver: HandOver;
  readonly clock: Clock;
  readonly tables: ReadonlyMap<string, HandlerTable>;
  readonly source: Pick<MessageSource, 'settle'>;
  readonly ends: Ends;
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Gives the stream up to a consumer that takes this event. From then on the stream is halted. */
  readonly onYield: (delivery: Delivery) => void;
}

/**
 * Holds an ordered stream up at an event that no handler here takes, until its settlement is known:
 * the entries behind it may have the same key.
 */
export class UnhandledInOrder {
  private readonly over = new AbortController();

  constructor(private readonly options: UnhandledInOrderOptions) {}

  /** Call it when the stream is halted, or lost: waits end. */
  end(): void {
    this.over.abort();
  }

  /** Resolves when the delivery is settled, or given back. */
  async conclude(delivery: Delivery): Promise<void> {
    const { handOver, tables, ends, isHalted } = this.options;
    const table = tables.get(delivery.stream)!;
    delivery.unhandled = unhandledEvent(table, requestOf(delivery.lease.fields!) !== undefined);
    while (isOurs(delivery) && !isHalted(delivery)) {
      const decision = await this.unlessOver(handOver.decide(delivery));
      if (!isOurs(delivery) || isHalted(delivery)) break;
      if (decision?.kind === 'settle') return handOver.conclude(delivery, decision.settlement);
      if (decision?.kind === 'hand-over' || decision?.kind === 'release')
        this.options.onYield(delivery);
      else await this.wait(delivery, decision);
    }
    if (!isOurs(delivery)) ends.settle(delivery, taken);
    else ends.settle(delivery, release);
  }

  private async wait(
    delivery: Delivery,
    waiting: Extract<Awaited<ReturnType<HandOver['decide']>>, { kind: 'wait' }> | undefined,
  ): Promise<void> {
    const { handOver, clock } = this.options;
    if (waiting) handOver.tellOfWait(delivery, waiting.why);
    await this.takeBack(delivery);
    if (isOurs(delivery)) await sleep(clock, waiting?.delay ?? LOOK_AGAIN, this.over.signal);
  }

  /**
   * A run that was counted and did not start is taken back, so that the count stays right if this
   * process dies.
   */
  private async takeBack(delivery: Delivery): Promise<void> {
    const { lease } = delivery;
    if (!lease.charged) return;
    const settling = this.options.source.settle([{ lease, settlement: postpone(0) }]);
    const outcomes = await this.unlessOver(settling.catch(() => undefined));
    const outcome = outcomes?.[0];
    if (outcome === 'lost' || outcome === 'gone') move(delivery, 'lost');
  }

  private async unlessOver<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.over;
    if (signal.aborted) return undefined;
    let stop!: () => void;
    const aborted = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)));
    signal.addEventListener('abort', stop, { once: true });
    const result = await Promise.race([work, aborted]);
    signal.removeEventListener('abort', stop);
    return result;
  }
}
