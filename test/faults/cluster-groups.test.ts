import {
  ConsumerGroupManager,
  InvalidOptionsError,
  StreamNotFoundError,
} from 'nestjs-redis-streams';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calls, describeGroupManager, failure, open } from '../e2e/support/group-manager.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 30_000);
afterAll(() => cluster.stop());

describeGroupManager('redis cluster', {
  options: () => ({ cluster: cluster.addresses }),
  at: async (stream) => [await cluster.at(stream), stream],
});

it.each(['createGroup', 'deleteGroup', 'setPosition'] as const)(
  '%s refuses names that a cluster cannot place',
  async (name) => {
    const groups = (await open({ cluster: cluster.addresses })).get(ConsumerGroupManager);
    const error = await failure(calls(groups, 'a}b')[name]());
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect((error as InvalidOptionsError).problems).toEqual([expect.stringContaining('"a}b"')]);
    await expect(groups.listGroups('a}b')).rejects.toThrow(StreamNotFoundError);
  },
);
