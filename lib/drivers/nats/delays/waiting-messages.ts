import { Scan } from '../buckets/scan.js';
import {
  storedMessage,
  type AnsweredMessage,
  type StoredMessage,
} from '../buckets/stored-message.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';
import type { Names } from '../names/names.js';
import { nameInSubject } from './delay-names.js';
import { dueAtOf } from './schedule.js';

/** A message that waits until it is due. */
export interface Waiting {
  readonly name: string;
  readonly sequence: number;
  /** In milliseconds since the epoch. */
  readonly dueAt: number;
}

/** Messages of one page of a scan. */
const PAGE = 1000;
const LISTING = 'listing delayed messages';
const READING = 'reading a delayed message';

export interface WaitingMessagesParts {
  readonly connection: NatsConnection;
  readonly names: Names;
}

/** Reads messages that wait in a stream. A stream that does not exist has none. */
export class WaitingMessages {
  constructor(private readonly parts: WaitingMessagesParts) {}

  /** All that wait, the one that is due first at the head. Reads headers only. */
  async all(stream: string): Promise<Waiting[]> {
    const scan = this.scan(stream);
    try {
      const found: Waiting[] = [];
      for (let more = true; more;) {
        const page = await scan.page(PAGE);
        for (const message of page.messages) found.push(...waiting(message));
        ({ more } = page);
      }
      return found.toSorted((a, b) => a.dueAt - b.dueAt || a.sequence - b.sequence);
    } catch (error) {
      if (isReply(error, API_ERRORS.streamNotFound)) return [];
      throw error;
    } finally {
      scan.end();
    }
  }

  /** The message with this sequence, or with this subject. Undefined: it is gone. */
  async get(
    stream: string,
    which: { readonly seq: number } | { readonly last_by_subj: string },
  ): Promise<(StoredMessage & Waiting) | undefined> {
    const js = await this.parts.connection.js(READING);
    try {
      const subject = `STREAM.MSG.GET.${this.parts.names.stream(stream)}`;
      const { message } = await js.request<{ message: AnsweredMessage }>(READING, subject, which);
      const stored = storedMessage(message);
      const [found] = waiting(stored);
      return found && { ...stored, ...found };
    } catch (error) {
      const { noMessageFound, streamNotFound } = API_ERRORS;
      if (isReply(error, noMessageFound) || isReply(error, streamNotFound)) return undefined;
      throw error;
    }
  }

  private scan(stream: string): Scan {
    const { connection, names } = this.parts;
    const name = names.stream(stream);
    return new Scan({
      ...{ connection, action: LISTING, subject: names.delayed(stream), from: 1 },
      headersOnly: true,
      stream: {
        name,
        run: (_, step) => step(),
        api: async (action, request, body, more) =>
          (await connection.js(action)).request(action, `${request}.${name}${more ?? ''}`, body),
      },
    });
  }
}

function waiting({ subject, sequence, headers }: StoredMessage): Waiting[] {
  const name = nameInSubject(subject);
  const dueAt = dueAtOf(headers);
  return name === undefined || dueAt === undefined ? [] : [{ name, sequence, dueAt }];
}
