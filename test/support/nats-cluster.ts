import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from './free-port.js';
import { startNats, type NatsServer, type StartNatsOptions } from './nats-server.js';
import { until } from './until.js';

const NODES = 3;

/** Starts three nodes on loopback that share their streams, once a stream with three copies can be made. */
export async function startNatsCluster(
  options: Pick<StartNatsOptions, 'version' | 'config'> = {},
): Promise<NatsCluster> {
  const ports = await Promise.all(Array.from({ length: NODES }, () => freePort()));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
  const starts = ports.map((port, index) =>
    startNats({
      ...options,
      name: `node-${index + 1}-${port}`,
      config: {
        ...options.config,
        cluster: { name: 'streams', listen: `127.0.0.1:${port}`, routes },
      },
    }),
  );
  const nodes = await Promise.all(starts);
  const client = await connect({
    servers: nodes.map((node) => node.url()),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  const cluster = new NatsCluster(nodes, client);
  await cluster.untilReady();
  return cluster;
}

/** Three servers that share their streams. */
export class NatsCluster {
  constructor(
    readonly nodes: readonly NatsServer[],
    /** A connection of the test itself, which goes to another node where its own ends. */
    readonly client: NatsConnection,
  ) {}

  /** Where to connect: any of them will do. */
  urls(): string[] {
    return this.nodes.map((node) => node.url());
  }

  /** The cluster has a leader, and all nodes that a stream with three copies needs. */
  async untilReady(): Promise<void> {
    const name = 'ready-to-be-used';
    let problem: unknown;
    const made = async (): Promise<boolean> => {
      try {
        const { streams } = await jetstreamManager(this.client, { timeout: 1_000 });
        await streams.add({ name, subjects: [name], num_replicas: NODES });
        return await streams.delete(name);
      } catch (error) {
        problem = error;
        return false;
      }
    };
    await until('the cluster makes a stream', made, 20_000, () => problem);
  }

  /** The node that leads a stream, or one of its consumers; `undefined` while none does. */
  async leaderOf(stream: string, consumer?: string): Promise<NatsServer | undefined> {
    const leader = await this.leaderName(stream, consumer).catch(() => undefined);
    return this.nodes.find(({ name, running }) => running && name === leader);
  }

  /** Waits until a node leads the stream. */
  async untilLed(stream: string): Promise<NatsServer> {
    let leader: NatsServer | undefined;
    await until(`a node leads ${stream}`, async () => {
      leader = await this.leaderOf(stream);
      return leader !== undefined;
    });
    return leader!;
  }

  /** SIGKILL to the node that leads a stream. Answers the node: `start()` brings it back. */
  async killLeaderOf(stream: string): Promise<NatsServer> {
    const leader = await this.untilLed(stream);
    await leader.kill();
    return leader;
  }

  async stop(): Promise<void> {
    await this.client.close();
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  private async leaderName(stream: string, consumer?: string): Promise<string | undefined> {
    const manager = await jetstreamManager(this.client, { checkAPI: false, timeout: 1_000 });
    const info =
      consumer === undefined
        ? await manager.streams.info(stream)
        : await manager.consumers.info(stream, consumer);
    return info.cluster?.leader;
  }
}
