import type { Driver, DriverContext, DriverFactory } from '../../lib/ports/driver.js';
import type { IdFormat } from '../../lib/ports/id-format.js';
import type { SettleOutcome } from '../../lib/core/settlement.js';
import type { MessageSource, Settling } from '../../lib/ports/source.js';
import type { Subscription } from '../../lib/ports/subscription.js';

/**
 * A driver whose process can die: from then on nothing that it was asked is done. That it has lost all
 * is its only answer, so that its runs end, and give back places that are one for this whole process.
 */
export class MortalDriver implements DriverFactory {
  readonly technology: string;
  readonly ids: IdFormat;
  private dead = false;
  private readonly subscriptions: Subscription[] = [];

  /** @param onSettled told of what was settled, also where the process has not lived to hear of it */
  constructor(
    private readonly factory: DriverFactory,
    private readonly onSettled: (settling: Settling, outcome: SettleOutcome | Error) => void,
  ) {
    this.technology = factory.technology;
    this.ids = factory.ids;
  }

  get clock() {
    return this.factory.clock!;
  }

  get isDead(): boolean {
    return this.dead;
  }

  kill(): void {
    this.dead = true;
    for (const subscription of this.subscriptions) void subscription.stop();
  }

  open(context: DriverContext): Driver {
    const driver = this.factory.open(context);
    const { source } = driver;
    const settle: MessageSource['settle'] = async (batch) => {
      const outcomes = await source.settle(batch);
      for (const [index, settling] of batch.entries()) this.onSettled(settling, outcomes[index]!);
      return outcomes;
    };
    const observed = new Proxy(source, {
      get: (target, name) => (name === 'settle' ? settle : Reflect.get(target, name, target)),
    });
    return {
      ...driver,
      source: this.mortal(observed),
      leases: this.mortal(driver.leases!),
    };
  }

  private mortal<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (this.dead) return afterDeath(name, args);
          const answer: unknown = Reflect.apply(member, target, args);
          return answer instanceof Promise ? this.unlessDead(answer, name, args) : answer;
        };
      },
    });
  }

  private async unlessDead(
    answer: Promise<unknown>,
    name: string | symbol,
    args: readonly unknown[],
  ): Promise<unknown> {
    const value = await answer;
    if (this.dead) return afterDeath(name, args);
    if (!isSubscription(value)) return value;
    this.subscriptions.push(value);
    return this.mortal(value);
  }
}

const isSubscription = (value: unknown): value is Subscription =>
  typeof value === 'object' && value !== null && 'pull' in value;

/** What a process that is no more hears of its entries; of all else, nothing. */
function afterDeath(name: string | symbol, args: readonly unknown[]): unknown {
  const [many] = args as [readonly unknown[]];
  switch (name) {
    case 'settle':
    case 'extend':
      return Promise.resolve(Array.isArray(many) ? many.map(() => 'lost') : false);
    case 'begin':
      return Promise.resolve('lost');
    case 'forget':
    case 'guard':
      return undefined;
    default:
      return NEVER;
  }
}

const NEVER = new Promise<never>(() => undefined);
