import { describe, expect, test } from 'vitest';
import { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import type { KafkaRecord } from '../../lib/drivers/kafka/connection/kafka-client.js';
import { typedError } from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-errors.js';
import { KafkajsLeaders } from '../../lib/drivers/kafka/connection/kafkajs/producing/kafkajs-leaders.js';
import { KafkajsProducer } from '../../lib/drivers/kafka/connection/kafkajs/producing/kafkajs-producer.js';
import { hasNoLeader } from '../../lib/drivers/kafka/errors/kafka-connection.errors.js';
import { KafkaReplyError } from '../../lib/drivers/kafka/errors/kafka-reply.error.js';
import { answered, KafkaLog } from '../support/kafka-log.js';

const TIMEOUT = 1000;

/** Of a case in which no request leaves this process. */
const SHORT = 60;

function producerOn(log: KafkaLog, timeout = TIMEOUT): KafkajsProducer {
  const { cluster } = log;
  const leaders = new KafkajsLeaders(cluster);
  return new KafkajsProducer({ cluster, leaders, typed: typedError, timeout });
}

const record = (value: string, partition = 0): KafkaRecord => ({
  ...{ topic: 't', partition, key: null, value },
});
const records = (...values: string[]): KafkaRecord[] => values.map((value) => record(value));

/** Outcomes in short: the offset, the broker's word, or whether the record was sent. */
const inShort = (outcomes: readonly (number | Error)[]): unknown[] =>
  outcomes.map((outcome) => {
    if (outcome instanceof KafkaReplyError) return outcome.type;
    return outcome instanceof ConnectionError ? outcome.outcome : outcome;
  });

/** Every batch with a large value is refused, as for its size. */
const refuseLarge = (log: KafkaLog): void => {
  log.refuse = (values) => (values.includes('large') ? answered('MESSAGE_TOO_LARGE') : undefined);
};

describe('a producer', () => {
  test('returns the offset of each record', async () => {
    const producer = producerOn(new KafkaLog(2));
    await producer.send(records('a'));
    const outcomes = await producer.send([record('b'), record('c', 1), record('d')]);
    expect(outcomes).toEqual([1, 0, 2]);
  });

  test('tells a refused record apart from those beside it, which are stored once', async () => {
    const log = new KafkaLog(3);
    refuseLarge(log);
    const producer = producerOn(log);
    const outcomes = await producer.send([
      ...[record('a'), record('b', 1), record('large'), record('c'), record('large', 2)],
      ...[record('d', 1), record('e')],
    ]);
    expect(inShort(outcomes)).toEqual([
      ...[0, 0, 'MESSAGE_TOO_LARGE', 1, 'MESSAGE_TOO_LARGE', 1, 2],
    ]);
    expect([log.at('t/0'), log.at('t/1'), log.at('t/2')]).toEqual([
      ['a', 'c', 'e'],
      ['b', 'd'],
      [],
    ]);
  });

  test('loses nothing that is sent after a refusal', async () => {
    const log = new KafkaLog(1);
    refuseLarge(log);
    const producer = producerOn(log);
    await producer.send(records('a', 'large'));
    expect(await producer.send(records('b', 'c'))).toEqual([1, 2]);
    expect(log.at('t/0')).toEqual(['a', 'b', 'c']);
  });

  test('sends a batch again whose answer was lost, and it is stored once', async () => {
    const log = new KafkaLog(2);
    const producer = producerOn(log);
    log.mishaps.push('answer is lost', 'nothing arrives', 'answer is lost');
    expect(await producer.send([record('a'), record('b', 1), record('c')])).toEqual([0, 0, 1]);
    expect([log.at('t/0'), log.at('t/1'), log.requests]).toEqual([['a', 'c'], ['b'], 4]);
  });

  test('says unknown where no answer comes in time, and never repeats the record later', async () => {
    const log = new KafkaLog(1);
    const producer = producerOn(log);
    log.mishaps.push('answer is lost', ...new Array<'nothing arrives'>(99).fill('nothing arrives'));
    expect(inShort(await producer.send(records('a')))).toEqual(['unknown']);
    log.mishaps.length = 0;
    // Another producer: the broker must not take the record for the one before.
    expect(await producer.send(records('b'))).toEqual([1]);
    expect(log.at('t/0')).toEqual(['a', 'b']);
  });

  test('says not-sent where there was no connection', async () => {
    const log = new KafkaLog(1);
    const producer = producerOn(log, SHORT);
    log.mishaps.push(...new Array<'not connected'>(99).fill('not connected'));
    expect(inShort(await producer.send(records('a', 'b')))).toEqual(['not-sent', 'not-sent']);
    expect(log.at('t/0')).toEqual([]);
  });

  test('sends nothing while an earlier request is on its way, and then in order', async () => {
    const log = new KafkaLog(1);
    const producer = producerOn(log);
    let resolve!: () => void;
    log.gate = new Promise((opened) => (resolve = opened));
    expect(inShort(await producer.send(records('a')))).toEqual(['unknown']);
    expect(inShort(await producer.send(records('b')))).toEqual(['not-sent']);
    resolve();
    expect(await producer.send(records('c'))).toEqual([1]);
    expect(log.at('t/0')).toEqual(['a', 'c']);
  });

  test('goes on as another producer where the broker has forgotten it', async () => {
    const log = new KafkaLog(2);
    const producer = producerOn(log);
    await producer.send([record('a'), record('b', 1)]);
    log.forgotten.add('1');
    expect(await producer.send([record('c'), record('d', 1)])).toEqual([1, 1]);
    expect([log.at('t/0'), log.at('t/1')]).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  test('says unknown where the broker has forgotten it, and an answer was lost before', async () => {
    const log = new KafkaLog(1);
    const producer = producerOn(log);
    await producer.send(records('a'));
    log.mishaps.push('nothing arrives');
    log.forgotten.add('1');
    expect(inShort(await producer.send(records('b')))).toEqual(['unknown']);
    expect(log.at('t/0')).toEqual(['a']);
    expect(await producer.send(records('c'))).toEqual([1]);
  });

  test('goes on as another producer where an answer was lost, and the record is refused then', async () => {
    const log = new KafkaLog(1);
    const producer = producerOn(log);
    log.mishaps.push('answer is lost', 'not allowed');
    expect(inShort(await producer.send(records('a')))).toEqual(['unknown']);
    // To the same producer it would look like the record whose answer was lost.
    expect(await producer.send(records('b'))).toEqual([1]);
    expect(log.at('t/0')).toEqual(['a', 'b']);
  });

  test('waits for a leader as long as there is time', async () => {
    const log = new KafkaLog(1);
    const producer = producerOn(log);
    let refusals = 3;
    log.refuse = () => (refusals-- > 0 ? answered('NOT_LEADER_FOR_PARTITION', true) : undefined);
    expect(await producer.send(records('a'))).toEqual([0]);
  });

  test('gives a partition up that has no leader for long, and writes to the others', async () => {
    const log = new KafkaLog(2);
    log.leaderless.add(1);
    // Each call could wait for longer than the test may take.
    const producer = producerOn(log, 60_000);
    expect(inShort(await producer.send([record('a'), record('b', 1)]))).toEqual([0, 'not-sent']);
    for (const at of [1, 2, 3]) {
      const [stored, refused] = await producer.send([record('a'), record('b', 1)]);
      expect(stored).toBe(at);
      expect(hasNoLeader(refused)).toBe(true);
      expect((refused as Error).message).toContain('kafka-topics.sh');
    }
    log.leaderless.clear();
    expect(await producer.send([record('b', 1)])).toEqual([0]);
  });

  test('bounds the records of a batch, and keeps their order', async () => {
    const log = new KafkaLog(1);
    const sizes: number[] = [];
    log.refuse = (values) => void sizes.push(values.length);
    const many = Array.from({ length: 2500 }, (_, index) => `v${index}`);
    const outcomes = await producerOn(log).send(records(...many));
    expect(outcomes).toEqual(many.map((_, index) => index));
    expect(sizes).toEqual([1000, 1000, 500]);
    const large = Array.from({ length: 5 }, (_, index) => String(index).repeat(400_000));
    await producerOn(log).send(records(...large));
    expect(sizes.slice(3)).toEqual([2, 2, 1]);
    expect(log.at('t/0')).toEqual([...many, ...large]);
  });

  test('says of a partition that does not exist that it is missing', async () => {
    const log = new KafkaLog(1);
    const [stored, missing] = inShort(
      await producerOn(log, 2 * TIMEOUT).send([record('a'), record('b', 7)]),
    );
    expect([stored, missing]).toEqual([0, 'UNKNOWN_TOPIC_OR_PARTITION']);
  }, 5_000);
});
