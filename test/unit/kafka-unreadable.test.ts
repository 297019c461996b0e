import zlib from 'node:zlib';
import { expect, test } from 'vitest';
import { MissingPackageError } from '../../lib/core/errors/start-up.errors.js';
import type { FetchAnswer } from '../../lib/drivers/kafka/connection/kafka-group.js';
import type { KafkajsBroker } from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-broker.js';
import { isUndecodable } from '../../lib/drivers/kafka/connection/kafkajs/library/kafkajs-errors.js';
import { KafkajsFetching } from '../../lib/drivers/kafka/connection/kafkajs/members/kafkajs-fetching.js';
import { KafkaUnreadableError } from '../../lib/drivers/kafka/errors/kafka-reading.errors.js';
import { answered } from '../support/kafka-log.js';

const named = (name: string, more: object = {}): Error =>
  Object.assign(new Error(name), { name, ...more });

/** What zlib throws. */
function zlibError(): unknown {
  try {
    return zlib.gunzipSync(Buffer.from('no gzip at all'));
  } catch (error) {
    return error;
  }
}

test.each<[string, unknown, boolean]>([
  ['a batch that is no gzip', zlibError(), true],
  ['a bug of the decoder', new TypeError('x is undefined'), true],
  ['too many records', new RangeError('Maximum call stack size exceeded'), true],
  ['a codec that kafkajs lacks', named('KafkaJSNotImplemented'), true],
  ['a package that is not installed', new MissingPackageError('lz4-napi', 'A message'), true],
  ['a refusal of the broker', answered('NOT_LEADER_FOR_PARTITION'), false],
  ['a lost connection', named('KafkaJSConnectionClosedError', { code: 'ECONNRESET' }), false],
  ['a broker that is down', named('Error', { code: 'ECONNREFUSED' }), false],
  ['no answer in time', named('KafkaJSRequestTimeoutError'), false],
  ['many tries', named('KafkaJSNumberOfRetriesExceeded', { cause: zlibError() }), true],
])('%s: whether the answer cannot be decoded', (_, error, expected) => {
  expect(isUndecodable(error)).toBe(expected);
});

/** A broker whose partition 1 has a broken batch at offset 5. */
class BrokenBroker {
  readonly asked: number[][] = [];
  isBroken = true;

  readonly broker = {
    fetch: async ({ topics }: { topics: { partitions: { partition: number }[] }[] }) => {
      const partitions = topics[0]!.partitions.map(({ partition }) => partition);
      this.asked.push(partitions);
      if (this.isBroken && partitions.includes(1)) throw zlibError();
      return {
        responses: [
          {
            partitions: partitions.map((partition) => ({
              ...{ partition, highWatermark: '9', messages: [] },
            })),
          },
        ],
      };
    },
  } as unknown as KafkajsBroker;
}

test('a batch that cannot be decoded holds up its own partition only, and is told of', async () => {
  const broken = new BrokenBroker();
  const fetching = new KafkajsFetching('orders');
  const fetch = (offset = 5): Promise<FetchAnswer> =>
    fetching.fetch(async () => broken.broker, {
      ...{ node: '1', maxWait: 1, maxBytes: 100, maxBytesPerPartition: 100 },
      positions: [0, 1, 2].map((partition) => ({ partition, offset })),
    });
  const first = await fetch();
  expect(first.batches.map(({ partition }) => partition)).toEqual([0, 2]);
  expect(first.failed).toEqual([expect.any(KafkaUnreadableError)]);
  expect(first.failed![0]).toMatchObject({
    ...{ topic: 'orders', partition: 1, offset: 5 },
    message: expect.stringMatching(/incorrect header check.*setPosition/),
  });
  broken.asked.length = 0;
  const second = await fetch();
  expect([second.failed, broken.asked]).toEqual([undefined, [[0, 2]]]);
  // The group was moved behind the broken batch.
  broken.isBroken = false;
  expect((await fetch(6)).batches).toHaveLength(3);
});

test('a package that is missing is told as what it is', async () => {
  const missing = new MissingPackageError('lz4-napi', 'A message that is compressed with lz4');
  const broker = { fetch: () => Promise.reject(missing) } as unknown as KafkajsBroker;
  const answer = await new KafkajsFetching('orders').fetch(async () => broker, {
    ...{ node: '1', maxWait: 1, maxBytes: 100, maxBytesPerPartition: 100 },
    positions: [{ partition: 0, offset: 0 }],
  });
  expect(answer).toEqual({ batches: [], failed: [missing] });
});

test('another error is one of the request', async () => {
  const broker = {
    fetch: () => Promise.reject(answered('NOT_LEADER_FOR_PARTITION')),
  } as unknown as KafkajsBroker;
  const fetching = new KafkajsFetching('orders').fetch(async () => broker, {
    ...{ node: '1', maxWait: 1, maxBytes: 100, maxBytesPerPartition: 100 },
    positions: [{ partition: 0, offset: 0 }],
  });
  await expect(fetching).rejects.toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION' });
});
