import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ack, deadLetter, release, releaseElsewhere, retry } from '../../lib/core/settlement.js';
import type { NatsLease } from '../../lib/drivers/nats/leases/nats.lease.js';
import type { Settling } from '../../lib/ports/source.js';
import { ACK_WAIT, Member, makeDurable, Outlet, STREAM, api } from '../support/nats-member.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';

/** Steps of one walk. */
const STEPS = 400;
const MEMBERS = 3;

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What must be true of one entry. */
interface Entry {
  runs: number;
  /** Who has it. A lease that was not handed out, or has lost it, is not the owner. */
  owner: NatsLease | undefined;
  done: boolean;
}

type Kind =
  'ack' | 'publish' | 'retry' | 'uncharged' | 'bury' | 'release' | 'elsewhere' | 'begin' | 'extend';
const KINDS: readonly Kind[] = [
  ...(['ack', 'publish', 'retry', 'uncharged', 'bury', 'release', 'elsewhere'] as const),
  ...(['begin', 'begin', 'begin', 'extend', 'extend'] as const),
];
/** Outcomes of a lease that has its entry. */
const HAS: readonly unknown[] = ['settled', 'started', 'held'];

/**
 * Consumers of one group that read, run, fall asleep, wake up too late, and die, in an order that a seed
 * decides. After each step the outcome is compared with what must be true.
 */
class Walk {
  readonly outlet = new Outlet();
  readonly log: string[] = [];
  private readonly entries = new Map<number, Entry>();
  private readonly known: { member: Member; lease: NatsLease }[] = [];
  private readonly late: { member: Member; read: NatsLease[] }[] = [];
  private members: Member[] = [];
  private next = 0;

  constructor(
    private readonly server: TestNats,
    private readonly random: () => number,
  ) {}

  async run(): Promise<void> {
    for (let one = 0; one < MEMBERS; one++) this.members.push(await this.member());
    for (let step = 0; step < STEPS; step++) await this.step();
    await this.drain();
    for (const member of this.members) await member.close();
  }

  private member(): Promise<Member> {
    const { client, url } = this.server;
    return Member.open(client, url, `i${++this.next}`, this.outlet);
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }

  private async step(): Promise<void> {
    const roll = this.random();
    if (roll < 0.15) await this.publish();
    else if (roll < 0.35) await this.read();
    else if (roll < 0.42) await this.claimLate();
    else if (roll < 0.5) await this.expire();
    else if (roll < 0.52) await this.die();
    else await this.act();
  }

  private async publish(): Promise<void> {
    const { seq } = (await this.server.client.request(STREAM, 'x')).json<{ seq: number }>();
    this.entries.set(seq, { runs: 0, owner: undefined, done: false });
  }

  private async read(): Promise<void> {
    const member = this.pick(this.members);
    const read = await member.read(1 + Math.floor(this.random() * 3));
    if (read.length === 0) return;
    this.note(`read ${read.map(({ sequence, deliveries }) => `${sequence}/${deliveries}`).join()}`);
    for (const { sequence, deliveries } of read) {
      // The read counts the first run.
      if (deliveries === 1) this.entries.get(sequence)!.runs = 1;
    }
    if (this.random() < 0.3) this.late.push({ member, read });
    else this.taken(member, await member.handOut(read));
  }

  /** What was read a while ago arrives only now. */
  private async claimLate(): Promise<void> {
    const waiting = this.late.shift();
    if (!waiting || !this.members.includes(waiting.member)) return;
    this.taken(waiting.member, await waiting.member.handOut(waiting.read));
  }

  /** @param beforeAck an entry of these leases was acknowledged after it was claimed */
  private taken(member: Member, leases: readonly NatsLease[], beforeAck?: number): void {
    for (const lease of leases) {
      const entry = this.entries.get(lease.sequence)!;
      this.note(`${lease.token} has ${lease.sequence}`);
      this.known.push({ member, lease });
      if (lease.sequence === beforeAck) continue;
      if (lease.deliveries > 1) {
        expect([entry.done, lease.attempt], this.said).toEqual([false, entry.runs]);
      }
      if (lease.deliveries > 1 || !entry.owner) entry.owner = lease;
    }
  }

  /** The server takes an entry from its owner, which may be asleep. */
  private async expire(): Promise<void> {
    const [held] = this.owned();
    if (!held) return;
    this.note(`${held.lease.token} sleeps over ${held.lease.sequence}`);
    await this.takeFrom(held.lease, held.member);
  }

  /** What was delivered before has expired, too. */
  private async takeFrom({ sequence }: NatsLease, member: Member): Promise<void> {
    const read = this.late.flatMap((one) => one.read);
    this.outlet.passed += ACK_WAIT;
    for (const lease of [...read, ...this.known.map((one) => one.lease)]) {
      if (lease.sequence === sequence || lease.doubtful) lease.freshUntil = 0;
    }
    await member.takeBack([sequence]);
  }

  private async die(): Promise<void> {
    const member = this.members.shift()!;
    await member.close();
    this.members.push(await this.member());
    for (const { lease } of this.owned().filter((one) => one.member === member))
      await this.takeFrom(lease, member);
    this.note('one died');
  }

  private owned() {
    const found = this.known.filter(
      ({ lease }) => this.entries.get(lease.sequence)!.owner === lease,
    );
    return found.sort(() => this.random() - 0.5);
  }

  private async act(): Promise<void> {
    const living = this.known.filter(({ member }) => this.members.includes(member));
    if (living.length === 0) return;
    const { member, lease } = this.pick(living);
    const kind = this.pick(KINDS);
    if (kind === 'begin' && lease.charged) return;
    const { attempt, charged } = lease;
    const { published, letters } = this.outlet;
    const before = { attempt, charged, published: published.length, letters: letters.length };
    // Sometimes a delivery that is late is claimed at the same time.
    const rival = this.random() < 0.3 ? this.late.shift() : undefined;
    const [outcome, claimed] = await Promise.all([
      this.carryOut(member, lease, kind),
      rival && this.members.includes(rival.member) ? rival.member.handOut(rival.read) : [],
    ]);
    const isTaken = claimed.some(({ sequence }) => sequence === lease.sequence);
    this.check(member, lease, kind, outcome, before, isTaken);
    if (rival) this.taken(rival.member, claimed, kind === 'ack' ? lease.sequence : undefined);
  }

  private check(
    member: Member,
    lease: NatsLease,
    kind: Kind,
    outcome: unknown,
    before: { attempt: number; charged: boolean; published: number; letters: number },
    isTaken: boolean,
  ): void {
    const entry = this.entries.get(lease.sequence)!;
    const isOwner = entry.owner === lease;
    const { attempt, charged } = before;
    this.note(`${lease.token} ${kind} ${lease.sequence}: ${String(outcome)}`);
    expect(outcome, this.said).not.toBeInstanceOf(Error);
    if (kind === 'ack') {
      expect(outcome, this.said).toBe('settled');
      Object.assign(entry, { done: true, owner: undefined });
      return;
    }
    if (HAS.includes(outcome)) expect(isOwner, this.said).toBe(true);
    if (isOwner && !entry.done && !isTaken) expect(HAS, this.said).toContain(outcome);
    // Only what gives an entry back may succeed while another consumer takes it.
    if (isTaken && HAS.includes(outcome))
      expect(['release', 'elsewhere'], this.said).toContain(kind);
    const { published, letters } = this.outlet;
    const isSettled = outcome === 'settled';
    expect(published.length - before.published, this.said).toBe(
      Number(kind === 'publish' && isSettled),
    );
    expect(letters.length - before.letters, this.said).toBe(Number(kind === 'bury' && isSettled));
    if (!HAS.includes(outcome)) return member.forget(lease);
    if (kind === 'begin') entry.runs++;
    if (['release', 'elsewhere', 'uncharged'].includes(kind) && charged) entry.runs--;
    if (kind === 'release') entry.owner = undefined;
    if (kind === 'publish' || kind === 'bury')
      Object.assign(entry, { done: true, owner: undefined });
    else expect([attempt >= 0, lease.attempt], this.said).toEqual([true, entry.runs]);
  }

  private async carryOut(member: Member, lease: NatsLease, kind: Kind): Promise<unknown> {
    if (kind === 'begin') return member.leases.begin(lease);
    if (kind === 'extend') return (await member.leases.extend([lease]))[0];
    return (await member.settling.settle([settlingOf(kind, lease)]))[0];
  }

  /** One more member is handed what is left, with exact counts. */
  private async drain(): Promise<void> {
    const last = await this.member();
    this.members.push(last);
    const open = [...this.entries].filter(([, { done }]) => !done);
    this.outlet.passed += ACK_WAIT;
    await last.takeBack(open.map(([sequence]) => sequence));
    const found = new Map<number, number>();
    for (let read = await last.read(100); read.length > 0; read = await last.read(100)) {
      for (const lease of read) {
        if (lease.deliveries === 1) this.entries.get(lease.sequence)!.runs = 1;
      }
      for (const { sequence, attempt } of await last.handOut(read)) found.set(sequence, attempt);
    }
    expect(
      [...found].sort(([a], [b]) => a - b),
      this.said,
    ).toEqual(open.map(([sequence]) => [sequence, this.entries.get(sequence)!.runs]));
  }

  private note(what: string): void {
    this.log.push(what);
  }

  private get said(): string {
    return this.log.slice(-300).join('\n');
  }
}

function settlingOf(kind: Kind, lease: NatsLease): Settling {
  if (kind === 'publish') {
    const publish = [{ stream: 'next', fields: ['n', '1'] }];
    return { lease, settlement: { ...ack, publish } };
  }
  if (kind === 'bury') {
    const record = { stream: STREAM, group: 'g' } as never;
    return { lease, settlement: deadLetter('unrecoverable'), record };
  }
  const settlements = {
    ...{ ack, release, elsewhere: releaseElsewhere, retry: retry(0) },
    uncharged: { ...retry(0), uncharged: true },
  };
  return { lease, settlement: settlements[kind as keyof typeof settlements] };
}

describe('runs that are on record on NATS', needsNats('floor', 'current'), () => {
  describe.each(['floor', 'current'] as const)('on the %s server', (version) => {
    let server: TestNats;
    beforeAll(async () => void (server = await testNats({ version })));
    afterAll(() => server.cleanup());

    test.each([1, 2, 3, 4, 5])(
      'are counted exactly, and only the owner settles: seed %i',
      async (seed) => {
        await makeDurable(server.client);
        try {
          await new Walk(server, numbers(seed)).run();
        } finally {
          await api(server.client, `STREAM.DELETE.${STREAM}`);
          await api(server.client, 'STREAM.DELETE.KV_streams-runs').catch(() => undefined);
        }
      },
    );
  });
});
