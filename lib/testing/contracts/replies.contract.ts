import { expect } from '../running/expect.js';
import { port } from '../running/skipped.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverHarness, DriverSetup, OpenOptions } from '../world/driver-harness.js';
import { SourceWorld } from '../world/source-world.js';
import type { Fields } from '../../core/message.js';
import type { Replies, ReplyBox } from '../../ports/replies.js';
import { until } from '../running/until.js';

/**
 * What the port `replies` promises. A driver's test is one call:
 *
 * ```ts
 * repliesContract({ describe, it }, 'mine', () => new MyHarness());
 * ```
 */
export function repliesContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `replies contract: ${name}`, (tests) => {
    const { test, afterEach, beforeEach } = tests;
    let world: SourceWorld;
    let harness: DriverHarness;
    const boxes: ReplyBox[] = [];

    beforeEach(async () => {
      world = new SourceWorld(await setup());
      ({ harness } = world);
    });
    afterEach(async () => {
      for (const box of boxes.splice(0)) await box.close();
      await world.close();
    });

    async function connect(options?: OpenOptions): Promise<Replies> {
      const driver = await world.open(options);
      return port(driver, 'replies');
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

    test('a box that can take replies costs no wait', async () => {
      const { box } = await openBox(await connect());
      expect(box.ready()).toBeUndefined();
    });

    test('the time is that of published entries', async () => {
      const driver = await world.open();
      const before = await port(driver, 'replies').now();
      await world.publish('a');
      const { publishedAt: published } = await (await world.reader('A')).takeOne();
      expect(published).toBeGreaterThanOrEqual(Math.floor(before) - 1);
      expect(await port(driver, 'replies').now()).toBeGreaterThanOrEqual(published - 50);
      expect(await port(driver, 'replies').now()).toBeLessThanOrEqual(harness.now() + 2000);
    });

    test('tells how many groups read a stream', async () => {
      const driver = await world.open();
      const stream = harness.unique('stream');
      await driver.source.publish([{ stream, fields: ['a', 'b'] }]);
      expect(await port(driver, 'replies').readers(stream)).toBe(0);
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
      expect(await port(driver, 'replies').readers(stream)).toBe(2);
    });
  });
}
