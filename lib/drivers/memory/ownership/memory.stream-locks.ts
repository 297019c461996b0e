import type { Guard } from '../../../core/guard.js';
import type { HeldStream, StreamPlace } from '../../../core/held-stream.js';
import type {
  CompleteOutcome,
  StreamHandOverOutcome,
  HandOverTarget,
  LetGoOutcome,
  StreamLocks,
  TakeOutcome,
} from '../../../ports/stream-locks.js';
import type { MemoryBroker } from '../broker/memory.broker.js';
import type { BalancedService } from '../broker/balanced-service.js';
import type { MemoryStreamInputs } from './memory.stream-inputs.js';

/** How long a token is remembered after its last owner, in milliseconds: a day. */
const TOKEN_IS_KNOWN_FOR = 86_400_000;

export interface MemoryLocksOptions {
  readonly broker: MemoryBroker;
  readonly keyPrefix: string;
  readonly consumer: string;
  readonly lease: number;
  readonly inputs: MemoryStreamInputs;
  readonly service: BalancedService;
}

/**
 * Locks, tokens and assignments are marks of the broker. Each step takes one turn of the event
 * loop.
 */
export class MemoryStreamLocks implements StreamLocks {
  constructor(private readonly options: MemoryLocksOptions) {}

  async holders(places: readonly StreamPlace[]): Promise<(string | undefined)[]> {
    return places.map((place) => this.holder(place));
  }

  async take(place: StreamPlace, ours: boolean): Promise<TakeOutcome> {
    const { broker, inputs, consumer, lease } = this.options;
    const { stream, id } = place;
    if (this.holder(place) !== undefined) return { word: 'held' };
    const other = broker.marks.get(this.key(stream, 'assignment'));
    if (other !== undefined && other !== id && this.holder({ stream, id: other })) {
      return { word: 'busy' };
    }
    const pending = inputs.find(id);
    if (!pending || (ours && pending.consumer !== consumer)) return { word: 'gone' };
    if (pending.consumer !== consumer) inputs.moveTo(id, consumer);
    broker.marks.set(this.lockOf(place), consumer, lease);
    broker.marks.set(this.key(stream, 'assignment'), id, TOKEN_IS_KNOWN_FOR);
    const token = this.raise(stream);
    broker.wake();
    return { word: 'taken', token };
  }

  async extend(held: readonly HeldStream[]): Promise<('held' | 'lost')[]> {
    const { broker, inputs, consumer, lease } = this.options;
    const words = held.map((one) => {
      if (this.whose(one) !== 'mine') return 'lost' as const;
      inputs.moveTo(one.id, consumer);
      broker.marks.set(this.lockOf(one), consumer, lease);
      return 'held' as const;
    });
    broker.wake();
    return words;
  }

  async complete(held: HeldStream, group?: string): Promise<CompleteOutcome> {
    return this.completeNow(held, group);
  }

  /** In one step with what the caller does in the same turn. */
  completeNow(held: HeldStream, group?: string): CompleteOutcome {
    const { broker, inputs } = this.options;
    const whose = this.whose(held);
    if (whose !== 'mine') return whose;
    if (group !== undefined && this.othersHave(held, group)) return 'unsettled';
    inputs.remove(held.id);
    this.forget(held);
    broker.wake();
    return 'settled';
  }

  async release(held: HeldStream): Promise<LetGoOutcome> {
    const whose = this.whose(held);
    if (whose !== 'mine') return whose;
    this.raise(held.stream);
    this.options.inputs.giveBack(held.id);
    this.forget(held);
    return 'settled';
  }

  async handOver(held: HeldStream, target: HandOverTarget): Promise<StreamHandOverOutcome> {
    const { broker, inputs, service, lease } = this.options;
    const whose = this.whose(held);
    if (whose !== 'mine') return whose;
    if (!service.mayHand(target)) return 'stale';
    inputs.moveTo(held.id, target.consumer);
    broker.marks.set(this.lockOf(held), target.consumer, lease);
    service.hand(held.id, this.raise(held.stream), target.consumer);
    return 'settled';
  }

  guards(held: HeldStream): Guard[] {
    const { consumer } = this.options;
    return [
      { key: this.key(held.stream, 'fence'), value: String(held.token) },
      { key: this.lockOf(held), value: consumer },
    ];
  }

  /** Whether the input is still pending to this consumer. No mark says that. */
  hasInput({ id }: HeldStream): boolean {
    return this.options.inputs.find(id)?.consumer === this.options.consumer;
  }

  /** Whether another consumer has entries of the stream pending in a group. */
  othersHave({ stream }: HeldStream, group: string): boolean {
    const { broker, keyPrefix, consumer } = this.options;
    const { allPending = new Map<number, never>() } =
      broker.existing(keyPrefix + stream)?.log.find(group) ?? {};
    return [...allPending.values()].some(
      ({ consumer: owner, held }) => owner !== undefined && owner !== consumer && !held,
    );
  }

  private whose(held: HeldStream): 'mine' | 'lost' | 'gone' {
    const { broker, inputs, consumer } = this.options;
    const holder = this.holder(held);
    const fenced = broker.marks.get(this.key(held.stream, 'fence')) === String(held.token);
    const pending = inputs.find(held.id);
    if (!pending) {
      if (fenced && holder === consumer) broker.marks.delete(this.lockOf(held));
      return 'gone';
    }
    const others = holder !== undefined && holder !== consumer;
    return pending.consumer === consumer && fenced && !others ? 'mine' : 'lost';
  }

  private forget(held: HeldStream): void {
    this.options.broker.marks.delete(this.lockOf(held));
    this.options.broker.marks.delete(this.key(held.stream, 'assignment'));
  }

  private raise(stream: string): number {
    const { marks, clock } = this.options.broker;
    const key = this.key(stream, 'fence');
    const token = Math.max(Number(marks.get(key) ?? 0) + 1, clock.wallTime() * 1000);
    marks.set(key, String(token), TOKEN_IS_KNOWN_FOR);
    return token;
  }

  private holder(place: StreamPlace): string | undefined {
    return this.options.broker.marks.get(this.lockOf(place));
  }

  private lockOf({ stream, id }: StreamPlace): string {
    return this.key(stream, 'lock', id);
  }

  private key(stream: string, ...kind: string[]): string {
    return JSON.stringify([this.options.keyPrefix + stream, 'balanced', ...kind]);
  }
}
