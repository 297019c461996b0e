import type { Broker } from 'kafkajs';
import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../../core/clock.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { brokerWord, isCoordinatorMoving, isUnsendable } from '../library/kafkajs-refusals.js';

/** What a broker coordinates: offsets of groups, transactions of producers. Numbers of the protocol. */
const TYPES = { group: 0, transaction: 1 } as const;

/** What is coordinated: a Kafka group by its id, or the transactions of a transactional id. */
export interface Coordinated {
  readonly type: keyof typeof TYPES;
  readonly id: string;
}

/** The requests of a broker that kafkajs' types leave out. All can be repeated. */
export interface CoordinatorBroker extends Broker {
  findGroupCoordinator(request: {
    readonly groupId: string;
    readonly coordinatorType: number;
  }): Promise<{ readonly coordinator: { readonly nodeId: string } }>;
  initProducerId(request: {
    readonly transactionalId: string | undefined;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(request: object): Promise<unknown>;
  addOffsetsToTxn(request: object): Promise<unknown>;
  txnOffsetCommit(request: object): Promise<unknown>;
  endTxn(request: object): Promise<unknown>;
}

export interface CoordinatorsParts {
  readonly cluster: KafkajsCluster;
  /** Turns errors of kafkajs into those of the driver. */
  readonly typed: (error: unknown, action: string) => Error;
  /** For how long a request is repeated that a coordinator does not answer yet, in milliseconds. */
  readonly timeout: number;
}

/** Asks the coordinators of transactions and groups, and looks for them again when they have moved. */
export class TransactionCoordinators {
  private readonly found = new Map<string, Promise<CoordinatorBroker>>();

  constructor(private readonly parts: CoordinatorsParts) {}

  /**
   * Repeats the request while the coordinator moves, or is busy with the transaction before.
   * @throws a typed error
   */
  async ask<T>(
    of: Coordinated,
    action: string,
    request: (broker: CoordinatorBroker) => Promise<T>,
  ): Promise<T> {
    const until = systemClock.now() + this.parts.timeout;
    const pauses = new Backoff(5, 100);
    for (;;) {
      const coordinator = this.coordinator(of);
      try {
        return await request(await coordinator);
      } catch (error) {
        const word = brokerWord(error);
        if (word !== 'CONCURRENT_TRANSACTIONS') this.forget(of, coordinator);
        const isPassing = word === undefined ? !isUnsendable(error) : isCoordinatorMoving(word);
        if (!isPassing || systemClock.now() >= until) throw this.parts.typed(error, action);
        await sleep(systemClock, pauses.next());
      }
    }
  }

  private coordinator(of: Coordinated): Promise<CoordinatorBroker> {
    const known = this.found.get(keyOf(of));
    if (known) return known;
    const finding = this.find(of);
    this.found.set(keyOf(of), finding);
    return finding;
  }

  private forget(of: Coordinated, coordinator: Promise<CoordinatorBroker>): void {
    if (this.found.get(keyOf(of)) === coordinator) this.found.delete(keyOf(of));
  }

  private async find({ type, id }: Coordinated): Promise<CoordinatorBroker> {
    const { cluster } = this.parts;
    if (!cluster.isConnected()) await cluster.connect();
    if (cluster.getNodeIds().length === 0) await cluster.refreshMetadata();
    const asked = (await cluster.findControllerBroker()) as CoordinatorBroker;
    const request = { groupId: id, coordinatorType: TYPES[type] };
    const { coordinator } = await asked.findGroupCoordinator(request);
    try {
      return (await cluster.findBroker(coordinator)) as CoordinatorBroker;
    } catch (error) {
      // A broker that has just joined is not known yet.
      await cluster.refreshMetadata();
      throw error;
    }
  }
}

const keyOf = ({ type, id }: Coordinated): string => `${type}:${id}`;
