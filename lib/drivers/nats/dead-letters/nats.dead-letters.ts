import { chunksOf } from '../../../core/collections/chunks.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Fields } from '../../../core/message.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../../ports/dead-letters.js';
import { InternalStream } from '../buckets/internal-stream.js';
import { Scan, type ScanOptions } from '../buckets/scan.js';
import type { StoredMessage } from '../buckets/stored-message.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { API_ERRORS, isReply, NatsReplyError } from '../errors/nats-reply.error.js';
import { saysFull, StreamFullError } from '../errors/stream-full.error.js';
import { refuseLetterIds, refusePageStart } from './letter-ids.js';
import { encodeLetter, readLetter } from './letter.js';
import { Redriven } from './redriven.js';
import { UnreadableLetters } from './unreadable-letters.js';

const STORING = 'storing a dead letter';
const READING = 'reading a dead letter';
const LISTING = 'listing dead letters';
const PURGING = 'purging dead letters';
const REDRIVING = 'redriving dead letters';

/** Bytes of a message beside its body: headers, also those of a redriven one. */
const HEADERS = 1024;
/** Letters that are read together by their ids. */
const AT_ONCE = 32;
/** Most letters of one step. */
const PAGE = 500;

const MAKE_ROOM =
  'The message stays with its group until there is room. Redrive or purge dead letters, raise max_msgs or max_bytes of this JetStream stream, or give JetStream more storage.';

/**
 * Keeps dead letters in a JetStream stream, with a subject for each stream and group. The sequence of a
 * message is the id of its dead letter.
 */
export class NatsDeadLetters implements DeadLetterQueue {
  readonly redriven: Redriven;
  private readonly stream: InternalStream;
  private readonly unreadable: UnreadableLetters;

  constructor(private readonly parts: DriverParts) {
    const { names } = parts;
    this.redriven = new Redriven(parts);
    this.unreadable = new UnreadableLetters(parts.events, names.ownStream('dead-letters'));
    this.stream = new InternalStream({
      parts,
      name: names.ownStream('dead-letters'),
      keeps: 'dead letters',
      settings: () => ({ subjects: [names.deadLetters], discard: 'new', allow_direct: true }),
    });
  }

  /**
   * @param messageId a call with the same id within two minutes returns the same dead letter
   * @throws StreamFullError where JetStream has no room for it
   */
  async put(record: DeadLetterRecord, fields: Fields, messageId?: string): Promise<string> {
    const { connection, names } = this.parts;
    await connection.client(STORING);
    const body = encodeLetter({ record, fields }, connection.maxPayload - HEADERS);
    const subject = names.deadLetter(record.stream, record.group);
    const headers = messageId === undefined ? [] : ['Nats-Msg-Id', messageId];
    try {
      return String((await this.stream.publish(STORING, subject, body, headers)).seq);
    } catch (error) {
      throw fullError(this.stream.name, error) ?? error;
    }
  }

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    refusePageStart(after);
    const scan = this.scan(stream, undefined, { from: behind(after), action: LISTING });
    try {
      const { messages, more } = await scan.page(limit);
      const items = messages.flatMap((message) => this.read(message) ?? []);
      const last = messages.at(-1);
      return { items, ...(more && last && { next: String(last.sequence) }) };
    } finally {
      scan.end();
    }
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    const [found] = await this.byIds(READING, stream, [deadLetterId]);
    return found && this.read(found);
  }

  /** A step that fails half way leaves nothing lost, and the same call goes on where it ended. */
  async redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    let moved = 0;
    for await (const letters of this.selected(REDRIVING, stream, filter)) {
      moved += await this.move(letters.filter((one) => this.read(one)));
    }
    return moved;
  }

  async purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    if (!filter.ids) return this.purgeAll(stream, filter.group);
    let purged = 0;
    for await (const letters of this.selected(PURGING, stream, filter)) {
      const gone = await Promise.all(
        letters.map((one) => this.stream.remove(PURGING, one.sequence)),
      );
      purged += gone.filter(Boolean).length;
    }
    return purged;
  }

  /**
   * A consumer has the redriven message of this dead letter: it is deleted, where the process that
   * redrove it could not do so any more. Idempotent.
   */
  async moved(deadLetter: number): Promise<void> {
    await this.stream.remove(REDRIVING, deadLetter);
  }

  /**
   * Adds each to the redriven messages, in their order, then deletes it. Those that another call has
   * added are deleted only, and do not count.
   */
  private async move(letters: readonly StoredMessage[]): Promise<number> {
    const added = await Promise.allSettled(letters.map((letter) => this.redriven.add(letter)));
    const there = letters.filter((_, at) => added[at]!.status === 'fulfilled');
    await Promise.all(there.map(({ sequence }) => this.stream.remove(REDRIVING, sequence)));
    const failed = added.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return added.filter((one) => one.status === 'fulfilled' && one.value).length;
  }

  private async purgeAll(stream: string, group: string | undefined): Promise<number> {
    const filter = this.parts.names.deadLetter(stream, group);
    try {
      const purge = () => this.stream.api<{ purged: number }>(PURGING, 'STREAM.PURGE', { filter });
      return (await this.stream.run(PURGING, purge)).purged;
    } catch (error) {
      if (isReply(error, API_ERRORS.streamNotFound)) return 0;
      throw error;
    }
  }

  /** The letters that the filter selects, in portions. Ends with those that there were at the start. */
  private async *selected(
    action: string,
    stream: string,
    { ids, group }: DeadLetterFilter,
  ): AsyncGenerator<readonly StoredMessage[]> {
    refuseLetterIds(ids);
    if (!ids) return yield* this.all(action, stream, group);
    for (const some of chunksOf([...new Set(ids)], AT_ONCE)) {
      const found = await this.byIds(action, stream, some);
      const meant = found.filter((one) => this.isOf(one, stream, group));
      if (meant.length > 0) yield meant;
    }
  }

  private async *all(
    action: string,
    stream: string,
    group: string | undefined,
  ): AsyncGenerator<readonly StoredMessage[]> {
    const last = (await this.stream.info(action))?.state.last_seq ?? 0;
    const scan = this.scan(stream, group, { from: 1, action });
    try {
      for (let more = true; more;) {
        const page = await scan.page(PAGE);
        const old = page.messages.filter(({ sequence }) => sequence <= last);
        if (old.length > 0) yield old;
        more = page.more && old.length === page.messages.length;
      }
    } finally {
      scan.end();
    }
  }

  /** Those that there are, and that are of this stream. */
  private async byIds(
    action: string,
    stream: string,
    ids: readonly string[],
  ): Promise<StoredMessage[]> {
    const found = await Promise.all(ids.map((id) => this.stream.find(action, { seq: Number(id) })));
    return found.filter((one) => one !== undefined && this.isOf(one, stream)) as StoredMessage[];
  }

  /** Where no group is given: of any group of the stream. */
  private isOf({ subject }: StoredMessage, stream: string, group?: string): boolean {
    const wanted = this.parts.names.deadLetter(stream, group);
    return group === undefined ? subject.startsWith(wanted.slice(0, -1)) : subject === wanted;
  }

  /** Undefined, and told of: the message is no dead letter that this version of the library can read. */
  private read({ sequence, body }: StoredMessage): DeadLetter | undefined {
    const letter = readLetter(body);
    if (letter) return { ...letter.record, deadLetterId: String(sequence), fields: letter.fields };
    this.unreadable.tell(sequence);
    return undefined;
  }

  private scan(
    stream: string,
    group: string | undefined,
    more: Pick<ScanOptions, 'from' | 'action'>,
  ): Scan {
    const { connection, names, settings } = this.parts;
    const subject = names.deadLetter(stream, group);
    const replicated = settings.replicas > 1;
    return new Scan({ connection, stream: this.stream, subject, replicated, ...more });
  }
}

/** The sequence behind a dead letter. */
const behind = (after: string | undefined): number => (after === undefined ? 1 : Number(after) + 1);

/** Undefined: another error. */
function fullError(stream: string, error: unknown): StreamFullError | undefined {
  if (!(error instanceof NatsReplyError)) return undefined;
  const { message: description } = error.cause as Error;
  const isFull = saysFull({ err_code: error.errCode, description });
  return isFull ? new StreamFullError(stream, { description }, MAKE_ROOM) : undefined;
}
