import type { Driver } from '../../../ports/driver.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { KafkaDeadLetters } from '../dead-letters/kafka.dead-letters.js';
import { GroupMarks } from '../groups/group-marks.js';
import { Groups } from '../groups/groups.js';
import { KafkaGroupAdmin } from '../groups/kafka.group-admin.js';
import { OFFSET_IDS } from '../ids/message-ids.js';
import { groupOffsetBy } from '../partitions/group-offset.js';
import { Publishing } from '../publishing/publishing.js';
import { KafkaReading } from '../reading/kafka.reading.js';
import { Retries } from '../retries/retries.js';
import { RetryTopics } from '../retries/retry-topics.js';
import { KafkaSettling } from '../settling/settling.js';
import { TransactionalProducers } from '../settling/transactional-producers.js';
import { Topics } from '../topics/topics.js';
import { decodeRecord } from '../wire/decode-record.js';
import { keyText } from '../wire/key-text.js';
import { KafkaSource } from './kafka.source.js';
import { RecordSender } from './record-sender.js';

/** Composes the driver. Each owner of a folder makes its parts here. */
export function openKafka(parts: DriverParts): Driver {
  const { client, events, names, options } = parts;
  const { admin } = client;
  const marks = new GroupMarks({ client, names });
  const groups = new Groups({ client, names }, marks);
  const topics = new Topics({ ...parts, admin });
  const publishing = new Publishing({ ...parts, topics, producer: () => client.producer() });
  const sender = new RecordSender(() => client.producer());
  const retryTopics = new RetryTopics({ admin, names, topics });
  const deadLetters = new KafkaDeadLetters({
    ...{ client, admin, names, topics, retryTopics, events },
    send: (record) => sender.send(record),
  });
  const retries = new Retries(retryTopics);
  const producers = new TransactionalProducers(client);
  const settling = new KafkaSettling({
    producers,
    records: {
      outgoing: (entries, key) => publishing.outgoingRecords(entries, { key }),
      deadLetter: (lease, record) => deadLetters.recordOf(record, lease),
      retry: (lease, due) => retries.recordOf(lease, lease.group, due),
    },
    retryTopicAfter: options.retryTopicAfter,
    groupOffset: groupOffsetBy(admin),
    isDeleted: async ({ group, topic }) => (await marks.look(group)).of(topic).deleted,
  });
  const reading = new KafkaReading({
    ...{ client, names, marks, groups, retries, events, options, transactions: producers },
    decode: (stream, record) => ({
      fields: decodeRecord(stream, record),
      key: keyText(record.key),
    }),
  });
  const source = new KafkaSource({
    ...{ publishing, settling, reading },
    closing: [reading, retries, publishing, sender, client],
  });
  return {
    source,
    ids: OFFSET_IDS,
    deadLetters,
    groups: new KafkaGroupAdmin({ client, names, groups, makeTopic: (topic) => topics.of(topic) }),
    connect: () => client.connect(),
    connections: () => client.connections,
    unwrap: () => client.unwrapped,
  };
}
