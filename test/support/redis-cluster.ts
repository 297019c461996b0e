import { Redis } from 'ioredis';
import { slotOf, SLOTS } from '../../lib/drivers/redis/topology/slots.js';
import { startRedis, type RedisServer } from './redis-server.js';
import type { Certificate } from './certificates.js';
import { startTlsRedis } from './tls-redis.js';
import { until } from './until.js';

export interface StartClusterOptions {
  /** @default 3 */
  readonly masters?: number;
  /** Replicas of each master. @default 0 */
  readonly replicas?: number;
  /** A node that is silent for so long has failed, ms. @default 1000 */
  readonly nodeTimeout?: number;
  /** Nodes that speak TLS, to clients and with each other. */
  readonly tls?: { readonly certificate: Certificate; readonly ca: string };
}

/** A node with a client of its own. */
export interface ClusterNode {
  readonly server: RedisServer;
  /** Without TLS, also where the cluster speaks it. */
  readonly client: Redis;
  readonly id: string;
  /** That of the cluster: of TLS, where it speaks it. */
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a cluster on loopback, with all slots covered, and all nodes knowing each other. */
export async function startCluster(options: StartClusterOptions = {}): Promise<TestCluster> {
  const { masters = 3, replicas = 0, nodeTimeout = 1000, tls } = options;
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': nodeTimeout };
  const fast = { 'repl-diskless-sync-delay': 0, 'cluster-replica-validity-factor': 0 };
  const args = Object.entries({ ...settings, ...fast }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  const count = masters * (1 + replicas);
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(args, tls)));
  const cluster = new TestCluster(nodes, masters);
  await cluster.form();
  return cluster;
}

async function startNode(
  args: readonly string[],
  tls: StartClusterOptions['tls'],
): Promise<ClusterNode> {
  const { server, port, stop } = tls ? await startTlsNode(args, tls) : await startPlainNode(args);
  const client = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 100 });
  client.on('error', () => undefined);
  const leave = async (): Promise<void> => {
    client.disconnect();
    await stop();
  };
  return { server, client, id: await client.cluster('MYID'), port, stop: leave };
}

async function startPlainNode(args: readonly string[]) {
  const server = await startRedis({ args });
  return { server, port: server.port, stop: () => server.stop() };
}

const startTlsNode = (
  args: readonly string[],
  { certificate, ca }: NonNullable<StartClusterOptions['tls']>,
) => startTlsRedis(certificate, ca, { args: [...args, '--tls-cluster', 'yes'] });

export class TestCluster {
  constructor(
    readonly nodes: readonly ClusterNode[],
    private readonly masters: number,
  ) {}

  /** For the option `cluster`. */
  get addresses(): { host: string; port: number }[] {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async form(): Promise<void> {
    const [first] = this.nodes as [ClusterNode];
    const masters = this.nodes.slice(0, this.masters);
    const share = Math.ceil(SLOTS / this.masters);
    for (const [index, { client }] of masters.entries()) {
      await client.cluster('SET-CONFIG-EPOCH', index + 1);
      const last = Math.min(SLOTS, (index + 1) * share) - 1;
      await client.cluster('ADDSLOTSRANGE', index * share, last);
    }
    for (const { client } of this.nodes.slice(1)) {
      await client.call('CLUSTER', 'MEET', '127.0.0.1', first.port);
    }
    await until('all nodes know each other', () =>
      this.every(async ({ client }) => {
        const info = await client.cluster('INFO');
        return info.includes(`cluster_known_nodes:${this.nodes.length}\r`);
      }),
    );
    for (const [index, { client }] of this.nodes.slice(this.masters).entries()) {
      await client.cluster('REPLICATE', masters[index % this.masters]!.id);
    }
    await this.untilHealthy();
  }

  /** All nodes that run agree that all slots are covered, and replicas follow their masters. */
  async untilHealthy(): Promise<void> {
    await until('the cluster is healthy', () =>
      this.every(async ({ client }) => {
        const info = await client.cluster('INFO');
        const role = await client.info('replication');
        const follows = !role.includes('role:slave') || role.includes('master_link_status:up');
        return info.includes('cluster_state:ok') && follows;
      }),
    );
  }

  /** The master that has a key, as the others see it. */
  async masterOf(key: string): Promise<ClusterNode> {
    const slot = slotOf(key);
    const asked = this.nodes.find(({ server }) => server.running)!;
    // By `call`, because ioredis has another type for the reply of `cluster`.
    const ranges = (await asked.client.call('CLUSTER', 'SLOTS')) as [
      number,
      number,
      [string, number, string],
    ][];
    const range = ranges.find(([from, to]) => slot >= from && slot <= to)!;
    return this.nodes.find(({ id }) => id === range[2][2])!;
  }

  /** Runs one command at the master of its key. */
  async at(key: string): Promise<Redis> {
    return (await this.masterOf(key)).client;
  }

  /** Moves the slot of a key, with all keys in it, as a resharding does. */
  async migrate(key: string, to: ClusterNode): Promise<void> {
    const slot = slotOf(key);
    const from = await this.masterOf(key);
    await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    for (;;) {
      const keys = (await from.client.cluster('GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      const args = ['127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys];
      await from.client.call('MIGRATE', ...args);
    }
    for (const { client } of [to, from]) await client.cluster('SETSLOT', slot, 'NODE', to.id);
    for (const { client } of this.nodes.slice(0, this.masters)) {
      await client.cluster('SETSLOT', slot, 'NODE', to.id).catch(() => undefined);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  private async every(check: (node: ClusterNode) => Promise<boolean>): Promise<boolean> {
    const running = this.nodes.filter(({ server }) => server.running);
    return (await Promise.all(running.map(check))).every(Boolean);
  }
}
