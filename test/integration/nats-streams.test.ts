import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import type { StreamInfo } from '../../lib/drivers/nats/streams/js-stream.js';
import { NatsWorld } from '../support/nats-world.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { until } from '../support/until.js';

type Settings = NonNullable<NatsOptions['streams']>;

const SECOND = 1_000_000_000;

describe.each(['floor', 'current'] as const)('streams of NATS (%s)', (version) => {
  describe('on a server', needsNats(version), () => {
    let server: TestNats;
    let world: NatsWorld;
    let stream: string;
    let made = 0;
    beforeAll(async () => {
      server = await testNats({ version });
    });
    afterAll(() => server.cleanup());
    beforeEach(() => {
      world = new NatsWorld(server);
      stream = `orders-${++made}`;
    });
    afterEach(() => world.close());

    const info = (name = stream): Promise<StreamInfo> => world.api(`STREAM.INFO.${name}`);

    test('are made by the first publish, as the options say', async () => {
      const streams = { storage: 'memory', duplicateWindow: 5000, maxMessages: 9 } as const;
      const [id] = await world.publish(world.driver({ streams }), stream, 'a');
      const { config, state } = await info();
      expect(config).toMatchObject({
        ...{ storage: 'memory', num_replicas: 1, duplicate_window: 5 * SECOND },
        ...{ max_age: 0, max_bytes: -1, max_msgs: 9, discard: 'new' },
      });
      expect(state.first_seq).toBe(Number(id));
      expect(Number(id)).toBeGreaterThan(Date.parse('2020-01-01') * 1000);
    });

    const old = { discard: 'old' } as const;
    const CHANGES: readonly (readonly [
      setting: string,
      before: Settings,
      after: Settings,
      object,
    ])[] = [
      ['duplicateWindow', {}, { duplicateWindow: 1000 }, { duplicate_window: SECOND }],
      ['maxAge', {}, { maxAge: 60_000 }, { max_age: 60 * SECOND, duplicate_window: 60 * SECOND }],
      ['maxAge, which is left out', { maxAge: 60_000 }, {}, { max_age: 0 }],
      ['maxBytes', old, { ...old, maxBytes: 10_000 }, { max_bytes: 10_000 }],
      ['maxMessages', { ...old, maxMessages: 5 }, { ...old, maxMessages: 7 }, { max_msgs: 7 }],
      ['discard', {}, old, { discard: 'old' }],
    ];

    test.each(CHANGES)(
      'a changed %s is changed on the server',
      async (_, before, after, wanted) => {
        await world.publish(world.driver({ streams: before }), stream, 'a');
        await world.publish(world.driver({ streams: after }), stream, 'b');
        const { config, state } = await info();
        expect(config).toMatchObject(wanted);
        expect(state.messages).toBe(2);
      },
    );

    test('what changed after the start stays, also where the stream is looked for again', async () => {
      const driver = world.driver();
      await world.publish(driver, stream, 'a');
      const { config } = await info();
      const changed = { duplicate_window: SECOND, max_age: 60 * SECOND };
      await world.api(`STREAM.UPDATE.${stream}`, { ...config, ...changed });
      // The consumer looks for a durable that vanished, and for its stream.
      const subscription = await world.subscribe(driver, stream);
      await world.deleteDurable(stream);
      await until('the durable is back', async () => {
        await subscription.pull(10);
        return world.durable(stream).then(
          () => true,
          () => false,
        );
      });
      expect((await info()).config).toMatchObject(changed);
      // The later start wins.
      await world.publish(world.driver(), stream, 'b');
      expect((await info()).config).toMatchObject({ max_age: 0 });
    });

    test('subjects that an operator added stay when settings are changed', async () => {
      await world.publish(world.driver(), stream, 'a');
      const { config } = await info();
      const subjects = [...config.subjects!, `${stream}.added`];
      await world.api(`STREAM.UPDATE.${stream}`, { ...config, subjects });
      await world.publish(world.driver({ streams: { duplicateWindow: 1000 } }), stream, 'b');
      expect((await info()).config).toMatchObject({ subjects, duplicate_window: SECOND });
    });

    test('a changed storage is an error that names it, and both values', async () => {
      await world.publish(world.driver(), stream, 'a');
      const driver = world.driver({ streams: { storage: 'memory' } });
      const error: unknown = await world
        .subscribe(driver, stream)
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'NATS_STREAM_SETTINGS',
        settings: [{ name: 'storage', found: 'file', wanted: 'memory' }],
      });
      expect((error as Error).message).toMatch(
        /storage is "file", not "memory"\. The server says: .* storage .*or delete the stream/,
      );
      expect((await info()).config).toMatchObject({ storage: 'file' });
    });

    test('more replicas than servers are an error that names the option, with the words of the server', async () => {
      await world.subscribe(world.driver(), stream);
      const driver = world.driver({ streams: { replicas: 3 } });
      const subscribing = world.subscribe(driver, stream);
      // The older server takes the number, and keeps the stream as it is.
      if (version === 'floor') return expect(subscribing).resolves.toBeDefined();
      const { message } = await subscribing.then(
        () => expect.fail('it should have failed'),
        (error: Error) => error,
      );
      expect(message).toContain(
        'num_replicas (option replicas) is 1, not 3. The server says: replicas > 1 not supported in non-clustered mode. Set the option',
      );
      expect(message).not.toContain('delete');
    });

    test('settings that exclude each other on the server are an error that names them', async () => {
      await world.publish(world.driver(), stream, 'a');
      const driver = world.driver({ streams: { maxMessages: 5 } });
      const error: unknown = await world
        .subscribe(driver, stream)
        .catch((thrown: unknown) => thrown);
      // Delayed messages of 2.12, which cannot be switched off, and a stream that refuses messages.
      if (version === 'floor') return expect(error).not.toBeInstanceOf(Error);
      expect(error).toMatchObject({ code: 'NATS_STREAM_SETTINGS' });
      expect((error as Error).message).toContain('max_msgs (option maxMessages) is -1, not 5');
    });

    test('a stream of another program with the subject is used, and not changed', async () => {
      const warnings = world.record('warning');
      const config = { name: `THEIRS-${made}`, subjects: [stream, `${stream}.>`] };
      await world.api(`STREAM.CREATE.${config.name}`, { ...config, max_msgs: 5 });
      const before = await info(config.name);
      const driver = world.driver({ streams: { maxMessages: 100 } });
      server.client.publish(`${stream}.other`, 'not of this stream');
      const ids = await world.publish(driver, stream, 'a', 'b');
      const subscription = await world.subscribe(driver, stream);
      expect((await subscription.pull(10)).map(({ id }) => id)).toEqual(ids);
      expect(await driver.groups!.describe([stream])).toMatchObject([
        {
          ...{ length: 2, entriesAdded: null, firstId: ids[0], lastId: ids[1] },
          groups: [{ name: 'g', pending: 2, lag: 0, entriesRead: null }],
        },
      ]);
      expect((await info(config.name)).config).toEqual(before.config);
      await expect(info()).rejects.toThrow('not found');
      expect(warnings.map(({ code }) => code)).toEqual(['NATS_FOREIGN_STREAM']);
    });

    test('a stream whose name is a pattern of NATS is warned of once', async () => {
      const warnings = world.record('warning');
      const driver = world.driver();
      for (const consumer of ['one', 'two']) {
        await world.subscribe(driver, stream, {
          consumer,
          streams: [`${stream}.>`, `${stream}.*.new`, `${stream}*`, `>${stream}`],
        });
      }
      expect(warnings.map(({ code }) => code)).toEqual(['NATS_WILDCARD', 'NATS_WILDCARD']);
      expect(warnings[0]!.message).toContain(`"${stream}.>"`);
      expect(warnings[0]!.message).toContain(`Write the pattern "${stream}.*"`);
      expect(warnings[1]!.message).toContain(`"${stream}.*.new"`);
    });

    test('settings are compared once in each process: two versions do not undo each other', async () => {
      const before = world.driver();
      await world.publish(before, stream, 'a');
      await world.publish(world.driver({ streams: { maxAge: 60_000 } }), stream, 'b');
      // It asks the server anew.
      await before.groups!.create(stream, 'g', { startId: '0', createStream: true });
      expect((await info()).config).toMatchObject({ max_age: 60 * SECOND });
    });

    test('a stream of this driver that was restored under another name is used', async () => {
      await world.publish(world.driver(), stream, 'a');
      const { config } = await info();
      await world.api(`STREAM.DELETE.${stream}`);
      await world.api(`STREAM.CREATE.${stream}-restored`, {
        ...config,
        name: `${stream}-restored`,
      });
      const driver = world.driver();
      const [id] = await world.publish(driver, stream, 'b');
      const [lease] = await (await world.subscribe(driver, stream)).pull(1);
      expect(lease!.id).toBe(id);
      await expect(info()).rejects.toThrow('not found');
    });

    test('a stream whose subjects others have is an error that names them', async () => {
      if (version === 'floor') return;
      await world.api('STREAM.CREATE.AUDIT', {
        name: 'AUDIT',
        subjects: [`_streams.=.delayed.${stream}.>`],
      });
      const driver = world.driver();
      const outcome = await driver.source.publish([{ stream, fields: ['a', 'b'] }]);
      await world.api('STREAM.DELETE.AUDIT');
      expect(outcome[0]).toMatchObject({ code: 'NATS_SUBJECT_TAKEN', others: ['AUDIT'] });
    });

    test('of many processes at the same moment, one makes it', async () => {
      const drivers = Array.from({ length: 6 }, () => world.driver());
      await Promise.all(drivers.map((driver, at) => world.publish(driver, stream, String(at))));
      expect((await info()).state.messages).toBe(6);
    });
  });
});
