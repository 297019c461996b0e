import { Backoff } from '../../core/backoff.js';
import { sleep, type Clock } from '../../core/clock.js';
import { asError } from '../../core/errors/error-record.js';
import { StateContendedError } from '../../core/errors/state-store.errors.js';
import type { StateStore } from '../../ports/state-store.js';

/** A record as the store has it. Times are in milliseconds since the epoch. */
export interface SharedRecord<T> {
  /** Undefined: nothing is written yet. */
  readonly is: T | undefined;
  /** Every write keeps the record at least until this time. */
  readonly until: number;
  /** The store forgets the record at this time, if nothing more is written. */
  readonly expires: number;
}

/** How long a write keeps a record. */
export interface Lifetime {
  /** In milliseconds. A write keeps the record for half as long again, see {@link isFresh}. */
  readonly ttl: number;
  /** Also every later write keeps the record until this time, in milliseconds since the epoch. */
  readonly until?: number;
}

/**
 * Makes the new content of a record. Undefined: nothing is to be written. It is called again where
 * another process has written meanwhile, so it changes nothing outside that the last call does not
 * set again.
 */
export type Change<T> = (found: SharedRecord<T>) => Pick<SharedRecord<T>, 'is'> | undefined;

interface Waiting {
  readonly lifetime: Lifetime;
  readonly change: Change<unknown>;
  readonly resolve: (record: SharedRecord<unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** Tries before a caller gets an error. The first ones follow each other at once. */
const MOST_TRIES = 50;
const WITHOUT_WAIT = 3;
/** Waits between further tries, in milliseconds. */
const FIRST_WAIT = 4;
const LONGEST_WAIT = 250;

const NOTHING: SharedRecord<never> = { is: undefined, until: 0, expires: 0 };

/**
 * Records in a state store that many processes change. Each change reads the record and replaces
 * it by `compareAndSet`; where another process was faster, the change is made again of what that
 * process wrote. Changes that this process makes of one record at the same time share one write.
 */
export class SharedRecords {
  private readonly waiting = new Map<string, Waiting[]>();

  constructor(
    private readonly store: StateStore,
    readonly clock: Clock,
  ) {}

  async read<T>(key: string): Promise<SharedRecord<T>> {
    return recordFrom(await this.store.get(key));
  }

  /**
   * @returns the record as the change has left it
   * @throws StateContendedError where other processes were faster at every try; what the store
   *   throws. The change may be repeated.
   */
  update<T>(key: string, lifetime: Lifetime, change: Change<T>): Promise<SharedRecord<T>> {
    return new Promise((resolve, reject) => {
      const one = { lifetime, change, resolve, reject } as unknown as Waiting;
      const waiting = this.waiting.get(key);
      if (waiting) return void waiting.push(one);
      const changes = [one];
      this.waiting.set(key, changes);
      void this.carryOut(key, changes);
    });
  }

  /** @param changes those that wait; further ones are added while the store is asked */
  private async carryOut(key: string, changes: Waiting[]): Promise<void> {
    while (changes.length > 0) {
      const taken = [...changes];
      try {
        const record = await this.write(key, taken);
        for (const { resolve } of taken) resolve(record);
      } catch (error) {
        for (const { reject } of taken) reject(asError(error));
      }
      changes.splice(0, taken.length);
    }
    this.waiting.delete(key);
  }

  private async write(key: string, changes: readonly Waiting[]): Promise<SharedRecord<unknown>> {
    const backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT);
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const text = await this.store.get(key);
      const found = recordFrom<unknown>(text);
      const made = this.apply(found, changes);
      if (!made) return found;
      const ms = made.expires - this.clock.wallTime();
      if (await this.store.compareAndSet(key, text, JSON.stringify(made), Math.ceil(ms)))
        return made;
      if (tries > WITHOUT_WAIT) await sleep(this.clock, backoff.next());
    }
    throw new StateContendedError(key, MOST_TRIES);
  }

  /** Undefined: nothing is to be written. */
  private apply(
    found: SharedRecord<unknown>,
    changes: readonly Waiting[],
  ): SharedRecord<unknown> | undefined {
    const now = this.clock.wallTime();
    let record = found;
    for (const { change, lifetime } of changes) {
      const made = change(record);
      if (!made) continue;
      const until = Math.max(record.until, lifetime.until ?? 0);
      const expires = Math.max(record.expires, until, lastsUntil(lifetime, now));
      record = { is: made.is, until, expires };
    }
    return record === found ? undefined : record;
  }
}

/**
 * Until when a write keeps a record: half as long again as asked for. So what belongs together and is
 * not written again each time, such as the results of a join, need be renewed only now and then.
 */
export const lastsUntil = ({ ttl, until = 0 }: Lifetime, now: number): number =>
  Math.max(until, now + ttl * 1.5);

/** False: what is kept until `expires` has to be renewed. */
export const isFresh = (expires: number, { ttl, until = 0 }: Lifetime, now: number): boolean =>
  expires >= Math.max(until, now + ttl);

const recordFrom = <T>(text: string | undefined): SharedRecord<T> =>
  text === undefined ? NOTHING : (JSON.parse(text) as SharedRecord<T>);
