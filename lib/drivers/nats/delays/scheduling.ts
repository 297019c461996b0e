import type { DelayedEntry } from '../../../ports/delays.js';
import { delayedId } from '../../../ports/delays.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { When } from '../../../core/message.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { StreamSettings } from '../connection/nats.options.js';
import { DELAYS_SINCE, DelaysUnsupportedError } from '../errors/delays-unsupported.error.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';
import type { Names } from '../names/names.js';
import { entryMessage, idOf } from '../publishing/entry-message.js';
import type { NatsMessage } from '../publishing/nats-message.js';
import type { Outcome } from '../publishing/outgoing.js';
import type { Subjects } from '../publishing/subjects.js';
import { refusesWhenFull } from '../streams/stream-settings.js';
import type { Streams } from '../streams/streams.js';
import { newName } from './delay-names.js';
import type { FirstIds } from './first-ids.js';
import { dueAt, scheduleHeaders } from './schedule.js';

export interface SchedulingParts {
  readonly connection: NatsConnection;
  readonly names: Names;
  readonly streams: Pick<Streams, 'of'>;
  readonly settings: StreamSettings;
  readonly subjects: Subjects;
  readonly firstIds: FirstIds;
}

/** A delayed message under way. `name` is its name within its stream. */
export interface Scheduled {
  readonly message: NatsMessage;
  readonly name: string;
}

/**
 * Makes the message of an entry, or the error for which it is refused.
 * @param id its `Nats-Msg-Id`, where the entry has no idempotency key
 */
export type Schedule = (entry: DelayedEntry, id?: string) => Scheduled | Error;

/** The same as `wrongLastSequence`, where a server does not say which sequence there is. */
const WITHOUT_SEQUENCE = 10_164;
const FULL = 'Streams that refuse messages when they are full can keep none for later.';
const ACTION = 'delaying messages';

/**
 * Turns entries into messages that the server keeps and publishes when they are due: each has a
 * subject of its own beside that of its stream.
 */
export class Scheduling {
  constructor(private readonly parts: SchedulingParts) {}

  /**
   * Asks what has to be known about these entries: the server's time, and whether their streams can have
   * delayed messages. An entry with an id has a name made of it, so that it waits only once.
   */
  async begin(entries: readonly DelayedEntry[]): Promise<Schedule> {
    const problems = new Map<string, Error | undefined>();
    const streams = new Set(entries.map(({ stream }) => stream));
    try {
      await this.refuseOldServer();
      await Promise.all(
        [...streams].map(async (stream) => problems.set(stream, await this.problemOf(stream))),
      );
      // A server without any stream cannot tell its time: the streams come first.
      const time = await this.time();
      if (refusesWhenFull(this.parts.settings)) throw new DelaysUnsupportedError(FULL);
      return (entry, id) => problems.get(entry.stream) ?? this.scheduled(entry, time, id);
    } catch (error) {
      return () => error as Error;
    }
  }

  /** The id of a delayed message, or its error. */
  async resultOf(outcome: Outcome, name: string): Promise<string | Error> {
    const id = delayedId(name);
    if (!(outcome instanceof Error)) {
      return outcome.duplicate ? this.parts.firstIds.of(outcome, id) : id;
    }
    return isReplaced(outcome) ? id : outcome;
  }

  /** When the entry is due, in milliseconds since the epoch, or the error where it would not live so long. */
  dueAt(when: When, now: number): number | Error {
    const { maxAge = Infinity } = this.parts.settings;
    const due = dueAt(when, now);
    if (due - now < maxAge) return due;
    return new DelaysUnsupportedError(
      `The stream deletes messages after ${maxAge} ms, before this one is due.`,
    );
  }

  /** The subject of one delayed message. */
  subjectOf(stream: string, name: string): string {
    return this.parts.names.delayed(stream).replace(/\*$/, () => name);
  }

  /** The server's time, in milliseconds since the epoch. */
  async time(): Promise<number> {
    return (await this.parts.connection.js(ACTION)).now();
  }

  private async refuseOldServer(): Promise<void> {
    const { connection } = this.parts;
    const client = await connection.client(ACTION);
    if (connection.atLeast(DELAYS_SINCE)) return;
    throw new DelaysUnsupportedError(
      `The server is nats-server ${client.info?.version}, which cannot publish messages later.`,
    );
  }

  private scheduled(entry: DelayedEntry, now: number, given?: string): Scheduled | Error {
    const target = this.parts.subjects.of(entry.stream);
    const id = idOf(entry, target) ?? given;
    const name = id ?? newName();
    const message = entryMessage(entry, this.subjectOf(entry.stream, name), id);
    if (message instanceof Error) return message;
    const due = this.dueAt(entry.when, now);
    if (due instanceof Error) return due;
    const headers = scheduleHeaders(message, due, target, 0);
    return { message: { ...message, headers }, name };
  }

  private async problemOf(stream: string): Promise<Error | undefined> {
    try {
      const { foreign, name } = await this.parts.streams.of(stream);
      if (!foreign) return undefined;
      return new DelaysUnsupportedError(
        `Another program has made the JetStream stream "${name}", which takes no delayed messages of "${stream}".`,
      );
    } catch (error) {
      // A producer may have no right but that to publish.
      return error instanceof PermissionDeniedError ? undefined : (error as Error);
    }
  }
}

/** Another message has this subject by now: the expected one, or none, is not there any more. */
export const isReplaced = (error: unknown): boolean =>
  isReply(error, API_ERRORS.wrongLastSequence) || isReply(error, WITHOUT_SEQUENCE);
