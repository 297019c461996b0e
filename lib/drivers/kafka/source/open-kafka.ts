import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { Driver } from '../../../ports/driver.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { GroupMarks } from '../groups/group-marks.js';
import { Groups } from '../groups/groups.js';
import { KafkaGroupAdmin } from '../groups/kafka.group-admin.js';
import { OFFSET_IDS } from '../ids/message-ids.js';
import { KafkaSource } from './kafka.source.js';

const missing = (what: string): never => {
  throw new UnsupportedFeatureError(what, 'kafka', 'It comes.');
};

/** Composes the driver. Each owner of a folder makes its parts here. */
export function openKafka({ client, names }: DriverParts): Driver {
  const marks = new GroupMarks({ client, names });
  const groups = new Groups({ client, names }, marks);
  const source = new KafkaSource({
    publishing: { publish: async () => missing('publishing') },
    reading: { subscribe: async () => missing('reading') },
    settling: { settle: async () => missing('settling') },
    closing: [client],
  });
  return {
    source,
    ids: OFFSET_IDS,
    groups: new KafkaGroupAdmin({
      client,
      names,
      groups,
      makeTopic: async () => missing('topics'),
    }),
    connect: () => client.connect(),
    connections: () => client.connections,
    unwrap: () => client.unwrapped,
  };
}
