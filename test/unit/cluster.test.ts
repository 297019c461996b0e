import { describe, expect, it } from 'vitest';
import { ServerReplyError } from '../../lib/core/errors/server.errors.js';
import { redirectionOf } from '../../lib/drivers/redis/topology/redirections.js';
import { bySlot, slotOf } from '../../lib/drivers/redis/topology/slots.js';
import { addressText, parseAddress, Topology } from '../../lib/drivers/redis/topology/topology.js';
import { Keys } from '../../lib/drivers/redis/keys/keys.js';
import { placementProblems } from '../../lib/drivers/redis/keys/stream-name-problems.js';
import { ReplyError } from '../../lib/drivers/redis/errors/reply-errors.js';

describe('the slot of a key', () => {
  it('is the one that its definition gives for this text', () => {
    expect(slotOf('123456789')).toBe(0x31c3);
  });

  it.each([
    ['{orders}:floor', 'orders'],
    ['a{orders}b{x}', 'orders'],
    ['a{{orders}}', '{orders'],
  ])('%s is that of its tag', (key, tag) => {
    expect(slotOf(key)).toBe(slotOf(tag));
  });

  it('brings together what may be asked for together', () => {
    expect([...bySlot(['foo', 'bar', '{foo}:2'], (key) => key).values()]).toEqual([
      ['foo', '{foo}:2'],
      ['bar'],
    ]);
  });
});

describe('a redirection', () => {
  const said = (text: string) =>
    redirectionOf(new ServerReplyError('asking', new ReplyError(text)));

  it('names the node', () => {
    const to = { host: '10.0.0.1', port: 6379 };
    expect(said('MOVED 3999 10.0.0.1:6379')).toEqual({ kind: 'moved', slot: 3999, to });
    expect(said('ASK 3999 10.0.0.1:6379')).toEqual({ kind: 'ask', slot: 3999, to });
    const v6 = said('MOVED 1 2001:db8::1:6379') as { to: { host: string; port: number } };
    expect(v6.to).toEqual({ host: '2001:db8::1', port: 6379 });
  });

  it('means the host of the node that answers, where it names none', () => {
    const error = new ServerReplyError('asking', new ReplyError('MOVED 3999 :6381'));
    const to = { host: '10.0.0.2', port: 6381 };
    expect(redirectionOf(error, '10.0.0.2')).toEqual({ kind: 'moved', slot: 3999, to });
    const ask = new ServerReplyError('asking', new ReplyError('ASK 3999 :6381'));
    expect(redirectionOf(ask, '10.0.0.2')).toEqual({ kind: 'ask', slot: 3999, to });
    expect(redirectionOf(error)).toEqual({ kind: 'wait' });
    const unknown = new ServerReplyError('asking', new ReplyError('MOVED 3999 ?:6381'));
    expect(redirectionOf(unknown, '10.0.0.2')).toEqual({ kind: 'wait' });
  });

  it('or asks for patience', () => {
    for (const text of ['TRYAGAIN x', 'CLUSTERDOWN x', 'LOADING x', 'READONLY x']) {
      expect(said(text)).toEqual({ kind: 'wait' });
    }
  });

  it('is no other error', () => {
    expect(said('WRONGTYPE x')).toBeUndefined();
    expect(redirectionOf(new Error('MOVED 1 a:1'))).toBeUndefined();
  });
});

describe('the topology', () => {
  const node = (host: string) => ({ host, port: 6379 });
  const reply = [
    [0, 8191, ['10.0.0.1', 6379, 'a'], ['10.0.0.9', 6379, 'r']],
    [8192, 16383, ['', 6379, 'b']],
  ];

  it('is learned from the first node that answers', async () => {
    const asked: string[] = [];
    const topology = new Topology({
      seeds: [node('dead'), node('seed')],
      natMap: { '10.0.0.1:6379': { host: 'outside', port: 7000 } },
      ask: async (address) => {
        asked.push(address.host);
        if (address.host === 'dead') throw new Error('refused');
        return reply;
      },
    });
    await Promise.all([topology.refresh(), topology.refresh()]);
    expect(asked).toEqual(['dead', 'seed']);
    expect(topology.owner(0)).toEqual({ host: 'outside', port: 7000 });
    // A node that does not know its own address.
    expect(topology.owner(16_383)).toEqual(node('seed'));
    topology.moved(16_383, node('10.0.0.7'));
    expect(topology.owner(16_383)).toEqual(node('10.0.0.7'));
  });

  it('cannot be learned where no node answers', async () => {
    const topology = new Topology({
      seeds: [node('dead')],
      natMap: undefined,
      ask: () => Promise.reject(new Error('refused')),
    });
    await expect(topology.refresh()).rejects.toThrow('refused');
    expect(topology.owner(0)).toBeUndefined();
  });

  it('writes addresses as the cluster does', () => {
    expect(parseAddress(addressText(node('::1')))).toEqual(node('::1'));
  });
});

describe('names of streams on a cluster', () => {
  const problems = (...streams: string[]) => placementProblems(new Keys(''), streams);

  it('are usual names, tags included', () => {
    expect(problems('orders', '{orders}:eu', 'a{b}c', 'orders.created', 'a{b')).toEqual([]);
  });

  it.each([
    [['a}b'], /holds }/],
    [['{}b'], /holds }/],
    [['x', '{x}'], /share their derived keys/],
    [['{x}:dead-letter'], /looks like a key of this library/],
    [['{x}:redrive:group'], /looks like a key of this library/],
  ])('%j cannot be placed', (streams, problem) => {
    expect(problems(...streams).join()).toMatch(problem);
  });
});
