import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Kafka, logLevel } from 'kafkajs';
import { overTls, plainLogin, scramLogin, tlsLogin } from '../support/kafka-auth.js';
import { needsKafka, needsOwnKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { startKafka, type KafkaServer } from '../support/kafka-server.js';
import { quiet } from '../support/passing-time.js';
import { runs } from '../support/process-children.js';
import { until } from '../support/until.js';

/** A client without credentials gives up at once. */
const strangers = { logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 2_000 };

/** Sends one text, and answers the offset. */
async function send({ client }: TestKafka, topic: string, value: string): Promise<string> {
  const producer = client.producer();
  await producer.connect();
  const [sent] = await producer.send({ topic, messages: [{ value }] });
  await producer.disconnect();
  return sent!.baseOffset!;
}

describe('the broker that test files share', needsKafka(), () => {
  it('is one for all, and cleanup deletes the topics of one test file only', async () => {
    const [one, another] = [await testKafka(), await testKafka()];
    expect(one.brokers).toEqual(another.brokers);
    const names = [await one.createTopic('orders'), await another.createTopic('orders', 2)];
    expect(await another.admin.fetchTopicOffsets(names[1]!)).toHaveLength(2);
    await one.cleanup();
    await until('the topic is deleted', async () => {
      const left = await another.admin.listTopics();
      return left.includes(names[1]!) && !left.includes(names[0]!);
    });
    await another.cleanup();
  });

  it('makes no topics by itself', async () => {
    const kafka = await testKafka();
    const named = { topics: [`${kafka.prefix}missing`] };
    await expect(kafka.admin.fetchTopicMetadata(named)).rejects.toThrow('topic-partition');
    await kafka.cleanup();
  });
});

describe('a broker of a test of its own', needsOwnKafka(), () => {
  let server: KafkaServer;
  let kafka: TestKafka;
  beforeAll(async () => {
    server = await startKafka({ config: { 'num.partitions': 3 } });
    kafka = await testKafka(server.brokers);
  });
  afterAll(async () => {
    await kafka.admin.disconnect();
    await server.stop();
  });

  it('has the configuration that it was given', async () => {
    await kafka.admin.createTopics({ topics: [{ topic: 'orders' }] });
    expect(await kafka.admin.fetchTopicOffsets('orders')).toHaveLength(3);
  });

  it('keeps what it has when it is killed and started, and when it is restarted', async () => {
    await kafka.admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] });
    expect(await send(kafka, 'kept', 'first')).toBe('0');
    const { pid } = server;
    await server.kill();
    expect(runs(pid)).toBe(false);
    await server.start();
    expect(server.pid).not.toBe(pid);
    expect(await send(kafka, 'kept', 'second')).toBe('1');
    await server.restart();
    expect(await send(kafka, 'kept', 'third')).toBe('2');
  });

  it('answers nothing while it is frozen', async () => {
    server.freeze();
    let answered = false;
    const topics = kafka.admin.listTopics().then(() => (answered = true));
    await quiet(300);
    expect(answered).toBe(false);
    server.thaw();
    await topics;
  });

  it('says what it has printed', async () => {
    expect(await server.log()).toContain('Kafka Server started');
  });

  it('says why it does not start', async () => {
    const starting = startKafka({ config: { 'num.partitions': 'three' } });
    await expect(starting).rejects.toThrow('num.partitions');
  });

  it('ends with the process that has started it, and leaves no files', async () => {
    const module = new URL('../support/kafka-process.js', import.meta.url).href;
    const script = `const { startKafka } = await import('${module}');
      const server = await startKafka();
      console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
      server.freeze();
      process.kill(process.pid, 'SIGKILL');`;
    const args = ['--input-type=module', '-e', script];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const { pid, dir } = JSON.parse(stdout) as { pid: number; dir: string };
    await until('its process has ended', () => !runs(pid));
    await until('its directory is removed', () => !existsSync(dir));
  });

  it.each([
    { name: 'SASL/PLAIN', login: plainLogin() },
    { name: 'SCRAM over TLS', login: overTls(scramLogin()) },
    { name: 'mutual TLS', login: tlsLogin({ mutual: true }) },
  ])('lets clients in by $name only', async ({ login }) => {
    const locked = await startKafka(login.server);
    onTestFinished(() => locked.stop());
    const known = await testKafka(locked.brokers, login);
    await known.admin.createTopics({ topics: [{ topic: 'orders' }] });
    expect(await send(known, 'orders', 'first')).toBe('0');
    await known.admin.disconnect();
    const ssl = login.client.ssl ? { ssl: { rejectUnauthorized: false } } : {};
    const unknown = new Kafka({ ...strangers, ...ssl, brokers: locked.brokers }).admin();
    // With logins by name the broker still tells a stranger its versions.
    await expect(unknown.connect().then(() => unknown.listTopics())).rejects.toThrow();
  });
});
