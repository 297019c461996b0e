import type { Delivery } from '../../core/delivery.js';
import { asError } from '../../core/errors/error-record.js';
import { taken, type HandedOver, type Settlement } from '../../core/settlement.js';
import type { HandOverOutcome, LiveConsumer } from '../../ports/live-consumers.js';
import type { Presence } from './presence.js';

/** How deliveries of a consumer end. */
export interface Ends {
  settle(delivery: Delivery, settlement: Settlement): void;
  /** Makes the delivery wait, uncounted. */
  postpone(delivery: Delivery, delay: number): void;
}

export interface TransfersOptions {
  readonly presence: Presence;
  readonly maxParked: number;
  readonly ends: Ends;
  /** The receiver holds as much as it can. */
  readonly onFull: (delivery: Delivery) => void;
  /** The receiver does not take the delivery any more. */
  readonly onRefused: (delivery: Delivery) => void;
  /** What is known of the consumers of a stream is outdated. */
  readonly forget: (stream: string) => void;
  /** The outcome is unknown. If the entry was handed over, it will be found to be lost. */
  readonly onUnknown: (delivery: Delivery) => void;
  readonly onError: (error: unknown) => void;
}

/** Deliveries on their way to other consumers. */
export class Transfers {
  /** Number of deliveries on their way. */
  size = 0;
  private onIdle: (() => void)[] = [];

  constructor(private readonly options: TransfersOptions) {}

  /** Resolves when no delivery is on its way. */
  async idle(): Promise<void> {
    while (this.size > 0) await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /** Hands entries over, and settles them by the outcome. */
  async hand(deliveries: readonly Delivery[], to: LiveConsumer): Promise<void> {
    const { onFull, onRefused, onUnknown } = this.options;
    this.size += deliveries.length;
    const outcomes = await this.ask(deliveries, to);
    this.size -= deliveries.length;
    for (const [index, delivery] of deliveries.entries()) {
      const outcome = outcomes[index]!;
      if (this.concluded(delivery, outcome, to)) continue;
      if (outcome === 'full') onFull(delivery);
      else if (outcome === 'refused') onRefused(delivery);
      else onUnknown(delivery);
    }
    if (this.size === 0) for (const wake of this.onIdle.splice(0)) wake();
  }

  /** As {@link hand}, for one delivery that otherwise stays here. */
  async offer(delivery: Delivery, to: LiveConsumer): Promise<'handed' | 'kept' | 'lost'> {
    const [outcome] = await this.ask([delivery], to);
    if (!this.concluded(delivery, outcome!, to)) return 'kept';
    return outcome === 'handed' ? 'handed' : 'lost';
  }

  /** @returns false: as far as is known, this consumer still owns the entry */
  private concluded(
    delivery: Delivery,
    outcome: HandOverOutcome | Error,
    to: LiveConsumer,
  ): boolean {
    const { ends } = this.options;
    if (outcome === 'handed') ends.settle(delivery, handedTo(to));
    else if (outcome === 'lost' || outcome === 'gone') ends.settle(delivery, taken);
    else return false;
    return true;
  }

  private async ask(
    deliveries: readonly Delivery[],
    to: LiveConsumer,
  ): Promise<readonly (HandOverOutcome | Error)[]> {
    const { presence, maxParked, onError } = this.options;
    const entries = deliveries.map(({ lease, eventType }) => ({ lease, eventType }));
    try {
      const outcomes = await presence.joined!.handOver(entries, to, maxParked);
      if (outcomes.includes('refused')) this.options.forget(to.stream);
      return outcomes;
    } catch (error) {
      onError(error);
      return deliveries.map(() => asError(error));
    }
  }
}

const handedTo = ({ consumer }: LiveConsumer): HandedOver => ({
  kind: 'handed-over',
  receiver: consumer,
});
