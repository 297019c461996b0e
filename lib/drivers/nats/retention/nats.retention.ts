import type { Retention, StreamFootprint, Trimmed, TrimOrder } from '../../../ports/retention.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { isGroupOf } from '../groups/describe-stream.js';
import type { DurableInfo } from '../groups/durable-settings.js';
import { groupOf, settledUpToOf } from '../groups/durables.js';
import type { Groups } from '../groups/groups.js';
import type { JsStream, StreamInfo } from '../streams/js-stream.js';
import { nextMessage } from '../streams/stored-messages.js';
import { countMessages, sequenceThatKeeps } from './counting.js';

/** Most messages of one portion: the server deletes so many in a few milliseconds. */
const PORTION = 10_000;

const NOTHING: Trimmed = Object.freeze({ count: 0, lost: 0, groups: [], more: false });

export interface RetentionParts {
  readonly connection: NatsConnection;
  readonly groups: Groups;
}

/**
 * Deletes messages up to the oldest one that a group has not settled: JetStream does not tell which were
 * settled behind it. Streams of other programs are left alone.
 */
export class NatsRetention implements Retention {
  constructor(private readonly parts: RetentionParts) {}

  async trim(stream: string, { policy, groups: required }: TrimOrder): Promise<Trimmed> {
    const { streams } = this.parts.groups.parts;
    const js = await streams.find(stream);
    const info = js && !js.foreign ? await streams.info(js) : undefined;
    const first = info && (await nextMessage(this.parts.connection, js!, 1))?.sequence;
    if (!js || first === undefined) return NOTHING;
    const limit = await this.limitOf(js, info!, first, policy);
    const durables = limit > first ? await this.durablesOf(js) : [];
    if (durables.length === 0 || (await this.lacks(stream, required, durables))) return NOTHING;
    const allowLoss = policy !== 'deleteWhenSettled' && policy.allowLoss === true;
    const allowed = allowLoss ? limit : Math.min(limit, lowestNeeded(durables));
    const before = Math.min(allowed, first + PORTION);
    if (before <= first) return NOTHING;
    const count = await this.purge(js, before);
    const losses = allowLoss ? lossesOf(durables, await this.durablesOf(js), count) : NO_LOSSES;
    return { count, ...losses, more: before < allowed };
  }

  async footprint(stream: string, before = '0'): Promise<StreamFootprint | undefined> {
    const { streams } = this.parts.groups.parts;
    const js = await streams.find(stream);
    const info = js && (await streams.info(js));
    if (!info) return undefined;
    const { bytes, subjects, last_seq: last } = info.state;
    const length = subjects?.[js.subject] ?? 0;
    const id = Number(before);
    if (id === 0 || length === 0) return { bytes, before: 0 };
    if (id > last) return { bytes, before: length };
    const { count } = await countMessages(this.parts.connection, js, { sequence: id });
    return { bytes, before: Math.max(0, length - count) };
  }

  /** The sequence before which the policy wants no message. */
  private async limitOf(
    js: JsStream,
    { state }: StreamInfo,
    first: number,
    policy: TrimOrder['policy'],
  ): Promise<number> {
    const { connection } = this.parts;
    const end = state.last_seq + 1;
    if (policy === 'deleteWhenSettled') return end;
    if ('maxAge' in policy) {
      const now = await (await connection.js()).now();
      return (await countMessages(connection, js, { time: now - policy.maxAge })).from;
    }
    if ((state.subjects?.[js.subject] ?? 0) <= policy.maxLength) return 0;
    const count = async (sequence: number): Promise<number> =>
      (await countMessages(connection, js, { sequence })).count;
    return sequenceThatKeeps(count, policy.maxLength, [first, end]);
  }

  /** Whether a group is missing that will be created again. One that was deleted on purpose is not. */
  private async lacks(
    stream: string,
    groups: readonly string[],
    durables: readonly DurableInfo[],
  ): Promise<boolean> {
    const there = new Set(durables.map(groupOf));
    const { records } = this.parts.groups.parts;
    for (const group of groups) {
      if (!there.has(group) && !(await records.read(stream, group))?.deleted) return true;
    }
    return false;
  }

  private async durablesOf(js: JsStream): Promise<DurableInfo[]> {
    const all = await this.parts.groups.parts.durables.list(js.name);
    return (all ?? []).filter((durable) => isGroupOf(js, durable));
  }

  /** Deletes what is before a sequence, of this subject only. Returns how many messages that were. */
  private async purge({ name, subject }: JsStream, before: number): Promise<number> {
    const action = 'trimming a stream';
    const js = await this.parts.connection.js(action);
    const { purged } = await js.request<{ readonly purged: number }>(
      action,
      `STREAM.PURGE.${name}`,
      { filter: subject, seq: before },
    );
    return purged;
  }
}

/** The lowest sequence that some group may not have settled. */
const lowestNeeded = (durables: readonly DurableInfo[]): number =>
  Math.min(...durables.map(settledUpToOf)) + 1;

type Losses = Pick<Trimmed, 'lost' | 'groups'>;
const NO_LOSSES: Losses = { lost: 0, groups: [] };

/**
 * What groups have lost, as their counts before and after say. What was not delivered is lost to all
 * groups alike; entries that were pending are lost to one group each.
 */
function lossesOf(
  before: readonly DurableInfo[],
  after: readonly DurableInfo[],
  count: number,
): Losses {
  const now = new Map(after.map((durable) => [durable.name, durable]));
  const groups: string[] = [];
  let [unread, pending] = [0, 0];
  for (const durable of before) {
    const then = now.get(durable.name);
    if (!then) continue;
    const ofUnread = Math.max(0, durable.num_pending - then.num_pending);
    const ofPending = Math.max(0, durable.num_ack_pending - then.num_ack_pending);
    if (ofUnread + ofPending > 0) groups.push(groupOf(durable));
    unread = Math.max(unread, ofUnread);
    pending += ofPending;
  }
  return { lost: Math.min(count, unread + pending), groups };
}
