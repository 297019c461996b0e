import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { InternalStream } from '../../lib/drivers/nats/buckets/internal-stream.js';
import { Scan } from '../../lib/drivers/nats/buckets/scan.js';
import { publishBytes } from '../support/nats-bytes.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { killAndStart, natsStores, type NatsStores } from '../support/nats-stores.js';
import { until } from '../support/until.js';

const NAME = 'scanned';

for (const version of ['floor', 'current'] as const) {
  describe(`a scan of a stream of nats, ${version}`, needsNats(version), () => {
    let server: TestNats;
    let manager: JetStreamManager;
    let stores: NatsStores;
    let stream: InternalStream;
    let scan: Scan;
    beforeAll(async () => {
      server = await testNats({ version });
      manager = await jetstreamManager(server.client);
    });
    afterAll(() => server.cleanup());
    beforeEach(async () => {
      stores = natsStores({ url: server.url, requestTimeout: 500 });
      const settings = () => ({ subjects: [`${NAME}.*`] });
      stream = new InternalStream({ parts: stores.parts, name: NAME, keeps: 'tests', settings });
      const { connection } = stores;
      scan = new Scan({ connection, stream, action: 'scanning', subject: `${NAME}.a`, from: 1 });
      await fill(9);
    });
    afterEach(async () => {
      await stores.close();
      await manager.streams.delete(NAME);
    });

    /** Messages of one subject, and as many of another one between them. */
    async function fill(count: number): Promise<void> {
      for (let at = 0; at < count; at++) {
        await stream.publish('filling', `${NAME}.a`, `${at}`);
        await stream.publish('filling', `${NAME}.b`, 'of another subject');
      }
    }
    async function page(limit: number): Promise<string[]> {
      const { messages } = await scan.page(limit);
      return messages.map(({ body }) => body.toString());
    }

    test('has each message of the subject once, in pages', async () => {
      expect(await page(4)).toEqual(['0', '1', '2', '3']);
      expect(await page(4)).toEqual(['4', '5', '6', '7']);
      const { messages, more } = await scan.page(4);
      expect([messages.length, more]).toEqual([1, false]);
      const [{ subject, sequence, time }] = messages as [(typeof messages)[number]];
      const stored = (await manager.streams.getMessage(NAME, { seq: sequence }))!;
      expect([subject, time]).toEqual([stored.subject, stored.time.getTime()]);
    });

    test('ends where the messages that it counted are deleted meanwhile', async () => {
      expect(await page(4)).toHaveLength(4);
      const { state } = await manager.streams.info(NAME);
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) await stream.remove('', seq);
      expect(await page(4)).toEqual([]);
      expect(await scan.page(4)).toMatchObject({ more: false });
    });

    test('goes on where the server was killed', async () => {
      expect(await page(4)).toHaveLength(4);
      await killAndStart(server);
      expect([...(await page(4)), ...(await page(4))]).toEqual(['4', '5', '6', '7', '8']);
    });

    test('goes on where another program has deleted its consumer', async () => {
      expect(await page(4)).toHaveLength(4);
      for await (const { name } of manager.consumers.list(NAME)) {
        await manager.consumers.delete(NAME, name);
      }
      expect(await page(5)).toEqual(['4', '5', '6', '7', '8']);
    });

    test('reads a message whose headers its client refuses', async () => {
      await publishBytes(server.server.port, `${NAME}.a`, 'A: b\nc', '9');
      const stored = async () => (await manager.streams.info(NAME)).state.messages;
      await until('it is stored', async () => (await stored()) === 19);
      expect(await page(100)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
      await stores.connection.flush();
    });

    test('fails where the server stays silent', async () => {
      expect(await page(4)).toHaveLength(4);
      server.server.freeze();
      try {
        await expect(page(4)).rejects.toMatchObject({ code: 'NATS_CONNECTION' });
      } finally {
        server.server.thaw();
      }
    });
  });
}
