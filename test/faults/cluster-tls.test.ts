import { expect, it, onTestFinished } from 'vitest';
import { Authority } from '../support/certificates.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startCluster } from '../support/redis-cluster.js';
import { hasTls } from '../support/tls-redis.js';
import { until } from '../support/until.js';

it.skipIf(!hasTls())(
  'a cluster that speaks TLS is published to, read and settled, at all of its masters (needs a redis-server that was built with it)',
  { timeout: 40_000 },
  async () => {
    const authority = new Authority();
    const ca = authority.cert;
    const certificate = authority.issue('127.0.0.1');
    const cluster = await startCluster({ tls: { certificate, ca } });
    onTestFinished(() => cluster.stop());
    const streams = ['a', 'b', 'c', 'd', 'e', 'f'];
    const masters = await Promise.all(streams.map((stream) => cluster.masterOf(stream)));
    expect(new Set(masters).size).toBe(3);
    const tls = { ca, ...authority.issue('a client') };
    const redis = { cluster: cluster.addresses.slice(0, 1), tls };
    const consumer = await RecordingConsumer.start({ redis, streams });
    onTestFinished(() => consumer.close());
    for (const stream of streams) await consumer.publish(stream, 10);
    await until('all are handled', () => consumer.handled.length === 60);
    const settled = () => consumer.of('settled').filter(({ outcome }) => outcome === 'handled');
    await until('all are settled', () => settled().length === 60);
    for (const [index, stream] of streams.entries()) {
      const [pending] = await masters[index]!.client.xpending(stream, 'g');
      expect(pending).toBe(0);
    }
    const clients = String(await masters[0]!.client.client('LIST'));
    const ports = clients
      .split('\n')
      .filter((line) => line.includes('name=nestjs-redis-streams'))
      .map((line) => /laddr=\S+:(\d+)/.exec(line)?.[1]);
    expect(new Set(ports)).toEqual(new Set([String(masters[0]!.port)]));
  },
);
