import { withRequests, type KafkajsBroker, type Metadata, type Parse } from './kafkajs-broker.js';
import type { KafkajsCluster } from './kafkajs-cluster.js';

/**
 * Lets a cluster keep what brokers tell of each topic. kafkajs throws all of an answer away where one
 * topic of it does not exist, or one partition has no leader: the cluster would not find its other
 * brokers any more. Call it before the cluster connects.
 */
export function keepMetadataByTopic({ brokerPool }: KafkajsCluster): void {
  const create = brokerPool.createBroker;
  brokerPool.createBroker = (options) => tellingByTopic(connectedWhenReady(create(options)));
}

/**
 * kafkajs calls a broker connected before it has asked for the versions of its requests: until then each request
 * fails.
 */
function connectedWhenReady(broker: KafkajsBroker): KafkajsBroker {
  const { lookupRequest } = broker;
  const isConnected = broker.isConnected.bind(broker);
  broker.isConnected = () => broker.lookupRequest !== lookupRequest && isConnected();
  return broker;
}

function tellingByTopic(broker: KafkajsBroker): KafkajsBroker {
  const asking = withRequests(broker, (make) => (request) => {
    const made = make(request);
    const { parse } = made.response;
    const byTopic: Parse = (answer) => parse(answer).catch(() => topicByTopic(answer, parse));
    return { ...made, response: { ...made.response, parse: byTopic } };
  });
  const ask = broker.metadata.bind(asking);
  broker.metadata = (topics) => ask(topics);
  return broker;
}

/** The same answer, in which a topic with an error has it. */
async function topicByTopic(answer: Metadata, parse: Parse): Promise<Metadata> {
  const topicMetadata = answer.topicMetadata.map(async (topic) => {
    const alone = { ...answer, topicMetadata: [{ ...topic, partitionMetadata: [] }] };
    return parse(alone).then(
      () => topic,
      (error: Error) => ({ ...topic, error }),
    );
  });
  return { ...answer, topicMetadata: await Promise.all(topicMetadata) };
}
