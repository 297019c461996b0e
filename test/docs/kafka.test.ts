import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { ConsumerGroupManager, DeadLetters, StreamsModule } from 'nestjs-redis-streams/core';
import { loadConfig } from 'nestjs-redis-streams/config';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OrderController } from '../../sample/docs/kafka/order.controller.js';
import { publish, readFirst } from '../../sample/docs/kafka/other-program.js';
import { freePort } from '../support/free-port.js';
import { startKafka, type KafkaServer } from '../support/kafka-server.js';
import { needsOwnKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { appModule, createApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

const ORDER = { orderId: 'o-1', customerId: 'ada', total: 4200 };

/** What the handler of the page has logged. */
const packed: string[] = [];
const hear = (): void => {
  packed.length = 0;
  const log = (text: unknown): void => {
    if (String(text).startsWith('packing ')) packed.push(String(text));
  };
  Logger.overrideLogger({ log, warn: () => undefined, error: () => undefined });
};
beforeEach(hear);
afterAll(() => Logger.overrideLogger(false));

describe('docs/kafka.md', needsOwnKafka(), () => {
  let server: KafkaServer;
  let kafka: TestKafka;
  beforeAll(async () => {
    server = await startKafka();
    kafka = await testKafka(server.brokers);
    vi.stubEnv('KAFKA_BROKERS', server.brokers.join(','));
  }, 60_000);
  afterAll(async () => {
    await kafka?.cleanup();
    await server?.stop();
  });

  it('the first service makes its topic, and handles the order that it was sent', async () => {
    const port = await freePort();
    vi.stubEnv('PORT', String(port));
    const { bootstrap } = await import('../../sample/docs/kafka/main.js');
    const app = await bootstrap();
    onTestFinished(() => app.close());
    hear();
    const answer = await fetch(`http://localhost:${port}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ORDER),
    });
    expect(await answer.json()).toEqual({ id: '5-0' });
    await until('the order is packed', () => packed.includes('packing o-1 for ada'));
    expect(await kafka.admin.fetchTopicOffsets('order.placed')).toHaveLength(6);
    const { groups } = await kafka.admin.listGroups();
    expect(groups.map(({ groupId }) => groupId)).toContain('shop/order.placed');

    // Other programs publish to the same topic, and read what was published.
    await publish(server.brokers, { ...ORDER, orderId: 'o-2' });
    await until('the order is packed', () => packed.includes('packing o-2 for ada'));
    expect(await readFirst(server.brokers)).toEqual(ORDER);
    expect(await app.get(ConsumerGroupManager).listGroups('order.placed')).toContain('shop');

    const producer = kafka.client.producer();
    await producer.connect();
    await producer.send({ topic: 'order.placed', messages: [{ value: 'no JSON' }] });
    await producer.disconnect();
    const letters = app.get(DeadLetters);
    await until('it is given up', async () => {
      const { items } = await letters.list('order.placed');
      return items.length === 1 && items[0]!.reason === 'undecodable';
    });
    expect(await kafka.admin.listTopics()).toContain('order.placed.dlq');
  }, 60_000);

  it('the file of configuration starts the same service', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kafka-config-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'consumer-config.yaml');
    const page = new URL('../../sample/docs/kafka/consumer-config.yaml', import.meta.url);
    await writeFile(file, await readFile(fileURLToPath(page)));
    const app = await createApp(
      appModule({
        imports: [StreamsModule.forRoot(loadConfig(file, 'shop'))],
        controllers: [OrderController],
      }),
    );
    onTestFinished(() => app.close());
    hear();
    await app.listen();
    await publish(server.brokers, { ...ORDER, orderId: 'o-3' });
    await until('the order is packed', () => packed.includes('packing o-3 for ada'));
  }, 60_000);
});
