import { freePort, onOtherPorts } from './free-port.js';
import { ofInternalTopics, PORTS_OF_BROKER } from './kafka-process.js';
import { startKafka, type KafkaConfig, type KafkaServer } from './kafka-server.js';
import { testKafka, type TestKafka } from './kafka.js';
import { until } from './until.js';

const NODES = 3;
/** What topics have unless they are made with something else: a copy may be missing, two may not. */
const COPIES = { 'default.replication.factor': NODES, 'min.insync.replicas': NODES - 1 };

/**
 * Starts three brokers on loopback that copy their topics to each other. Takes some seconds of both cores.
 *
 * @param options `config` of each broker
 */
export async function startKafkaCluster(
  options: { readonly config?: KafkaConfig } = {},
): Promise<KafkaCluster> {
  const nodes = await onOtherPorts(() => startNodes(options.config));
  const kafka = await testKafka(nodes.flatMap(({ brokers }) => brokers));
  return new KafkaCluster(nodes, kafka);
}

/** Brokers that know each other. Where one does not start, none is left running. */
async function startNodes(given: KafkaConfig | undefined): Promise<KafkaServer[]> {
  const first = await freePort(NODES * PORTS_OF_BROKER);
  const ports = Array.from({ length: NODES }, (_, index) => first + index * PORTS_OF_BROKER);
  const voters = ports.map((port, index) => `${index + 1}@127.0.0.1:${port + 1}`).join(',');
  const config = {
    ...COPIES,
    ...ofInternalTopics(NODES),
    'controller.quorum.voters': voters,
    ...given,
  };
  const starts = await Promise.allSettled(
    ports.map((port, index) => startKafka({ config, port, nodeId: index + 1 })),
  );
  const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.stop()));
  throw failed.reason;
}

/** Three brokers. What is written outlives the death of one of them. */
export class KafkaCluster {
  constructor(
    readonly nodes: readonly KafkaServer[],
    /** A client of the test itself, and names. */
    readonly kafka: TestKafka,
  ) {}

  /** Where to connect: any of them will do. */
  get brokers(): string[] {
    return this.nodes.flatMap(({ brokers }) => brokers);
  }

  /** The broker that leads a partition; `undefined` while none does. */
  async leaderOf(topic: string, partition = 0): Promise<KafkaServer | undefined> {
    const metadata = await this.kafka.admin.fetchTopicMetadata({ topics: [topic] });
    const { leader } =
      metadata.topics[0]?.partitions.find(({ partitionId }) => partitionId === partition) ?? {};
    return this.nodes.find(({ nodeId, running }) => running && nodeId === leader);
  }

  /** Waits until a broker that runs leads the partition. */
  async untilLed(topic: string, partition = 0): Promise<KafkaServer> {
    let leader: KafkaServer | undefined;
    await until(`a broker leads partition ${partition} of ${topic}`, async () => {
      leader = await this.leaderOf(topic, partition).catch(() => undefined);
      return leader !== undefined;
    });
    return leader!;
  }

  /** Waits until a partition has all its copies again. */
  async untilCopied(topic: string, partition = 0): Promise<void> {
    await until(`partition ${partition} of ${topic} has all copies`, async () => {
      const metadata = await this.kafka.admin.fetchTopicMetadata({ topics: [topic] });
      const found = metadata.topics[0]?.partitions.find((it) => it.partitionId === partition);
      return found !== undefined && found.isr.length === found.replicas.length;
    });
  }

  /** SIGKILL to the broker that leads a partition. Answers the broker: `start()` brings it back. */
  async killLeaderOf(topic: string, partition = 0): Promise<KafkaServer> {
    const leader = await this.untilLed(topic, partition);
    await leader.kill();
    return leader;
  }

  async stop(): Promise<void> {
    await this.kafka.admin.disconnect();
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}
