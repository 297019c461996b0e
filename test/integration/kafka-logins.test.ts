import { inspect } from 'node:util';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
  type AclEntry,
} from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ack, deadLetter, retry } from '../../lib/core/settlement.js';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import {
  overTls,
  plainLogin,
  scramLogin,
  tlsLogin,
  type KafkaLogin,
} from '../support/kafka-auth.js';
import { startKafka, type KafkaServer, type StartKafkaOptions } from '../support/kafka-server.js';
import { KafkaWorld } from '../support/kafka-world.js';
import { needsOwnKafka } from '../support/kafka.js';
import { until } from '../support/until.js';

const STREAM = 'orders';
const GROUP = 't.shop';
const WRONG = { username: 'orders', password: 'not-the-password' };

type Login = Pick<KafkaOptions, 'sasl' | 'ssl'>;

describe('logins of Kafka', needsOwnKafka(), () => {
  let server: KafkaServer;
  let world: KafkaWorld;

  const broker = (options: StartKafkaOptions): void => {
    beforeAll(async () => {
      server = await startKafka(options);
    });
    afterAll(() => server?.stop());
    beforeEach(() => {
      const { brokers } = server;
      // What other programs write and read is not looked at here.
      const client = new Kafka({ brokers, logLevel: logLevel.NOTHING });
      world = new KafkaWorld({ brokers, prefix: 't.', client });
    });
    afterEach(() => world?.close());
  };

  /** What the driver shows to a broker of this login. */
  const shown = ({ client }: KafkaLogin): Login => client as Login;

  const published = async ({ source }: Driver): Promise<unknown> =>
    (await source.publish([{ stream: STREAM, fields: ['event_type', 'e'] }]))[0];
  const subscribed = (driver: Driver): Promise<unknown> =>
    world.subscribe(driver, STREAM, { group: GROUP }).catch((error: unknown) => error);

  async function expectRefused(login: Login, advice: string): Promise<void> {
    // A login that is tried again would fail after this time, and the test before.
    const driver = world.driver({ connectTimeout: 60_000, requestTimeout: 1000, ...login });
    for (const error of [await published(driver), await subscribed(driver)]) {
      expect(error).toMatchObject({
        code: 'KAFKA_CONNECTION',
        outcome: 'not-sent',
        message: expect.stringContaining(advice),
      });
      expect(inspect(error, { depth: 10 })).not.toContain(WRONG.password);
    }
  }

  async function expectLetIn(login: Login): Promise<void> {
    const driver = world.driver(login);
    await world.publish(driver, STREAM, 'a');
    const subscription = await world.subscribe(driver, STREAM, { group: GROUP });
    const [lease] = await world.take(subscription, 1);
    expect(await driver.source.settle([{ lease: lease!, settlement: ack }])).toEqual(['settled']);
  }

  describe('by SCRAM over TLS', () => {
    const login = overTls(scramLogin());
    const { ssl, sasl } = shown(login);
    broker(login.server);

    it('the right one is let in', () => expectLetIn({ ssl, sasl }));

    it.each<[string, Login, string]>([
      [
        'a wrong password',
        { ssl, sasl: { mechanism: 'scram-sha-512', ...WRONG } },
        'correct the option sasl',
      ],
      ['an authority that is not known here', { ssl: true, sasl }, 'correct the option ssl'],
      ['no TLS', { sasl }, 'give the option ssl'],
    ])('%s is refused, with what to do', (_, options, advice) => expectRefused(options, advice));
  });

  describe('by mutual TLS', () => {
    const login = tlsLogin({ mutual: true });
    const { ca, cert, key } = login.client.ssl as { ca: string; cert: string; key: string };
    broker(login.server);

    it('the right one is let in', () => expectLetIn({ ssl: { ca, cert, key } }));

    it.each<[string, Login]>([
      ['no certificate of its own', { ssl: { ca } }],
      ['another name of the broker', { ssl: { ca, cert, key, servername: 'kafka.example.com' } }],
    ])('%s is refused, with what to do', (_, options) =>
      expectRefused(options, 'correct the option ssl'),
    );
  });

  describe('by SASL/PLAIN, with rights', () => {
    const login = plainLogin();
    broker({
      config: {
        ...login.server.config,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // Brokers and controllers have no login.
        'super.users': 'User:ANONYMOUS',
      },
    });

    const { ALLOW } = AclPermissionTypes;
    const { TOPIC, GROUP: GROUPS, TRANSACTIONAL_ID } = AclResourceTypes;
    const { READ, WRITE, CREATE, DELETE, DESCRIBE, DESCRIBE_CONFIGS } = AclOperationTypes;
    const rights = (of: AclResourceTypes, ...operations: AclOperationTypes[]): AclEntry[] =>
      operations.map((operation) => ({
        ...{ resourceType: of, resourceName: 't.', operation, permissionType: ALLOW },
        resourcePatternType: ResourcePatternTypes.PREFIXED,
        ...{ principal: 'User:orders', host: '*' },
      }));
    async function give(acl: AclEntry[]): Promise<void> {
      const brokers = [`127.0.0.1:${server.port + 2}`];
      const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createAcls({ acl });
      await admin.disconnect();
    }

    it.each<[string, Login, string]>([
      ['a wrong password', { sasl: { mechanism: 'plain', ...WRONG } }, 'correct the option sasl'],
      [
        'a mechanism that the broker does not have',
        { sasl: { mechanism: 'scram-sha-256', ...WRONG } },
        'correct the option sasl',
      ],
      ['no login', {}, 'give the option sasl'],
    ])('%s is refused, with what to do', (_, options, advice) => expectRefused(options, advice));

    it(
      'a right that is missing is named, and those of the documentation are enough',
      { timeout: 60_000 },
      async () => {
        const denied = {
          code: 'PERMISSION_DENIED',
          message: expect.stringMatching(/kafka-acls\.sh: docs\/kafka\.md#permissions/),
        };
        const driver = world.driver({ ...shown(login), retryTopicAfter: 50 });
        expect(await published(driver)).toMatchObject(denied);
        expect(await subscribed(driver)).toMatchObject(denied);

        await give(rights(TOPIC, READ, WRITE, DESCRIBE, CREATE, DESCRIBE_CONFIGS));
        await until('it may publish', async () => (await published(driver)) === '0-0');
        expect(await subscribed(driver)).toMatchObject(denied);

        await give([
          ...rights(GROUPS, READ, DESCRIBE, DELETE),
          ...rights(TRANSACTIONAL_ID, WRITE, DESCRIBE),
        ]);
        let opened: unknown;
        await until('it may subscribe', async () => {
          opened = await subscribed(driver);
          return !(opened instanceof Error);
        });
        await world.publish(driver, STREAM, 'again', 'dead');
        await expectAllWorks(driver, opened as Subscription);
      },
    );

    /** Acknowledges, retries, gives up, redrives and asks for reports: three messages are there. */
    async function expectAllWorks(driver: Driver, subscription: Subscription): Promise<void> {
      const { source, deadLetters, groups } = driver;
      const [done, again, dead] = await world.take(subscription, 3);
      await source.settle([
        { lease: done!, settlement: ack },
        { lease: again!, settlement: retry(100) },
        {
          ...{ lease: dead!, settlement: deadLetter('unrecoverable') },
          record: recordFor(dead!, GROUP, 'c'),
        },
      ]);
      const [retried] = await world.take(subscription, 1);
      expect(retried).toMatchObject({ id: again!.id, attempt: 2 });
      expect((await deadLetters!.list(STREAM, 10)).items).toHaveLength(1);
      expect(await deadLetters!.redrive(STREAM, { group: GROUP })).toBe(1);
      const [redriven] = await world.take(subscription, 1);
      expect(redriven).toMatchObject({ id: dead!.id, redriven: true });
      await source.settle([retried!, redriven!].map((lease) => ({ lease, settlement: ack })));
      const [report] = await groups!.describe([STREAM]);
      expect(report).toMatchObject({ length: 3, groups: [{ name: GROUP, lag: 0 }] });
      // Without the right to delete, what is settled takes room. Deleting a group needs it.
      await give(rights(TOPIC, DELETE));
      await until('it may delete the group', () =>
        groups!.delete(STREAM, GROUP).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'PERMISSION_DENIED' });
          return false;
        }),
      );
    }
  });
});
