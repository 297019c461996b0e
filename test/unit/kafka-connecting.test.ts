import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import {
  KAFKA_OPTIONS,
  type KafkaOptions,
} from '../../lib/drivers/kafka/connection/kafka.options.js';
import { KafkajsClient } from '../../lib/drivers/kafka/connection/kafkajs/kafkajs-client.js';
import { kafka } from '../../lib/drivers/kafka/kafka.driver.js';

const SECRET = 'the-password-of-the-user';

describe('the options of Kafka', () => {
  it.each<[string, object, string]>([
    ['a broker without a port', { brokers: ['kafka'] }, 'brokers[0] must look like host:9092'],
    ['a port that is none', { brokers: ['kafka:70000'] }, 'brokers[0] must look like host:9092'],
    ['a url', { brokers: ['kafka://kafka:9092'] }, 'brokers[0] must look like host:9092'],
    ['no broker', { brokers: [] }, 'brokers must be'],
    ['a login without a password', { sasl: { mechanism: 'plain', username: 'u' } }, 'sasl'],
    ['a token that is no function', { sasl: { mechanism: 'oauthbearer', token: SECRET } }, 'sasl'],
    ['a certificate that is a path', { ssl: { ca: '/etc/ca.pem' } }, 'ssl.ca must be a PEM text'],
    ['an unknown codec', { compression: 'rar' }, 'compression must be'],
    ['no time', { requestTimeout: 0 }, 'requestTimeout must be'],
    ['an unknown option', { broker: ['kafka:9092'] }, 'broker'],
  ])('%s is refused at once', (_, options, problem) => {
    const opening = (): unknown => kafka(options as KafkaOptions);
    expect(opening).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(opening).toThrow(problem);
    expect(opening).not.toThrow(SECRET);
  });
});

describe('a connection to Kafka', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** A server of another protocol. */
  async function serverThat(answers: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      answers(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function clientOf(options: KafkaOptions): KafkajsClient {
    const client = new KafkajsClient(KAFKA_OPTIONS.complete(options), new EventBus());
    closing.push(() => client.close());
    return client;
  }

  const refusal = (client: KafkajsClient): Promise<unknown> =>
    client.admin.listTopics().catch((error: unknown) => error);

  it('fails in time where no broker listens, and names the address', async () => {
    const client = clientOf({ brokers: ['127.0.0.1:9'], connectTimeout: 1000 });
    const error = await refusal(client);
    expect(error).toMatchObject({ code: 'KAFKA_CONNECTION', outcome: 'not-sent' });
    expect(error).toMatchObject({
      message: expect.stringMatching(/tried 127\.0\.0\.1:9 for 1 s\): .*ECONNREFUSED/),
    });
  });

  it('says at once that another server has answered', async () => {
    const address = await serverThat((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await refusal(clientOf({ brokers: [address] }));
    expect(error).toMatchObject({
      code: 'KAFKA_CONNECTION',
      message: expect.stringContaining('correct the option brokers'),
    });
  });

  it('says at once that the broker asks for TLS', async () => {
    // An alert of TLS: this was no handshake.
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 0x50]);
    const address = await serverThat((socket) => socket.write(alert));
    const error = await refusal(clientOf({ brokers: [address], connectTimeout: 60_000 }));
    expect(error).toMatchObject({ message: expect.stringContaining('give the option ssl') });
  });

  it('is closed in time while a broker does not answer', async () => {
    const address = await serverThat(() => undefined);
    const client = clientOf({ brokers: [address] });
    const asking = refusal(client);
    await expect.poll(() => client.connections).toBe(1);
    await client.close();
    expect(client.connections).toBe(0);
    expect(await asking).toBeInstanceOf(Error);
  });

  it('shows no login and no key', async () => {
    const address = await serverThat(() => undefined);
    const sasl = { mechanism: 'plain', username: 'shop', password: SECRET } as const;
    const client = clientOf({ brokers: [address], sasl, connectTimeout: 100 });
    const error = await refusal(client);
    for (const shown of [client, client.unwrapped, error]) {
      expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain(SECRET);
    }
  });
});
