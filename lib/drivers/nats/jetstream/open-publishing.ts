import type { DriverParts } from '../connection/driver-parts.js';
import { FirstIds } from '../delays/first-ids.js';
import { NatsDelays } from '../delays/nats.delays.js';
import { Scheduling } from '../delays/scheduling.js';
import { SettledEntries } from '../delays/settled-entries.js';
import { Publisher } from '../publishing/publisher.js';
import { Publishing } from '../publishing/publishing.js';
import { Subjects } from '../publishing/subjects.js';
import type { Streams } from '../streams/streams.js';

/** What publishes, at once and later. Close `publisher` before the connection. */
export interface PublishingSide {
  readonly publisher: Publisher;
  readonly publishing: Publishing;
  readonly delays: NatsDelays;
  /** For settlements. */
  readonly settled: SettledEntries;
}

export function openPublishing(parts: DriverParts, streams: Streams): PublishingSide {
  const { connection, names, options, settings } = parts;
  const { requestTimeout, connectTimeout } = options;
  const publisher = new Publisher({ connection, streams, requestTimeout, connectTimeout });
  const subjects = new Subjects(names);
  const firstIds = new FirstIds(connection);
  const publishing = new Publishing({
    publisher,
    subjects,
    firstId: (stored) => firstIds.of(stored),
  });
  const scheduling = new Scheduling({
    ...{ connection, names, settings },
    streams,
    subjects,
    firstIds,
  });
  return {
    publisher,
    publishing,
    delays: new NatsDelays({ connection, names, subjects, publisher, scheduling }),
    settled: new SettledEntries({ publisher, publishing, subjects, scheduling }),
  };
}
