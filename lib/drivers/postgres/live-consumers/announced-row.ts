import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  LiveConsumer,
} from '../../../ports/live-consumers.js';
import { fromStored, toStored } from '../sql/exact-text.js';

/** A row of the view `announced`. */
export interface AnnouncedRow {
  readonly stream: string;
  readonly grp: string;
  readonly name: string;
  readonly instance: string;
  /** JSON text of the consumer's process. */
  readonly process: string;
  readonly state: ConsumerState;
  /** JSON text of `events` and `options`. */
  readonly said: string;
  readonly alive: boolean;
  readonly age: number;
  readonly gone_for: number;
}

type Told = Pick<AnnouncedStream, 'events' | 'options'>;

export const toldOf = ({ events, options }: AnnouncedStream): string =>
  JSON.stringify({ events, options } satisfies Told);

export const processOf = ({ process }: Announcement): string => JSON.stringify(process);

/** The patterns of events as a JSON text of patterns of LIKE. */
export const patternsOf = ({ events }: AnnouncedStream): string =>
  JSON.stringify(
    events.map((pattern) =>
      toStored(pattern)
        .replaceAll(/[\\%_]/g, String.raw`\$&`)
        .replaceAll('*', '%'),
    ),
  );

export function liveConsumerOf(row: AnnouncedRow): LiveConsumer {
  const process = JSON.parse(row.process) as LiveConsumer['process'];
  return {
    ...(JSON.parse(row.said) as Told),
    stream: fromStored(row.stream),
    group: fromStored(row.grp),
    consumer: fromStored(row.name),
    instance: fromStored(row.instance),
    process: { ...process, application: process.application },
    state: row.state,
    alive: row.alive,
    age: Math.max(0, row.age),
    goneFor: row.alive ? undefined : Math.max(0, row.gone_for),
  };
}
