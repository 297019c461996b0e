import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeClaim, encodeClaim } from '../../lib/drivers/kafka/members/claim.js';
import { Member } from '../../lib/drivers/kafka/members/member.js';
import { OwnedPartitions } from '../../lib/drivers/kafka/members/owned-partitions.js';
import { Session } from '../../lib/drivers/kafka/members/session.js';
import { sharePartitions } from '../../lib/drivers/kafka/members/share-partitions.js';
import { withInstanceId } from '../../lib/drivers/kafka/connection/kafkajs/members/static-membership.js';
import { GroupCoordinator } from '../support/kafka-coordinator.js';
import { until } from '../support/until.js';

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

describe('sharing out partitions', () => {
  const claimant = (memberId: string, partitions: number[] = [], generation = 1) => ({
    memberId,
    claim: { partitions, generation, known: 0 },
  });
  const shared = (claimants: ReturnType<typeof claimant>[], count: number) =>
    Object.fromEntries(
      sharePartitions(claimants, range(count)).map(({ memberId, partitions }) => [
        memberId,
        partitions,
      ]),
    );

  test('gives each member as many as any other', () => {
    const all = shared([claimant('a'), claimant('b'), claimant('c')], 7);
    expect(Object.values(all).map(({ length }) => length)).toEqual([3, 2, 2]);
    expect(
      Object.values(all)
        .flat()
        .sort((a, b) => a - b),
    ).toEqual(range(7));
  });

  test('leaves members what they have', () => {
    const before = { a: [1, 4], b: [0, 5], c: [2, 3] };
    const claimants = Object.entries(before).map(([id, has]) => claimant(id, has));
    expect(shared(claimants, 6)).toEqual(before);
  });

  test('gives no member a partition that another one still claims', () => {
    expect(shared([claimant('a', [0, 1, 2, 3]), claimant('b')], 4)).toEqual({ a: [0, 1], b: [] });
    expect(shared([claimant('a', [0, 1]), claimant('b')], 4)).toEqual({ a: [0, 1], b: [2, 3] });
  });

  test('believes the newest generation where two members claim a partition', () => {
    const claimants = [claimant('a', [0, 1], 7), claimant('b', [0, 1], 8)];
    expect(shared(claimants, 2)).toEqual({ a: [], b: [0] });
  });

  test('passes over claims of partitions that there are not', () => {
    expect(shared([claimant('a', [0, 9])], 2)).toEqual({ a: [0, 1] });
  });

  test('gives some members nothing where there are more of them than partitions', () => {
    const all = shared([claimant('a'), claimant('b', [0]), claimant('c')], 1);
    expect(all).toEqual({ a: [], b: [0], c: [] });
  });
});

describe('a claim', () => {
  test('is read as it was written', () => {
    const claim = { partitions: [0, 17, 3], generation: 12, known: 24 };
    expect(decodeClaim(encodeClaim(claim))).toEqual(claim);
  });

  for (const text of ['', '{', 'null', '{"v":2}', '{"v":1,"p":["x"],"g":1,"n":1}']) {
    test(`that is ${text || 'empty'} claims nothing`, () => {
      expect(decodeClaim(Buffer.from(text)).partitions).toEqual([]);
    });
  }
});

describe('the partitions of a member', () => {
  test('are given up only once nothing of them is in hand', () => {
    const owned = new OwnedPartitions();
    expect(owned.assign([0, 1]).added).toEqual([0, 1]);
    const { added, revoked } = owned.assign([1, 2]);
    expect([added, revoked.partitions, owned.all]).toEqual([[2], [0], [0, 1, 2]]);
    expect(owned.assign([1, 2]).revoked.partitions).toEqual([]);
    expect(owned.gaveUp(revoked)).toEqual({ gone: [0], back: [] });
    expect(owned.all).toEqual([1, 2]);
  });

  test('come back where the group has changed its mind meanwhile', () => {
    const owned = new OwnedPartitions();
    owned.assign([0, 1]);
    const { revoked } = owned.assign([1]);
    owned.assign([0, 1]);
    expect(owned.gaveUp(revoked)).toEqual({ gone: [0], back: [0] });
    expect(owned.all).toEqual([0, 1]);
  });

  test('are not given up by what was in hand of them before the member was expelled', () => {
    const owned = new OwnedPartitions();
    owned.assign([0, 1]);
    const { revoked } = owned.assign([1]);
    owned.clear();
    owned.assign([0, 1]);
    owned.assign([1]);
    expect(owned.gaveUp(revoked)).toEqual({ gone: [], back: [] });
    expect(owned.all).toEqual([0, 1]);
  });
});

describe('a session', () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }),
  );
  afterEach(() => void vi.useRealTimers());

  test('is over where nothing was heard for its time', () => {
    const session = new Session(1000);
    expect(session.isAlive).toBe(false);
    session.heard(performance.now());
    vi.advanceTimersByTime(999);
    expect(session.isAlive).toBe(true);
    vi.advanceTimersByTime(1);
    expect(session.isAlive).toBe(false);
  });

  test('goes on while the member joins, but not over a time in which the process was frozen', () => {
    const session = new Session(1000);
    session.start();
    session.joining = true;
    vi.advanceTimersByTime(60_000);
    expect(session.isAlive).toBe(true);
    session.stop();
    vi.advanceTimersByTime(1000);
    expect(session.isAlive).toBe(false);
  });
});

describe('a member', () => {
  const members: Member[] = [];
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.stop()));
  });

  /** A member that notes what it has. */
  function join(coordinator: GroupCoordinator, rebalanceTimeout = 60_000) {
    const owns = new Set<number>();
    const told: string[] = [];
    let finish: (() => void) | undefined;
    const held = { leaving: [] as number[], isBusy: false };
    const led: number[][] = [];
    const member = new Member({
      ...{
        group: coordinator.connect(),
        sessionTimeout: 100,
        rebalanceTimeout,
        instanceId: 'pod-1',
      },
      metadataMaxAge: 20,
      hooks: {
        onAssigned: (partitions) => {
          for (const one of partitions) owns.add(one);
        },
        onLeaving: (partitions) => {
          held.leaving.push(...partitions);
          if (!held.isBusy) return Promise.resolve();
          return new Promise((resolve) => (finish = resolve));
        },
        onLost: (partitions) => {
          for (const one of partitions) owns.delete(one);
          told.push(`lost ${partitions.join()}`);
        },
        onLeaders: (leaders) => void led.push([...leaders.values()].flat()),
        onMissing: () => void told.push('missing'),
        onFailed: (error) => void told.push(error.message),
      },
    });
    members.push(member);
    member.start();
    return { member, owns, told, held, led, finish: () => finish!() };
  }
  const offset = (partition: number) => ({ partition, offset: 5, metadata: '' });

  test('shares the partitions with one that comes, and gets them back when that one leaves', async () => {
    const coordinator = new GroupCoordinator();
    coordinator.partitions = 4;
    const first = join(coordinator);
    await until('the first member has all', () => first.owns.size === 4);
    const second = join(coordinator);
    await until('each has two', () => first.owns.size === 2 && second.owns.size === 2);
    expect([...first.owns, ...second.owns].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    await second.member.stop();
    await until('the first member has all', () => first.owns.size === 4);
    expect(first.told.every((one) => one.startsWith('lost'))).toBe(true);
  });

  test('keeps a partition while something of it is in hand, and all others without a pause', async () => {
    const coordinator = new GroupCoordinator();
    coordinator.partitions = 2;
    const first = join(coordinator);
    await until('the first member has all', () => first.owns.size === 2);
    first.held.isBusy = true;
    const second = join(coordinator);
    await until('it is to give one up', () => first.held.leaving.length === 1);
    const [leaving] = first.held.leaving;
    expect([...first.owns].sort((a, b) => a - b)).toEqual([0, 1]);
    await first.member.commit([offset(leaving!)]);
    expect(second.owns.size).toBe(0);
    first.finish();
    await until('the second member has it', () => second.owns.has(leaving!));
    await expect(first.member.commit([offset(leaving!)])).rejects.toThrow(
      'not those of this member',
    );
    expect(coordinator.commits).toHaveLength(1);
  });

  test('gives a partition up that is in hand for longer than a rebalance may take', async () => {
    const coordinator = new GroupCoordinator();
    coordinator.partitions = 2;
    const first = join(coordinator, 50);
    await until('the first member has all', () => first.owns.size === 2);
    first.held.isBusy = true;
    const second = join(coordinator);
    await until('the second member has one', () => second.owns.size === 1);
    expect(first.owns.size).toBe(1);
  });

  test('that was expelled has nothing any more, and joins again', async () => {
    const coordinator = new GroupCoordinator();
    const first = join(coordinator);
    await until('the member has it', () => first.owns.size === 1);
    const [before] = coordinator.memberIds;
    coordinator.expel(before!);
    await expect(first.member.commit([offset(0)])).rejects.toThrow('UNKNOWN_MEMBER_ID');
    expect(first.told).toEqual(['lost 0']);
    await until('it has joined again', () => first.owns.size === 1);
    expect(coordinator.memberIds).not.toContain(before);
    await first.member.commit([offset(0)]);
  });

  test('gets the partitions by which a topic was raised', async () => {
    const coordinator = new GroupCoordinator();
    const first = join(coordinator);
    const second = join(coordinator);
    await until('one of them has it', () => first.owns.size + second.owns.size === 1);
    coordinator.partitions = 4;
    await until('each has two', () => first.owns.size === 2 && second.owns.size === 2);
  });

  test.each([
    ['is told of no leaders', () => Promise.reject(new Error('no leaders'))],
    ['has no answer when it asks for leaders', () => new Promise<never>(() => undefined)],
  ])('that %s any more stays, beats and commits', async (_, answer) => {
    const coordinator = new GroupCoordinator();
    const first = join(coordinator);
    await until('the member has it', () => first.owns.size === 1);
    let asked = 0;
    coordinator.askedForLeaders = () => (asked++, answer());
    await until('it has asked again', () => asked > 0);
    const { beats } = coordinator;
    await until('it beats', () => coordinator.beats >= beats + 5);
    await first.member.commit([offset(0)]);
    expect([first.owns.size, coordinator.generation]).toEqual([1, 1]);
  });

  test('joins with the leaders that it knows while no broker tells new ones', async () => {
    const coordinator = new GroupCoordinator();
    coordinator.partitions = 2;
    const first = join(coordinator);
    await until('the member has all', () => first.owns.size === 2);
    coordinator.askedForLeaders = () => Promise.reject(new Error('no leaders'));
    coordinator.expel(coordinator.memberIds[0]!);
    await until('it is another member', () => coordinator.memberIds[0] === 'member-2');
    await until('it has all again', () => first.owns.size === 2);
  });

  test('says that another process has its instance id, and waits before it takes it again', async () => {
    const coordinator = new GroupCoordinator();
    coordinator.refuseBeats = 'FENCED_INSTANCE_ID';
    const first = join(coordinator);
    await until('it is told', () => first.told.some((one) => one.includes('"pod-1"')));
    expect(first.told.filter((one) => one.startsWith('lost'))).toHaveLength(3);
    expect([first.owns.size, coordinator.memberIds]).toEqual([0, []]);
    // Its end does not wait.
    await first.member.stop();
    expect(coordinator.generation).toBe(3);
  });

  test('keeps a partition without a leader, reads the others, and looks for its leader soon', async () => {
    const coordinator = new GroupCoordinator();
    coordinator.partitions = 3;
    coordinator.leaderless.add(1);
    const first = join(coordinator);
    await until('the member has all', () => first.owns.size === 3);
    expect(first.led.at(-1)).toEqual([0, 2]);
    coordinator.leaderless.clear();
    await until('it knows the leader', () => first.led.at(-1)!.length === 3);
    expect(coordinator.generation).toBe(1);
  });

  test('has nothing and ends where the topic was deleted', async () => {
    const coordinator = new GroupCoordinator();
    const first = join(coordinator);
    await until('the member has it', () => first.owns.size === 1);
    coordinator.hasTopic = false;
    await until('it was told', () => first.told.includes('missing'));
    expect(first.owns.size).toBe(0);
  });
});

describe('a join of a static member', () => {
  /** A JoinGroup request of version 5 as kafkajs writes it: without an instance id. */
  function joinRequest(apiKey = 11, version = 5): Buffer {
    const text = (value: string) => {
      const length = Buffer.alloc(2);
      length.writeInt16BE(value.length);
      return Buffer.concat([length, Buffer.from(value)]);
    };
    const head = Buffer.alloc(8);
    head.writeInt16BE(apiKey, 0);
    head.writeInt16BE(version, 2);
    const timeouts = Buffer.alloc(8, 1);
    const missing = Buffer.from([0xff, 0xff]);
    const parts = [head, text('client'), text('group'), timeouts, text('member'), missing];
    const body = Buffer.concat([...parts, text('consumer'), Buffer.from([0, 0, 0, 0])]);
    const size = Buffer.alloc(4);
    size.writeInt32BE(body.length);
    return Buffer.concat([size, body]);
  }

  test('has its instance id, and says its new length', () => {
    const named = withInstanceId(joinRequest(), 'pod-1');
    expect(named.readInt32BE(0)).toBe(named.length - 4);
    expect(named.includes(Buffer.from('\0\x06member\0\x05pod-1\0\x08consumer'))).toBe(true);
  });

  test('is the only request that is changed', () => {
    for (const other of [joinRequest(12), joinRequest(11, 4), Buffer.from('short')]) {
      expect(withInstanceId(other, 'pod-1')).toBe(other);
    }
  });
});
