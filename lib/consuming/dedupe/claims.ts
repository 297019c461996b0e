import { chunksOf } from '../../core/collections/chunks.js';
import { asError } from '../../core/errors/error-record.js';
import { Chain, type Link } from '../../core/collections/chain.js';
import type { Clock, TimerHandle } from '../../core/clock.js';
import type { ClaimOutcome, Completions } from '../../ports/completions.js';
import type { Claim, CompletionKey } from '../../core/completion.js';
import type { Delivery } from '../../core/delivery.js';
import { isRunning } from '../../core/delivery-state.js';
import { OwnershipLostError } from '../../core/errors/handling.errors.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Settlement, SettleOutcome } from '../../core/settlement.js';
import type { Worker } from '../../core/worker.js';

/**
 * Longest wait before a held key is tried again, in milliseconds. Shorter where claims are short.
 */
const LOOK_AGAIN = 1000;

export interface ClaimsOptions {
  readonly completions: Completions;
  readonly clock: Clock;
  readonly events: EventBus;
  /** How long a claim lasts without being extended, in milliseconds. */
  readonly lease: number;
  readonly maxHold: number;
}

/**
 * Most claims of one request. A request costs more than its claims, so they go together. They are
 * fewer than there are slots, so that runs begin while further claims are requested.
 */
const AT_ONCE = 50;

/** A claim of a run. */
class OwnClaim implements Claim, Link<OwnClaim> {
  before: OwnClaim | undefined;
  after: OwnClaim | undefined;
  chain: object | undefined;
  readonly stream: string;
  readonly group: string;
  readonly handler: string;
  readonly formerly: string | undefined;
  readonly key: string;
  delivery!: Delivery;
  freshAt = 0;

  constructor(
    { stream, group, handler, formerly, key }: CompletionKey,
    readonly owner: string,
  ) {
    this.stream = stream;
    this.group = group;
    this.handler = handler;
    this.formerly = formerly;
    this.key = key;
  }

  isAlike(other: OwnClaim): boolean {
    return this.key === other.key && this.stream === other.stream && this.handler === other.handler;
  }
}

interface Asking {
  readonly claim: OwnClaim;
  readonly answer: (outcome: 'claimed' | 'held' | 'done' | Error) => void;
}

/** Claims keys for runs, keeps the claims fresh, and gives back those whose runs have failed. */
export class Claims implements Worker {
  /** Wait before a key that another owner holds is tried again, in milliseconds. */
  readonly lookAgain: number;
  private readonly held = new Chain<OwnClaim>();
  private readonly interval: number;
  private asking: Asking[] = [];
  private leaving: OwnClaim[] = [];
  private timer: TimerHandle | undefined;
  private running = false;

  constructor(private readonly options: ClaimsOptions) {
    this.interval = Math.max(1, Math.floor(options.lease / 4));
    this.lookAgain = Math.min(LOOK_AGAIN, this.interval);
  }

  async start(): Promise<void> {
    this.running = true;
    this.arm();
  }

  /** Claims then expire, unless their runs still end. */
  async stop(): Promise<void> {
    this.running = false;
    if (this.timer !== undefined) this.options.clock.clearTimeout(this.timer);
  }

  /** Sets the key that the delivery will claim. */
  name(delivery: Delivery, key: CompletionKey): void {
    delivery.claim = new OwnClaim(key, delivery.consumer);
  }

  /** The claims of one turn of the event loop go to the store together. */
  take(delivery: Delivery, answer: Asking['answer']): void {
    const claim = delivery.claim as OwnClaim;
    claim.delivery = delivery;
    if (this.asking.length === 0) process.nextTick(this.ask);
    this.asking.push({ claim, answer });
  }

  /** The run came to nothing: another run may begin, once this one has really ended. */
  letGo(delivery: Delivery): void {
    const claim = delivery.claim as OwnClaim;
    if (delivery.overruns) void delivery.overrun!.ended.then(() => this.giveBack(claim));
    else this.giveBack(claim);
  }

  /**
   * The run is done, but another consumer owns its entry. Completing the key spares that consumer a
   * run.
   */
  async completeApart(delivery: Delivery): Promise<void> {
    const claim = delivery.claim as OwnClaim;
    if (!this.held.delete(claim)) return;
    const { ttl } = delivery.handler!.dedupe!;
    await this.options.completions.complete([{ claim, ttl }]).catch(this.report);
  }

  /** Call it when the outcome of a settlement is known. */
  settled(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void {
    if (settlement.kind !== 'ack' || !settlement.completes) return;
    if (outcome === 'settled') this.held.delete(delivery.claim as OwnClaim);
    else this.giveBack(delivery.claim as OwnClaim);
  }

  /** Call it when a delivery is dropped: it is not settled any more. */
  dropped({ claim }: Delivery): void {
    if (claim) this.giveBack(claim as OwnClaim);
  }

  private readonly ask = (): void => {
    const asked = this.asking;
    this.asking = [];
    for (const some of chunksOf(asked, AT_ONCE)) void this.askFor(some);
  };

  private async askFor(asked: readonly Asking[]): Promise<void> {
    const now = this.options.clock.now();
    const outcomes = await this.claim(asked.map(({ claim }) => claim));
    for (let index = 0; index < asked.length; index++) {
      const { claim, answer } = asked[index]!;
      const outcome = outcomes[index]!;
      const ours = outcome === 'claimed' || (outcome === 'own' && !this.alikeOf(claim));
      if (ours) {
        claim.freshAt = now;
        if (!this.held.has(claim)) this.held.add(claim);
      }
      answer(ours ? 'claimed' : outcome === 'own' ? 'held' : outcome);
    }
  }

  private async claim(claims: readonly Claim[]): Promise<readonly (ClaimOutcome | Error)[]> {
    try {
      return await this.options.completions.claim(claims, this.options.lease);
    } catch (error) {
      return claims.map(() => asError(error));
    }
  }

  private giveBack(claim: OwnClaim): void {
    if (!this.held.delete(claim) || this.alikeOf(claim)) return;
    if (this.leaving.length === 0) process.nextTick(() => void this.release());
    this.leaving.push(claim);
  }

  /** The same key, held by another delivery of this process. */
  private alikeOf(claim: OwnClaim): OwnClaim | undefined {
    for (const other of this.held) if (other !== claim && other.isAlike(claim)) return other;
    return undefined;
  }

  private async release(): Promise<void> {
    const claims = this.leaving;
    this.leaving = [];
    // A claim that could not be given back expires.
    await this.options.completions.release(claims).catch(this.report);
  }

  private arm(): void {
    if (!this.running) return;
    this.timer = this.options.clock.setTimeout(() => {
      void this.extend().then(() => this.arm());
    }, this.interval);
  }

  private async extend(): Promise<void> {
    const now = this.options.clock.now();
    const due = [...this.held].filter((claim) => this.isDue(claim, now));
    if (due.length === 0) return;
    try {
      const kept = await this.options.completions.extend(due, this.options.lease);
      for (const [index, claim] of due.entries()) {
        if (kept[index]) claim.freshAt = now;
        else this.lose(claim);
      }
    } catch (error) {
      this.report(error);
    }
  }

  private isDue({ freshAt, delivery }: OwnClaim, now: number): boolean {
    const { heldFrom, handler } = delivery;
    const maxHold = handler?.maxHold ?? this.options.maxHold;
    return now - freshAt >= this.interval && !(heldFrom > 0 && now - heldFrom > maxHold);
  }

  /** The run goes on: the run that ends first completes the key. */
  private lose(claim: OwnClaim): void {
    const { delivery } = claim;
    if (!this.held.delete(claim) || !isRunning(delivery)) return;
    delivery.abort(new OwnershipLostError(delivery.stream, delivery.id));
  }

  private readonly report = (error: unknown): void => {
    this.options.events.emit('worker-error', { worker: 'dedupe', error: asError(error) });
  };
}

/** Made also where no handler deduplicates, because such a handler may join later. */
export function claimsOf(
  options: Omit<ClaimsOptions, 'completions' | 'lease'> & {
    readonly completions: Completions | undefined;
    readonly idleTimeout: number;
  },
): Claims | undefined {
  const { completions, idleTimeout } = options;
  return completions && new Claims({ ...options, completions, lease: idleTimeout });
}
