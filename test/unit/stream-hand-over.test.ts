import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { encodeShare } from '../../lib/load-balancing/fair-share.js';
import { StreamHandOver } from '../../lib/load-balancing/hand-over.js';
import { OwnedStream, OwnedStreams } from '../../lib/load-balancing/owned-stream.js';
import { Sharing } from '../../lib/load-balancing/sharing.js';
import type { BalancerMember } from '../../lib/ports/balancer-members.js';
import type { HandOverTarget } from '../../lib/ports/stream-locks.js';

const MANY = Number.MAX_SAFE_INTEGER;

interface Newcomer {
  owned: number;
  handed: number;
}

/** A consumer that owns `count` streams, beside newcomers and a peer that announces nothing. */
function owning(count: number, newcomers: Record<string, Newcomer>) {
  const clock = new ManualClock();
  const owned = new OwnedStreams();
  for (let n = 0; n < count; n++) {
    owned.add(new OwnedStream({ id: `${n}-0`, stream: `s${n}`, info: {} }, 1, 0));
  }
  const members = {
    meet: async (said: string): Promise<BalancerMember[]> => [
      { consumer: 'me', age: 0, said, handed: [] },
      ...Object.entries(newcomers).map(([consumer, one]) => ({
        ...{ consumer, age: 0, said: encodeShare(one.owned, MANY, true) },
        handed: Array.from({ length: one.handed }, (_, n) => ({ id: `h${n}`, token: 1 })),
      })),
    ],
    leave: async () => undefined,
  };
  const common = { consumer: 'me', maxStreams: MANY, members, owned, claims: () => true };
  const sharing = new Sharing({ ...common, accept: async () => undefined });
  const given: string[] = [];
  /** Hand-overs that wait for a message under way. */
  let underWay = 0;
  let most = 0;
  const handOver = async (
    one: OwnedStream,
    aim: () => Promise<HandOverTarget | undefined>,
    settled = Promise.resolve(),
  ): Promise<void> => {
    one.leaving = true;
    most = Math.max(most, ++underWay);
    await settled;
    const target = await aim();
    underWay--;
    one.leaving = false;
    if (!target) return;
    newcomers[target.consumer]!.handed++;
    owned.remove(one);
    given.push(target.consumer);
  };
  const options = { clock, sharing, rebalance: true, claims: () => true };
  const onFailure = (error: Error): void => {
    throw error;
  };
  const { signal } = new AbortController();
  const balance = async (hand: typeof handOver = handOver): Promise<void> => {
    await sharing.meet();
    const handing = new StreamHandOver({
      ...options,
      ...{ handOver: hand, onFailure, signal },
    });
    await handing.balance([]);
  };
  return { balance, handOver, owned, given, clock, most: () => most };
}

describe('streams that are handed over', () => {
  // A consumer keeps one in twenty above its share.
  it('go to the newcomer one by one, until it has its share', async () => {
    const { balance, given, owned, most } = owning(40, { newcomer: { owned: 0, handed: 0 } });
    await balance();
    expect([given, owned.size, most()]).toEqual([Array(19).fill('newcomer'), 21, 1]);
  });

  it('are no more than the share, also where each waits for its message under way', async () => {
    const newcomers = { newcomer: { owned: 0, handed: 0 } };
    const { balance, handOver, given, owned, clock } = owning(40, newcomers);
    let settle!: () => void;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    const balancing = balance((one, aim) => handOver(one, aim, settled));
    await clock.advance(60_000);
    await balancing;
    expect(given).toEqual([]);
    settle();
    await clock.advance(0);
    expect([given.length, owned.size]).toEqual([19, 21]);
  });

  it('go to the consumer that has fewest', async () => {
    const { balance, given } = owning(30, {
      early: { owned: 6, handed: 0 },
      late: { owned: 0, handed: 0 },
    });
    await balance();
    expect(given.slice(0, 6)).toEqual(Array(6).fill('late'));
    expect(given.toSorted()).toEqual([...Array(6).fill('early'), ...Array(12).fill('late')]);
  });
});
