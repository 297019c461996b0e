import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../../core/clock.js';
import type { Coordinated, Coordinators } from '../access/coordinators.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { brokerWord, isCoordinatorMoving, isUnsendable } from '../library/kafkajs-refusals.js';

export interface CoordinatorsParts {
  readonly cluster: KafkajsCluster;
  /** The coordinators of the driver. */
  readonly known: Coordinators;
  /** Turns errors of kafkajs into those of the driver. */
  readonly typed: (error: unknown, action: string) => Error;
  /** For how long a request is repeated that a coordinator does not answer yet, in milliseconds. */
  readonly timeout: number;
}

/** Asks the coordinators of transactions and groups, and looks for them again when they have moved. */
export class TransactionCoordinators {
  constructor(private readonly parts: CoordinatorsParts) {}

  /**
   * Repeats the request while the coordinator moves, or is busy with the transaction before.
   * @throws a typed error
   */
  async ask<T>(
    of: Coordinated,
    action: string,
    request: (broker: KafkajsBroker) => Promise<T>,
  ): Promise<T> {
    const until = systemClock.now() + this.parts.timeout;
    const pauses = new Backoff(5, 100);
    for (;;) {
      try {
        return await request(await this.coordinator(of));
      } catch (error) {
        const word = brokerWord(error);
        if (word !== 'CONCURRENT_TRANSACTIONS') this.parts.known.forget(of);
        const isPassing = word === undefined ? !isUnsendable(error) : isCoordinatorMoving(word);
        if (!isPassing || systemClock.now() >= until) throw this.parts.typed(error, action);
        await sleep(systemClock, pauses.next());
      }
    }
  }

  private async coordinator(of: Coordinated): Promise<KafkajsBroker> {
    const { cluster, known } = this.parts;
    if (!cluster.isConnected()) await cluster.connect();
    return known.of(cluster, of);
  }
}
