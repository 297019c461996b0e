import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  ack,
  deadLetter,
  release,
  retry,
  type Driver,
  type Subscription,
} from 'nestjs-redis-streams/driver';
import { Directory, publish, RECORD, STREAM, valuesOf } from './directory.js';

describe("with positions: 'engine'", () => {
  let directory: Directory;
  let driver: Driver;

  beforeEach(() => {
    directory = new Directory();
    driver = directory.open({ positions: 'engine' });
  });
  afterEach(() => directory.remove());

  const subscribe = (position?: string, startId = '0'): Promise<Subscription> =>
    driver.source.subscribe({
      ...{ streams: [STREAM], group: 'billing', consumer: 'A', startId },
      ...(position !== undefined && { positions: new Map([[STREAM, position]]) }),
      ...{ blockTimeout: 0, idleTimeout: 60_000, reclaimInterval: 1000 },
    });

  it('entries behind the position are handed out, in their order', async () => {
    const ids = (await publish(driver, 'a', 'b', 'c', 'd')) as string[];
    const reader = await subscribe(ids[1]);
    assert.deepEqual(valuesOf(await reader.pull(1)), ['c']);
    assert.deepEqual(valuesOf(await reader.pull(10)), ['d']);
    assert.deepEqual(await reader.pull(10), []);
  });

  it('a stream without a position begins at startId', async () => {
    await publish(driver, 'a');
    const reader = await subscribe(undefined, '$');
    await publish(driver, 'b');
    assert.deepEqual(valuesOf(await reader.pull(10)), ['b']);
    assert.deepEqual([...reader.began!], [[STREAM, '1']]);
  });

  it('an acknowledgement is forgotten with the subscription', async () => {
    await publish(driver, 'a', 'b');
    const before = directory.read('journal.jsonl');
    const reader = await subscribe();
    const [lease] = await reader.pull(2);
    assert.deepEqual(await driver.source.settle([{ lease: lease!, settlement: ack }]), ['settled']);
    await reader.close();
    assert.equal(directory.read('journal.jsonl'), before);
    assert.deepEqual(valuesOf(await (await subscribe()).pull(10)), ['a', 'b']);
  });

  it('retries and releases are counted within the subscription', async () => {
    await publish(driver, 'a', 'b');
    const reader = await subscribe();
    const [a, b] = await reader.pull(2);
    await driver.source.settle([
      { lease: a!, settlement: retry(0) },
      { lease: b!, settlement: release },
    ]);
    assert.equal(await reader.begin(a!), 'started');
    assert.equal(a!.attempt, 2);
    const [again] = await reader.pull(10);
    assert.deepEqual([again!.id, again!.attempt, again!.charged], [b!.id, 0, false]);
  });

  it('the source says that it cannot tell how far a group has come', () => {
    const { capabilities } = driver.source;
    assert.equal(capabilities.positions, 'engine');
    assert.equal(capabilities.atomicPublish, false);
    assert.equal(typeof driver.source.settledUpTo, 'undefined');
  });

  it('a second consumer of the group is refused until the first one has closed', async () => {
    const reader = await subscribe();
    await assert.rejects(subscribe(), /a group has one consumer at a time/);
    await reader.close();
    await (await subscribe()).close();
  });

  it('a redriven message waits for its settlement, through a restart as well', async () => {
    await publish(driver, 'a', 'b');
    const first = await subscribe();
    const [lease] = await first.pull(1);
    const settlement = deadLetter('unrecoverable');
    await driver.source.settle([{ lease: lease!, settlement, record: RECORD }]);
    assert.equal(await driver.deadLetters!.redrive(STREAM, { all: true }), 1);
    await directory.closeDrivers();

    driver = directory.open({ positions: 'engine' });
    const reader = await subscribe(lease!.id);
    const leases = await reader.pull(10);
    assert.deepEqual(
      leases.map(({ id, redriven = false }) => [id, redriven]),
      [
        ['1', true],
        ['2', false],
      ],
    );
    await driver.source.settle([{ lease: leases[0]!, settlement: ack }]);
    await reader.close();
    assert.deepEqual(valuesOf(await (await subscribe('2')).pull(10)), []);
  });
});
