import { systemClock } from '../../../core/clock.js';
import { OURS } from '../streams/stream-settings.js';

export const NANOSECONDS = 1_000_000;
/** Most pull requests that wait at one durable: about one for each consumer and stream. */
const MOST_WAITING = 10_000;
/** The key of the metadata that says which record of the group the durable was made by. */
export const EPOCH = 'nestjs-redis-streams-epoch';
/** The key of the metadata that says when the durable was made, in microseconds since the epoch. */
export const MADE = 'nestjs-redis-streams-made';

/**
 * The key of the metadata that says to what time, in milliseconds, `ack_wait` will be lowered, and since
 * when that is said, as `1000@2026-11-30T20:00:00Z`.
 */
const LOWERED = 'nestjs-redis-streams-ack-wait';
/** How long consumers are told before `ack_wait` is lowered, in milliseconds. Each looks more often. */
const TOLD_FOR = 100_000;

/** Settings of a durable consumer, by the names of JetStream. Times are in nanoseconds. */
export interface DurableConfig {
  readonly [setting: string]: unknown;
  readonly durable_name?: string;
  readonly ack_policy?: string;
  readonly ack_wait?: number;
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly opt_start_seq?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface Place {
  readonly consumer_seq: number;
  readonly stream_seq: number;
}

/** What `CONSUMER.INFO` answers. */
export interface DurableInfo {
  readonly name: string;
  readonly created: string;
  readonly config: DurableConfig;
  readonly delivered: Place;
  readonly ack_floor: Place;
  readonly num_ack_pending: number;
  readonly num_pending: number;
  /** Pull requests that wait for messages. */
  readonly num_waiting: number;
  /** When the server answered. */
  readonly ts?: string;
}

/** Where a durable is. */
export interface DurableName {
  /** The name of the JetStream stream. */
  readonly jsStream: string;
  readonly durable: string;
}

/** A durable to be made. */
export interface NewDurable extends DurableName {
  readonly group: string;
  readonly subject: string;
  /** The sequence behind which it begins. */
  readonly behind: number;
  readonly epoch: number;
  /** In microseconds since the epoch, and higher than that of each durable of the group before. */
  readonly generation: number;
  /** Time after which the server hands out again what was not settled, in milliseconds. */
  readonly ackWait: number;
}

/** What a durable is made with and never changed to. */
export const configOf = ({
  durable,
  group,
  behind,
  epoch,
  generation,
}: NewDurable): DurableConfig => ({
  durable_name: durable,
  name: durable,
  ...(behind > 0
    ? { deliver_policy: 'by_start_sequence', opt_start_seq: behind + 1 }
    : { deliver_policy: 'all' }),
  replay_policy: 'instant',
  max_waiting: MOST_WAITING,
  num_replicas: 0,
  metadata: {
    ...{ [OURS]: group, [EPOCH]: String(epoch) },
    [MADE]: String(generation),
  },
});

export const settingsOf = ({ subject, ackWait }: Pick<NewDurable, 'subject' | 'ackWait'>) => ({
  ack_policy: 'explicit',
  ack_wait: ackWait * NANOSECONDS,
  max_deliver: -1,
  max_ack_pending: -1,
  filter_subject: subject,
});

/**
 * The settings that a durable is to have. A shorter `ackWait` is only announced where consumers read or
 * have entries.
 */
export function changedSettings(
  info: DurableInfo,
  wanted: Pick<NewDurable, 'subject' | 'ackWait'>,
): Readonly<Record<string, unknown>> {
  const { ack_wait: wantedWait, ...rest } = settingsOf(wanted);
  const found = info.config.ack_wait ?? 0;
  const isLater = wantedWait < found && info.num_ack_pending + info.num_waiting > 0;
  const settings = { ...rest, ack_wait: isLater ? found : wantedWait };
  const metadata = { ...info.config.metadata };
  const isTold = announcedOf(info)?.ackWait === wanted.ackWait;
  if (!isLater) delete metadata[LOWERED];
  else if (!isTold)
    metadata[LOWERED] =
      `${wanted.ackWait}@${info.ts ?? new Date(systemClock.wallTime()).toISOString()}`;
  return { ...settings, metadata };
}

/** The settings of a durable whose consumers were told for long enough. Undefined: nothing changes now. */
export function loweredConfig(info: DurableInfo): DurableConfig | undefined {
  const announced = announcedOf(info);
  const now = Date.parse(info.ts ?? '');
  if (!announced || !(now - announced.since >= TOLD_FOR)) return undefined;
  const { [LOWERED]: told, ...metadata } = info.config.metadata ?? {};
  return { ...info.config, metadata, ack_wait: announced.ackWait * NANOSECONDS };
}

/** The `ackWait` that will hold soon. */
export function announcedOf({ config }: Pick<DurableInfo, 'config'>) {
  const [ackWait, since] = config.metadata?.[LOWERED]?.split('@') ?? [];
  if (ackWait === undefined || since === undefined) return undefined;
  return { ackWait: Number(ackWait), since: Date.parse(since) };
}
