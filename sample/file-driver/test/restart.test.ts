import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  ack,
  deadLetter,
  retry,
  type Driver,
  type Subscription,
} from 'nestjs-redis-streams/driver';
import { ManualClock } from 'nestjs-redis-streams/testing';
import { Directory, publish, RECORD, STREAM, subscribe, valuesOf } from './directory.js';

describe('the next process', () => {
  let before: Directory;
  let after: Directory | undefined;
  let driver: Driver;

  beforeEach(() => {
    before = new Directory();
    driver = before.open();
  });
  afterEach(async () => {
    await before.remove();
    await after?.remove();
    after = undefined;
  });

  /** The process dies where it is. The next one opens what it left. */
  function restart(): Driver {
    after = before.afterDeath();
    return after.open();
  }

  it('is handed at once what was pending, with the count of its runs', async () => {
    await publish(driver, 'a', 'b', 'c');
    const reader = await subscribe(driver);
    const [a, b] = await reader.pull(2);
    await driver.source.settle([
      { lease: a!, settlement: ack },
      { lease: b!, settlement: retry(0) },
    ]);
    await reader.begin(b!);

    const next = await subscribe(restart(), 'B');
    const leases = await next.pull(10);
    assert.deepEqual(valuesOf(leases), ['b', 'c']);
    assert.deepEqual(
      leases.map(({ attempt, charged }) => [attempt, charged]),
      [
        [2, false],
        [1, true],
      ],
    );
  });

  it('gives new entries ids behind the old ones', async () => {
    await publish(driver, 'a', 'b');
    assert.deepEqual(await publish(restart(), 'c'), ['3']);
  });

  it('hands out what is published after a power failure took entries that a group had read', async () => {
    await publish(driver, 'a', 'b');
    await (await subscribe(driver)).pull(2);

    after = before.afterDeath();
    const [first] = after.read('streams/orders.jsonl').split('\n');
    after.write('streams/orders.jsonl', `${first}\n`);
    const next = after.open();
    assert.deepEqual(await publish(next, 'c'), ['3']);
    assert.deepEqual(valuesOf(await (await subscribe(next)).pull(10)), ['a', 'c']);
  });

  it('has dead letters, and hands them back to their group', async () => {
    await publish(driver, 'a');
    const [lease] = await (await subscribe(driver)).pull(1);
    const settlement = deadLetter('unrecoverable');
    await driver.source.settle([{ lease: lease!, settlement, record: RECORD }]);

    const next = restart();
    const { items } = await next.deadLetters!.list(STREAM, 10);
    assert.deepEqual(items, [{ ...RECORD, deadLetterId: '1', fields: ['value', 'a'] }]);
    assert.equal(await next.deadLetters!.redrive(STREAM, { all: true }), 1);
    const [again] = await (await subscribe(next)).pull(1);
    assert.deepEqual([again?.id, again?.redriven, again?.attempt], ['1', true, 0]);
  });

  it('has the keys of the state store, until they expire', async () => {
    await before.closeDrivers();
    const clock = new ManualClock();
    const { state } = before.open({ clock });
    await state!.set('stays', 'one');
    await state!.set('expires', 'two', 1000);
    await state!.set('deleted', 'three');
    await state!.delete('deleted');

    after = before.afterDeath();
    const next = after.open({ clock }).state!;
    const values = () => Promise.all(['stays', 'expires', 'deleted'].map((key) => next.get(key)));
    assert.deepEqual(await values(), ['one', 'two', undefined]);
    await clock.advance(1000);
    assert.deepEqual(await values(), ['one', undefined, undefined]);
  });

  it('has another start of its clock, and the same dates', async () => {
    await before.closeDrivers();
    const clock = new ManualClock();
    const dead = before.open({ clock });
    await clock.advance(86_400_000);
    const publishedAt = clock.wallTime();
    await publish(dead, 'a', 'b');
    await dead.state!.set('expires', 'one', 1000);
    const reader = await subscribe(dead);
    await reader.pull(1);

    after = before.afterDeath();
    const later = new ManualClock(clock.wallTime() + 500);
    const next = after.open({ clock: later });
    const leases = await (await subscribe(next, 'B')).pull(10);
    assert.deepEqual(
      leases.map((lease) => [...valuesOf([lease]), lease.publishedAt]),
      [
        ['a', publishedAt],
        ['b', publishedAt],
      ],
    );
    assert.equal(await next.state!.get('expires'), 'one');
    await later.advance(500);
    assert.equal(await next.state!.get('expires'), undefined);
  });

  it('completes a step whose line the journal has: the entry is published, once', async () => {
    await publish(driver, 'a');
    const [lease] = await (await subscribe(driver)).pull(1);
    const next = [{ stream: 'shipping', fields: ['value', 'next'] }];
    await driver.source.settle([{ lease: lease!, settlement: { ...ack, publish: next } }]);

    after = before.afterDeath();
    after.write('streams/shipping.jsonl', '');
    for (let start = 0; start < 2; start++) {
      const { source }: Driver = after.open();
      const reader: Subscription = await source.subscribe({
        ...{ streams: ['shipping'], group: `g${start}`, consumer: 'A', startId: '0' },
        ...{ blockTimeout: 0, idleTimeout: 60_000, reclaimInterval: 1000 },
      });
      assert.deepEqual(valuesOf(await reader.pull(10)), ['next']);
      await after.closeDrivers();
    }
  });

  it('finds the same in a journal that was compacted', async () => {
    const { state, deadLetters, source } = driver;
    await publish(driver, 'a', 'b');
    const [a] = await (await subscribe(driver)).pull(1);
    await source.settle([{ lease: a!, settlement: retry(0) }]);
    await deadLetters!.put(RECORD, ['value', 'dead']);
    await deadLetters!.put({ ...RECORD, group: 'other' }, ['value', 'redriven']);
    await deadLetters!.redrive(STREAM, { group: 'other' });
    for (let n = 0; n < 10_000; n++) await state!.set('count', String(n));
    assert.ok(before.read('journal.jsonl').split('\n').length < 1000);

    const next = restart();
    assert.equal(await next.state!.get('count'), '9999');
    assert.deepEqual(valuesOf(await (await subscribe(next)).pull(10)), ['a', 'b']);
    assert.equal((await next.deadLetters!.list(STREAM, 10)).items.length, 1);
    assert.equal(await next.deadLetters!.put(RECORD, []), '3');
    const other = await next.source.subscribe({
      ...{ streams: [STREAM], group: 'other', consumer: 'A', startId: '$' },
      ...{ blockTimeout: 0, idleTimeout: 60_000, reclaimInterval: 1000 },
    });
    assert.deepEqual(valuesOf(await other.pull(10)), ['redriven']);
  });
});
