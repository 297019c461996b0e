import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { HeldStream, StreamPlace } from '../../../core/held-stream.js';
import type { Lease } from '../../../core/lease.js';
import { ack, type SettleOutcome } from '../../../core/settlement.js';
import type { OwnedSubscription } from '../../../ports/owned-subscription.js';
import type { OwnershipParts } from '../../../ports/stream-ownership.js';
import { SourceWorld } from '../../world/source-world.js';

/** In milliseconds. */
export const LEASE = 300;
export const FIELDS = ['lbs-input', '{}'];

/** One test's service, with two consumers that share its streams. */
export class OwnershipWorld extends SourceWorld {
  a!: OwnershipParts;
  b!: OwnershipParts;
  private readonly service = this.harness.unique('service');
  /** Undone after the test, the last one first. */
  private readonly ends: (() => unknown)[] = [];

  /** Call it before the test. */
  async begin(): Promise<void> {
    this.a = await this.join('a');
    this.b = await this.join('b');
  }

  override async close(): Promise<void> {
    for (const end of this.ends.toReversed()) await end();
    await super.close();
  }

  /** Announces the stream, and has `a` read it. */
  async handedToA(fields = FIELDS): Promise<StreamPlace> {
    const id = await this.a.inputs.add(fields);
    expect(await this.a.inputs.pull(10)).toEqual([{ id, fields }]);
    return { stream: this.stream, id };
  }

  /** For how long the input is idle, in milliseconds. */
  async idleOf({ id }: StreamPlace): Promise<number> {
    const rows = await this.b.inputs.pending(undefined, 10);
    return rows.find((row) => row.id === id)!.idle;
  }

  async take(parts: OwnershipParts, place: StreamPlace): Promise<HeldStream> {
    const outcome = await parts.locks.take(place, false);
    if (outcome.word !== 'taken') throw new Error(`not taken: ${outcome.word}`);
    return { ...place, token: outcome.token };
  }

  async reading(
    parts: OwnershipParts,
    onFinished: (held: HeldStream, completed: boolean) => void = () => undefined,
    blockTimeout = 30_000,
  ): Promise<OwnedSubscription> {
    const reading = { group: 'g', startId: '0', blockTimeout, runsWithin: 1000, onFinished };
    const subscription = parts.subscribe(reading);
    this.ends.push(() => subscription.close());
    return subscription;
  }

  /** Publishes one message to the stream. @returns its id */
  async publishNumber(n: number): Promise<string> {
    const source = await this.source();
    const [id] = await source.publish([{ stream: this.stream, fields: ['n', String(n)] }]);
    return id as string;
  }

  async settle(lease: Lease): Promise<SettleOutcome | Error | undefined> {
    return (await (await this.source()).settle([{ lease, settlement: ack }]))[0];
  }

  async buriedAndRedriven(lease: Lease): Promise<void> {
    await this.giveUp(lease, 'queue');
    const driver = await this.driver();
    expect(await port(driver, 'deadLetters').redrive(this.stream, { all: true })).toBe(1);
  }

  async giveUp(lease: Lease, action: 'queue' | 'hold'): Promise<void> {
    const driver = await this.driver();
    const settlement = { kind: 'dead-letter', reason: 'unrecoverable', action } as const;
    const record = {
      ...{ stream: this.stream, id: lease.id, group: 'g', consumer: 'a', attempts: 1 },
      ...{ reason: 'unrecoverable', publishedAt: '', deadLetteredAt: '' },
    } as const;
    expect(await driver.source.settle([{ lease, settlement, record }])).toEqual(['settled']);
  }

  /** Keeps the lock alive, as the heartbeat of its owner would. @returns a function that ends it */
  kept(held: HeldStream, owner = this.a): () => void {
    // A beat that is under way when the test ends is refused.
    const beat = () => void owner.locks.extend([held]).catch(() => undefined);
    const beats = setInterval(beat, LEASE / 3);
    const end = (): void => clearInterval(beats);
    this.ends.push(end);
    return end;
  }

  /** Another program, which is not the owner and does not know the owner yet, reads one entry. */
  async readByAStranger(): Promise<void> {
    const stranger = await (
      await this.source()
    ).subscribe({
      ...{ streams: [this.stream], group: 'g', consumer: 'stranger', startId: '0' },
      ...{ blockTimeout: 2000, idleTimeout: 3_600_000, reclaimInterval: 3_600_000 },
    });
    this.ends.push(() => stranger.close());
    expect(await stranger.pull(1)).toHaveLength(1);
    await stranger.stop();
  }

  private async join(consumer: string): Promise<OwnershipParts> {
    const parts = port(await this.driver(), 'ownership').join({
      service: this.service,
      consumer,
      lease: LEASE,
      blockTimeout: 2000,
      hints: 'off',
      onHint: () => undefined,
      onReconnected: () => undefined,
    });
    await parts.open();
    this.ends.push(() => parts.close());
    return parts;
  }
}
