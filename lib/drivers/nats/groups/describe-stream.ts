import type { FurthestBehind, GroupReport, StreamReport } from '../../../ports/group-admin.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { JsStream, StreamInfo } from '../streams/js-stream.js';
import { lastMessage, nextMessage } from '../streams/stored-messages.js';
import type { Streams } from '../streams/streams.js';
import type { DurableInfo } from './durable-settings.js';
import { groupOf, settledUpToOf, type Durables } from './durables.js';

export interface DescribingParts {
  readonly connection: NatsConnection;
  readonly streams: Streams;
  readonly durables: Durables;
}

/**
 * Reads the state of a stream and its groups: two requests, and up to two for each group. Undefined: the
 * stream does not exist. A durable of another program is a group, too, where it reads the subject of the
 * stream and acknowledges each message.
 */
export async function describeStream(
  parts: DescribingParts,
  stream: string,
): Promise<StreamReport | undefined> {
  const { streams, durables, connection } = parts;
  const js = await streams.find(stream);
  if (!js) return undefined;
  const [info, all] = await Promise.all([streams.info(js), durables.list(js.name)]);
  if (!info || !all) return undefined;
  const now = await (await connection.js()).now();
  const groups = await Promise.all(
    all
      .filter((durable) => isGroupOf(js, durable))
      .map((durable) => describeGroup(parts, { js, info, durable, now })),
  );
  return {
    ...(await describeMessages(connection, js, info)),
    groups,
    furthestBehind: furthestBehind(groups),
  };
}

/** Whether a durable reads messages of a stream, each of which it acknowledges. */
export function isGroupOf({ subject }: JsStream, { config }: DurableInfo): boolean {
  if (config.durable_name === undefined || config.ack_policy !== 'explicit') return false;
  const { filter_subject: one, filter_subjects: several } = config;
  const filters = several ?? (one ? [one] : []);
  return filters.length === 0 || filters.includes(subject);
}

/** Whether all messages of the JetStream stream are those of the stream. */
const isAlone = (js: JsStream, { config }: StreamInfo): boolean =>
  !js.foreign && config.subjects?.length === 1;

async function describeMessages(
  connection: NatsConnection,
  js: JsStream,
  info: StreamInfo,
): Promise<Omit<StreamReport, 'groups' | 'furthestBehind'>> {
  const { state } = info;
  const { stream } = js;
  if (isAlone(js, info)) {
    const added = state.last_seq - js.firstEver + 1;
    return {
      ...{ stream, length: state.messages, entriesAdded: added },
      lastId: added > 0 ? String(state.last_seq) : '0',
      firstId: state.messages > 0 ? String(state.first_seq) : undefined,
    };
  }
  const length = state.subjects?.[js.subject] ?? 0;
  const [first, last] = await Promise.all([
    length > 0 ? nextMessage(connection, js, 1) : undefined,
    length > 0 ? lastMessage(connection, js) : undefined,
  ]);
  return {
    ...{ stream, length, entriesAdded: null },
    lastId: String(last?.sequence ?? 0),
    firstId: first && String(first.sequence),
  };
}

interface Described {
  readonly js: JsStream;
  readonly info: StreamInfo;
  readonly durable: DurableInfo;
  /** By the server's clock. */
  readonly now: number;
}

async function describeGroup(
  { connection }: DescribingParts,
  { js, info, durable, now }: Described,
): Promise<GroupReport> {
  const { num_ack_pending: pending, num_pending: lag } = durable;
  const delivered = deliveredUpTo(js, durable);
  const [oldest, undelivered] = await Promise.all([
    pending > 0 ? nextMessage(connection, js, settledUpToOf(durable) + 1) : undefined,
    lag > 0 ? nextMessage(connection, js, delivered + 1) : undefined,
  ]);
  const age = (at: { readonly time: number } | undefined): number =>
    at ? Math.max(0, now - at.time) : 0;
  return {
    ...{ name: groupOf(durable), consumers: null, pending, lag },
    lastDeliveredId: String(delivered),
    entriesRead: isAlone(js, info) ? Math.max(0, delivered - js.firstEver + 1) : null,
    oldestPendingId: oldest && String(oldest.sequence),
    oldestPendingAge: age(oldest),
    oldestUndeliveredId: undelivered && String(undelivered.sequence),
    oldestUndeliveredAge: age(undelivered),
  };
}

/** The sequence up to which messages were delivered, or skipped. 0 where that was nothing. */
function deliveredUpTo({ firstEver }: JsStream, { delivered, config }: DurableInfo): number {
  const skipped = (config.opt_start_seq ?? 1) - 1;
  const upTo = Math.max(delivered.stream_seq, skipped);
  return upTo < firstEver ? 0 : upTo;
}

/** Of the groups of a stream, the one that needs the oldest entry. */
function furthestBehind(groups: readonly GroupReport[]): FurthestBehind | undefined {
  let least: FurthestBehind | undefined;
  for (const { name, oldestPendingId: pending, lastDeliveredId } of groups) {
    const unread = Number(lastDeliveredId) + 1;
    const isPending = pending !== undefined && Number(pending) < unread;
    const needs = isPending ? Number(pending) : unread;
    if (least && Number(least.needs) <= needs) continue;
    least = { name, by: isPending ? 'pending' : 'undelivered', needs: String(needs) };
  }
  return least;
}
