import { readFileSync } from 'node:fs';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { NestFactory } from '@nestjs/core';
import {
  ConsumerGroupManager,
  DeadLetters,
  DelayedMessages,
  StreamHandler,
  StreamPublisher,
  StreamRetention,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { nats } from 'nestjs-redis-streams/nats';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appModule, createApp } from '../support/nest-app.js';
import { inAllSlots } from '../support/in-all-slots.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { readPage } from '../support/doc-pages.js';
import { secret } from '../support/secrets.js';
import { sectionOf } from '../support/snippets.js';
import { until } from '../support/until.js';

const VERSIONS = ['floor', 'current'] as const;
const ORDER = { orderId: 'o-1', customerId: 'ada', total: 4200 };

interface User {
  readonly user: string;
  readonly permissions: { readonly publish: string[]; readonly subscribe: string[] };
}

const page = readFileSync(
  new URL('../../sample/docs/nats/permissions.json', import.meta.url),
  'utf8',
);
const { authorization } = JSON.parse(page) as { authorization: { users: User[] } };
const password = secret('user');

/** The user of the page that consumes, with the streams named as the page says below its list. */
function narrow({ permissions: { publish, subscribe } }: User): User {
  const section = sectionOf(readPage('docs/nats.md'), 'Permissions');
  const named = [...section.matchAll(/`(\$JS\.\S*\border_placed\b\S*)`/g)].map(([, text]) => text!);
  const kept = publish.filter((text) => !/^\$JS\..*[*>]/.test(text));
  const own = ['streams-dead-letters', 'streams-redriven'];
  const buckets = ['KV_streams-groups', 'KV_streams-runs', 'KV_streams-state'];
  const streams = ['order_placed', 'price_of', ...own, ...buckets];
  const all = streams.flatMap((name) => named.map((text) => text.replace('order_placed', name)));
  return { user: 'narrow', permissions: { publish: [...kept, ...all], subscribe } };
}

const [producer, consumer] = authorization.users as [User, User];
const users = [producer, consumer, narrow(consumer), { user: 'admin' }].map((user) => ({
  ...user,
  password,
}));

/** Whether a subject is one of those that a pattern of NATS stands for. */
function matches(pattern: string, subject: string): boolean {
  const [wanted, found] = [pattern.split('.'), subject.split('.')];
  const rest = wanted.indexOf('>');
  if (rest >= 0 ? found.length <= rest : found.length !== wanted.length) return false;
  return wanted.every((token, at) => token === '>' || token === '*' || token === found[at]);
}

@Controller()
class ShopController {
  packed = 0;

  @StreamHandler('order.placed', {
    maxDeliveries: 2,
    backoff: { type: 'fixed', delay: 10 },
    dedupe: { ttl: 60_000 },
  })
  pack(@Payload() { total }: typeof ORDER): void {
    if (total < 0) throw new Error('a negative total');
    this.packed++;
  }

  @MessagePattern('price.of')
  price(): number {
    return 45;
  }
}

describe('users of docs/nats.md', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('%s version', (version) => {
    let server: TestNats;
    beforeAll(async () => {
      const client = { user: 'admin', pass: password };
      const login = { server: { config: { authorization: { users }, trace: true } }, client };
      server = await testNats({ version, login });
    });
    afterAll(() => server.cleanup());

    /** What clients have sent so far, by what they did. */
    async function sent(what: 'PUB' | 'SUB'): Promise<string[]> {
      const log = await server.server.log();
      const lines = log.matchAll(/<<- \[(H?PUB|SUB) (\S+)/g);
      const subjects = [...lines].flatMap(([, word, subject]) =>
        word!.endsWith(what) ? [subject!] : [],
      );
      // Consumers that the server itself subscribes for.
      return [...new Set(subjects)].filter((subject) => !subject.startsWith('$JSC.'));
    }

    it.each([
      ['its streams named', 'narrow'],
      ['the list', 'shop'],
    ])('one consumes, fills all slots and administers, with %s', async (_, user) => {
      const refused: unknown[] = [];
      const driver = nats({ url: server.url, user, password });
      const options = {
        group: 'shop',
        slots: inAllSlots(driver),
        retention: 'deleteWhenSettled',
        commits: { name: 'shop' },
      } as const;
      const app = await createApp(
        appModule({ imports: [StreamsModule.forRoot(options)], controllers: [ShopController] }),
      );
      onTestFinished(() => app.close());
      app.get(StreamsTransport).on('warning', (warning) => refused.push(warning));
      app.get(StreamsTransport).on('worker-error', ({ error }) => refused.push(error));
      await app.listen();
      refused.length = 0;
      const publisher = app.get(StreamPublisher);
      await publisher.publish('order.placed', ORDER);
      await publisher.publish('order.placed', { ...ORDER, total: -1 });
      const letters = app.get(DeadLetters);
      const isGivenUp = async () => (await letters.list('order.placed')).items.length === 1;
      await until('the second order is given up', isGivenUp);
      await letters.redrive('order.placed', { all: true });
      await until('it is given up again', isGivenUp);
      const [letter] = (await letters.list('order.placed')).items;
      await letters.purge('order.placed', { ids: [letter!.deadLetterId] });
      expect(await firstValueFrom(app.get(StreamsClient).send('price.of', 'lamp'))).toBe(45);
      const groups = app.get(ConsumerGroupManager);
      await groups.setPosition('order.placed', 'shop', '0');
      await groups.getGroupInfo('order.placed', 'shop');
      const retention = app.get(StreamRetention);
      const isEmpty = async () => (await retention.report('order.placed')).length === 0;
      await until('what is settled is deleted', isEmpty);
      if (version === 'current') {
        const id = await publisher.publish('order.placed', ORDER, { delay: 60_000 });
        expect(await app.get(DelayedMessages).cancel('order.placed', id)).toBe(true);
      }
      for (const stream of ['order.placed', 'price.of']) await groups.deleteGroup(stream, 'shop');
      expect(await groups.createGroup('order.placed', 'shop')).toBe(true);
      expect(await groups.createGroup('price.of', 'shop')).toBe(true);
      expect(refused).toEqual([]);
      expect(await server.server.log()).not.toContain('Permissions Violation');
    });

    it('each line of the list is needed', async () => {
      const { publish, subscribe } = consumer.permissions;
      const [published, subscribed] = [await sent('PUB'), await sent('SUB')];
      const unused = [
        ...publish.filter((pattern) => !published.some((subject) => matches(pattern, subject))),
        ...subscribe.filter((pattern) => !subscribed.some((subject) => matches(pattern, subject))),
      ];
      expect(unused).toEqual([]);
    });

    it('the other one only publishes, to a stream that is there', async () => {
      const driver = nats({ url: server.url, user: 'checkout', password });
      const streams = StreamsModule.forRoot({
        group: 'checkout',
        slots: { messageSource: driver },
      });
      const app = await NestFactory.createApplicationContext(streams, { logger: false });
      onTestFinished(() => app.close());
      const publisher = app.get(StreamPublisher);
      expect(await publisher.publish('order.placed', ORDER)).toMatch(/^\d{16}$/);
      await expect(publisher.publish('price.of', 'lamp')).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
        command: 'publish',
        key: 'price.of',
      });
    });
  });
});
