import type { Driver } from '../../../ports/driver.js';
import { Bucket } from '../buckets/bucket.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { NatsDeadLetters } from '../dead-letters/nats.dead-letters.js';
import { Durables } from '../groups/durables.js';
import { GroupRecords } from '../groups/group-records.js';
import { Groups } from '../groups/groups.js';
import { NatsGroupAdmin } from '../groups/nats.group-admin.js';
import { SettledUpTo } from '../groups/settled-up-to.js';
import { SEQUENCE_IDS } from '../ids/message-ids.js';
import { Leases } from '../leases/leases.js';
import { RECORDS_LIVE, RunRecords } from '../leases/run-records.js';
import { Reading } from '../reading/reading.js';
import { NatsReplies } from '../requests/nats.replies.js';
import { NatsRetention } from '../retention/nats.retention.js';
import { NatsSettling } from '../settling/settling.js';
import { NatsStateStore } from '../state/nats.state-store.js';
import { Streams } from '../streams/streams.js';
import { NatsSource } from './nats.source.js';
import { openPublishing } from './open-publishing.js';

/** Composes the driver on JetStream. Each owner of a folder makes its parts here. */
export function openJetStream(parts: DriverParts): Driver {
  const { connection, events } = parts;
  const state = new NatsStateStore(parts);
  const deadLetters = new NatsDeadLetters(parts);
  const streams = new Streams(parts);
  const { publisher, publishing, delays, settled: entries } = openPublishing(parts, streams);
  const durables = new Durables(parts);
  const groups = new Groups({ streams, durables, records: new GroupRecords(parts) });
  const records = new RunRecords(
    new Bucket({ parts, kind: 'runs', keeps: 'runs', maxAge: RECORDS_LIVE }),
  );
  const serverTime = async (): Promise<number> => (await connection.js()).now();
  const leases = new Leases({ connection, records, events, serverTime });
  const settling = new NatsSettling({
    ...{ connection, leases, records },
    isDeleted: (stream, group) => groups.isDeleted(stream, group),
    publishEntries: (published, ids) => entries.publish(published, ids),
    putDeadLetter: (record, fields, messageId) => deadLetters.put(record, fields, messageId),
  });
  const releaseUnrun = (unrun: Parameters<NatsSettling['releaseUnrun']>[0]): Promise<void> =>
    settling.releaseUnrun(unrun);
  const reading = new Reading({ ...parts, groups, durables, leases, deadLetters, releaseUnrun });
  const settled = new SettledUpTo(streams, durables);
  const admin = new NatsGroupAdmin({ ...parts, groups, redriven: deadLetters.redriven });
  const replies = new NatsReplies({
    ...{ connection, names: parts.names, now: serverTime },
    readers: async (stream) => (await admin.describe([stream]))[0]?.groups.length ?? 0,
  });
  const source = new NatsSource({
    publishing,
    reading,
    settling,
    settledUpTo: (stream, group) => settled.of(stream, group),
    closing: [reading, state, publisher, replies, connection],
  });
  return {
    source,
    ids: SEQUENCE_IDS,
    state,
    deadLetters,
    groups: admin,
    delays,
    replies,
    retention: new NatsRetention({ connection, groups }),
    connect: () => connection.connect(),
    connections: () => connection.connections,
    unwrap: () => connection.unwrapped,
  };
}
