import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Driver } from '../../lib/ports/driver.js';
import type { Fields } from '../../lib/core/message.js';
import type { Replies, ReplyBox } from '../../lib/ports/replies.js';
import type { OpenOptions, SourceHarness } from './source-harness.js';
import { until } from '../support/until.js';

/** A driver with the port `replies`, and how its time passes. */
export type RepliesHarness = Pick<SourceHarness, 'open' | 'now' | 'unique' | 'close'>;

/**
 * What the port `replies` promises. A driver's test is one call:
 *
 * ```ts
 * describeRepliesContract('mine', async () => new MyHarness());
 * ```
 */
export function describeRepliesContract(name: string, setup: () => Promise<RepliesHarness>): void {
  describe(`replies contract: ${name}`, () => {
    let harness: RepliesHarness;
    const drivers: Driver[] = [];
    const boxes: ReplyBox[] = [];

    beforeAll(async () => {
      harness = await setup();
    });
    afterAll(() => harness.close());
    afterEach(async () => {
      for (const box of boxes.splice(0)) await box.close();
      for (const driver of drivers.splice(0)) await driver.source.close();
    });

    async function connect(options?: OpenOptions): Promise<Replies> {
      const driver = await harness.open(options);
      drivers.push(driver);
      return driver.replies!;
    }

    /** A box that takes replies, and what has arrived in it. */
    async function openBox(replies: Replies) {
      const arrived: Fields[] = [];
      const box = replies.open({
        onReplies: (some) => arrived.push(...some),
        onLost: () => undefined,
        waiting: () => true,
      });
      boxes.push(box);
      await box.ready();
      return { box, arrived, bodies: () => arrived.map((fields) => fields[3]) };
    }

    const reply = (to: string, body: string) => ({ to, fields: ['answer', 'head', 'body', body] });

    test('arrive in their box, in order, from any connection', async () => {
      const { box, arrived, bodies } = await openBox(await connect());
      const server = await connect();
      const sent = Array.from({ length: 300 }, (_, index) => `${index}`);
      const outcomes: string[] = [];
      for (const body of sent.slice(0, 10)) {
        outcomes.push(...((await server.send([reply(box.address, body)])) as string[]));
      }
      const together = sent.slice(10).map((body) => reply(box.address, body));
      outcomes.push(...((await server.send(together)) as string[]));
      await until('all have arrived', () => arrived.length === 300);
      expect(bodies()).toEqual(sent);
      expect(new Set(outcomes)).toEqual(new Set(['sent']));
    });

    test('arrive as they were', async () => {
      const { box, arrived } = await openBox(await connect());
      const fields = ['', '', 'a\r\nb', '\u0000', 'same', '😀', 'same', 'ü'.repeat(50_000)];
      await (await connect()).send([{ to: box.address, fields }]);
      await until('it has arrived', () => arrived.length === 1);
      expect(arrived[0]).toEqual(fields);
    });

    test('to a box that is closed, or never was, are dropped, and hide no others', async () => {
      const { box, arrived } = await openBox(await connect());
      const closed = await openBox(await connect());
      await closed.box.close();
      await closed.box.close();
      const server = await connect();
      const outcomes = await server.send([
        reply(closed.box.address, 'a'),
        reply(box.address, 'b'),
        reply('client-nobody', 'c'),
      ]);
      expect(outcomes).toEqual(['gone', 'sent', 'gone']);
      await until('one has arrived', () => arrived.length === 1);
      expect(closed.arrived).toEqual([]);
    });

    test('go to the box that they are for', async () => {
      const client = await connect();
      const [first, second] = [await openBox(client), await openBox(client)];
      expect(first.box.address).toMatch(/^[\w-]{1,64}$/);
      expect(first.box.address).not.toBe(second.box.address);
      await (
        await connect()
      ).send([reply(second.box.address, 'second'), reply(first.box.address, 'first')]);
      await until('both have arrived', () => first.arrived.length + second.arrived.length === 2);
      expect([first.bodies(), second.bodies()]).toEqual([['first'], ['second']]);
    });

    test('stay within their key prefix', async () => {
      const { box } = await openBox(await connect({ keyPrefix: 'apart:' }));
      const server = await connect();
      expect(await server.send([reply(box.address, 'a')])).toEqual(['gone']);
    });

    test('nobody waits for a box that can take replies', async () => {
      const { box } = await openBox(await connect());
      expect(box.ready()).toBeUndefined();
    });

    test('the time is that of published entries', async () => {
      const driver = await harness.open();
      drivers.push(driver);
      const stream = harness.unique('stream');
      const before = await driver.replies!.now();
      const [id] = await driver.source.publish([{ stream, fields: ['a', 'b'] }]);
      const published = Number.parseInt(id as string, 10);
      expect(published).toBeGreaterThanOrEqual(Math.floor(before) - 1);
      expect(await driver.replies!.now()).toBeGreaterThanOrEqual(published - 50);
      expect(await driver.replies!.now()).toBeLessThanOrEqual(harness.now() + 2000);
    });

    test('tells how many groups read a stream', async () => {
      const driver = await harness.open();
      drivers.push(driver);
      const stream = harness.unique('stream');
      await driver.source.publish([{ stream, fields: ['a', 'b'] }]);
      expect(await driver.replies!.readers(stream)).toBe(0);
      for (const group of ['one', 'two']) {
        const subscription = await driver.source.subscribe({
          streams: [stream],
          group,
          consumer: 'c',
          startId: '0',
          blockTimeout: 100,
          idleTimeout: 60_000,
          reclaimInterval: 60_000,
        });
        await subscription.pull(1);
      }
      expect(await driver.replies!.readers(stream)).toBe(2);
    });
  });
}
