import { randomUUID } from 'node:crypto';
import { sleep, systemClock } from '../../../core/clock.js';
import type {
  KafkaAdmin,
  KafkaClient,
  KafkaProducer,
  KafkaRecord,
  ReadRecord,
} from '../connection/kafka-client.js';
import { isDenied, isFenced, isReply } from '../errors/kafka-reply.error.js';
import { LetterLog } from './letter-log.js';
import { LETTERS } from './letter-record.js';
import { RemovedLetters } from './removed-letters.js';

/**
 * After this time the broker ends the transaction of a process that was killed, in milliseconds. Until
 * then readers of the same topics wait.
 */
const TRANSACTION_TIMEOUT = 10_000;
/** Longest first wait where another process removes letters of the same stream, in milliseconds. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 2000;

/** What is to be removed from one topic of dead letters. */
export interface Removal {
  /** The topic of dead letters. */
  readonly topic: string;
  /** The topic that says which were removed. */
  readonly removed: string;
  /** Only these offsets, ascending. */
  readonly offsets?: readonly number[] | undefined;
  /** The id with which processes exclude each other. */
  readonly transactionalId: string;
  /** Whether this record is meant. */
  readonly isMeant: (record: ReadRecord) => boolean;
  /** What is sent in the same step: the copies of redriven letters. */
  readonly copies?: (records: readonly ReadRecord[]) => Promise<KafkaRecord[]>;
}

/** A part of a removal: letters that are removed in one step. */
interface Page {
  readonly records: readonly ReadRecord[];
  /** Notes in `removed` that they are gone. */
  readonly note: () => void;
}

/** Most commits of one call that may fail, other than because another process does the same. */
const MOST_FAILED = 3;

/**
 * Takes letters out of a topic of dead letters. Each page is one transaction: copies of its letters, and the
 * note that they are removed. Processes that do so at once for one stream exclude each other by their
 * transactional id: one of them is refused, waits and goes on with what is left.
 */
export class LetterRemoval {
  constructor(
    private readonly client: Pick<KafkaClient, 'producer'>,
    private readonly admin: KafkaAdmin,
  ) {}

  /** Returns how many were removed. */
  async run(removal: Removal): Promise<number> {
    const call = new Call();
    let failed = 0;
    for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      try {
        await new RemovalRun(this.admin, removal, call).over(await this.open(removal));
        return call.count;
      } catch (error) {
        const cause = error instanceof CommitFailed ? error.cause : error;
        const isOthers = isFenced(cause) || isReply(cause, 'CONCURRENT_TRANSACTIONS');
        if (!isOthers && (cause === error || ++failed > MOST_FAILED)) throw cause;
      }
      await sleep(systemClock, wait * (0.5 + Math.random()));
    }
  }

  private open({ transactionalId }: Removal): Promise<KafkaProducer> {
    return this.client.producer({ transactionalId, transactionTimeout: TRANSACTION_TIMEOUT });
  }
}

/** What one call has done so far, over all its tries. */
class Call {
  readonly id = randomUUID();
  /** Letters that were removed. */
  count = 0;
  /** Pages that were begun. Each notes its number, so that it is known later whether it was committed. */
  pages = 0;
  /** Letters of the last page, where the answer to its commit was no success. */
  private doubtful = 0;

  doubt(letters: number): void {
    this.doubtful = letters;
  }

  /** No transaction of this call is open any more: what is noted is what was committed. */
  clearUp(removed: RemovedLetters): void {
    if (removed.pagesOf(this.id) === this.pages) this.count += this.doubtful;
    this.doubtful = 0;
  }
}

/** One try of a removal: until it is done, or another process begins one. */
class RemovalRun {
  private removed!: RemovedLetters;

  constructor(
    private readonly admin: KafkaAdmin,
    private readonly removal: Removal,
    private readonly call: Call,
  ) {}

  /** Removes what is meant, and closes the producer. */
  async over(producer: KafkaProducer): Promise<void> {
    const { topic, removed } = this.removal;
    try {
      // Ends what another process has begun: from here on nothing changes unless this one is refused.
      await (await producer.transaction()).abort();
      this.removed = await RemovedLetters.read(this.admin, removed);
      this.call.clearUp(this.removed);
      const log = await LetterLog.open(this.admin, topic);
      if (!log) return;
      await send(producer, this.removed.forgetOthers(removed, log.high));
      for await (const page of this.pages(log)) await this.remove(page, producer);
      await this.truncate(log, producer);
    } finally {
      await producer.close();
    }
  }

  private async remove({ records, note }: Page, producer: KafkaProducer): Promise<void> {
    const { call, removal } = this;
    const sent = (await removal.copies?.(records)) ?? [];
    note();
    this.removed.notePages(call.id, ++call.pages);
    try {
      await send(producer, [...sent, ...this.removed.takeChanges(removal.removed)]);
    } catch (error) {
      if (error instanceof CommitFailed) call.doubt(records.length);
      throw error;
    }
    call.count += records.length;
  }

  private async *pages(log: LetterLog): AsyncGenerator<Page> {
    const { offsets } = this.removal;
    if (!offsets) return yield* this.allPages(log);
    for await (const found of log.find(offsets)) {
      const records = found.filter((record) => this.isMeant(record));
      const note = (): void => records.forEach(({ offset }) => this.removed.add(offset));
      if (records.length > 0) yield { records, note };
    }
  }

  private async *allPages(log: LetterLog): AsyncGenerator<Page> {
    const skipTo = (offset: number): number => this.removed.nextLeft(offset);
    for await (const { from, to, records: all } of log.portions(log.low, skipTo)) {
      const records = all.filter((record) => this.isMeant(record));
      const meant = new Set(records);
      const kept = all.filter((record) => !meant.has(record)).map(({ offset }) => offset);
      // Offsets without a letter count as removed, so that a later call skips the whole range.
      const note = (): void => this.removed.addAll(from, to, new Set(kept));
      if (records.length > 0) yield { records, note };
    }
  }

  private isMeant(record: ReadRecord): boolean {
    return !this.removed.has(record.offset) && this.removal.isMeant(record);
  }

  /** Deletes the records below the first letter that is left, and what is noted about them. */
  private async truncate(log: LetterLog, producer: KafkaProducer): Promise<void> {
    const { topic, removed } = this.removal;
    const low = await this.firstLeft(log);
    if (low <= log.low) return;
    try {
      await this.admin.deleteRecords(topic, [{ partition: LETTERS, offset: low }]);
    } catch (error) {
      // They are removed all the same: only their room is not free.
      if (!isDenied(error) && !isReply(error, 'POLICY_VIOLATION')) throw error;
      return;
    }
    await send(producer, this.removed.forgetBelow(removed, low));
  }

  private async firstLeft(log: LetterLog): Promise<number> {
    const skipTo = (offset: number): number => this.removed.nextLeft(offset);
    let end = log.low;
    for await (const { to, records } of log.portions(log.low, skipTo)) {
      const first = records.find(({ offset }) => !this.removed.has(offset));
      if (first) return first.offset;
      end = to;
    }
    return Math.min(skipTo(end), log.high);
  }
}

/** The answer to a commit was no success: the transaction may be committed all the same. */
class CommitFailed extends Error {}

/**
 * Sends records in one transaction.
 * @throws CommitFailed where it may be committed; any other error where it is not
 */
async function send(producer: KafkaProducer, records: readonly KafkaRecord[]): Promise<void> {
  if (records.length === 0) return;
  const transaction = await producer.transaction();
  const failed = (await transaction.send(records)).find((one) => one instanceof Error);
  if (failed) {
    await transaction.abort().catch(() => undefined);
    throw failed;
  }
  try {
    await transaction.commit();
  } catch (cause) {
    throw new CommitFailed('The commit failed.', { cause });
  }
}
