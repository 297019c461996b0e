import type { Fields, When } from '../../../core/message.js';
import {
  delayedId,
  type DelayedEntry,
  type DelayedPage,
  type DelayStore,
  type Promoted,
} from '../../../ports/delays.js';
import type { StoredMessage } from '../buckets/stored-message.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Names } from '../names/names.js';
import type { Publisher } from '../publishing/publisher.js';
import type { Subjects } from '../publishing/subjects.js';
import { decodeMessage } from '../wire/decode-message.js';
import { encodeEntry } from '../wire/encode-entry.js';
import { nameInId } from './delay-names.js';
import { scheduleHeaders } from './schedule.js';
import { isReplaced, type Scheduled, type Scheduling } from './scheduling.js';
import { WaitingMessages, type Waiting } from './waiting-messages.js';

export interface NatsDelaysParts {
  readonly connection: NatsConnection;
  readonly names: Names;
  readonly subjects: Subjects;
  readonly publisher: Pick<Publisher, 'publishAll'>;
  readonly scheduling: Scheduling;
}

/** The server looks for due messages at this interval at least, in milliseconds. */
const LOOKS_EVERY = 250;
/** How often a message that others change meanwhile is changed. */
const TRIES = 5;

/**
 * Delayed messages as schedules of JetStream, which the server publishes by itself. Each has a subject
 * of its own in the JetStream stream of its stream, which no group reads.
 */
export class NatsDelays implements DelayStore {
  readonly movedByServer = { within: LOOKS_EVERY } as const;
  private readonly waiting: WaitingMessages;

  constructor(private readonly parts: NatsDelaysParts) {
    this.waiting = new WaitingMessages(parts);
  }

  async schedule(entries: readonly DelayedEntry[]): Promise<(string | Error)[]> {
    const { scheduling, publisher } = this.parts;
    // What the caller changes later changes nothing.
    const copies = entries.map((entry) => ({ ...entry, fields: [...entry.fields] }));
    const schedule = await scheduling.begin(copies);
    const all = copies.map((entry) => schedule(entry));
    const good = all.filter((one): one is Scheduled => !(one instanceof Error));
    const outcomes =
      good.length > 0 ? await publisher.publishAll(good.map(({ message }) => message)) : [];
    let next = 0;
    const results = all.map(async (one) =>
      one instanceof Error ? one : scheduling.resultOf(outcomes[next++]!, one.name),
    );
    return Promise.all(results);
  }

  async promote(streams: readonly string[]): Promise<(Promoted | Error)[]> {
    return streams.map(() => ({ moved: 0, lost: 0, nextIn: undefined }));
  }

  async list(stream: string, limit: number, after?: string): Promise<DelayedPage> {
    const behind = placeOf(after);
    const left = (await this.waiting.all(stream)).filter((one) => isBehind(one, behind));
    const page = left.slice(0, limit);
    const messages = await Promise.all(
      page.map(({ sequence }) => this.waiting.get(stream, { seq: sequence })),
    );
    const items = messages.flatMap((one) =>
      one ? [{ id: delayedId(one.name), dueAt: one.dueAt, fields: fieldsOf(one) }] : [],
    );
    const last = page.at(-1);
    const next = last && left.length > limit ? `${last.dueAt}-${last.sequence}` : undefined;
    return { items, ...(next !== undefined && { next }) };
  }

  async cancel(stream: string, id: string): Promise<boolean> {
    const found = await this.find(stream, id);
    if (!found) return false;
    const action = 'cancelling a delayed message';
    const js = await this.parts.connection.js(action);
    const purge = `STREAM.PURGE.${this.parts.names.stream(stream)}`;
    const filter = { filter: found.subject };
    const { purged } = await js.request<{ readonly purged: number }>(action, purge, filter);
    return purged > 0;
  }

  async reschedule(stream: string, id: string, when: When): Promise<boolean> {
    const { publisher, scheduling, subjects } = this.parts;
    for (let tries = 1; ; tries++) {
      const found = await this.find(stream, id);
      if (!found) return false;
      const due = scheduling.dueAt(when, await scheduling.time());
      if (due instanceof Error) throw due;
      const wire = encodeEntry(fieldsOf(found));
      // The same subject: the server replaces the message, where it is still this one.
      const headers = scheduleHeaders(wire, due, subjects.of(stream), found.sequence);
      const message = { ...wire, headers, stream, subject: found.subject };
      const [outcome] = await publisher.publishAll([message]);
      if (!(outcome instanceof Error)) return true;
      if (!isReplaced(outcome) || tries === TRIES) throw outcome;
    }
  }

  /** The message with this id. Undefined: it is gone, or it is due, so that the server publishes it. */
  private async find(stream: string, id: string): Promise<(StoredMessage & Waiting) | undefined> {
    const { scheduling } = this.parts;
    const name = nameInId(id);
    if (name === undefined) return undefined;
    const subject = scheduling.subjectOf(stream, name);
    const found = await this.waiting.get(stream, { last_by_subj: subject });
    return found && found.dueAt > (await scheduling.time()) ? found : undefined;
  }
}

const fieldsOf = ({ body, headers }: StoredMessage): Fields =>
  decodeMessage({ data: body, headers: [...headers].map(([name, value]) => [name, [value]]) });

/** Due time and sequence of the last message of a page, as `next` gives them. */
function placeOf(after: string | undefined): readonly [dueAt: number, sequence: number] {
  const [, due, sequence] = /^(\d{1,16})-(\d{1,16})$/.exec(after ?? '') ?? [];
  return [Number(due ?? -1), Number(sequence ?? 0)];
}

const isBehind = (one: Waiting, [due, sequence]: ReturnType<typeof placeOf>): boolean =>
  one.dueAt > due || (one.dueAt === due && one.sequence > sequence);
