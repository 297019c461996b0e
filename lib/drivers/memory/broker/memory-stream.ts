import type { Clock } from '../../../core/clock.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { DeadLetter } from '../../../ports/dead-letters.js';
import { timeOf } from '../../entry-ids/entry-id.js';
import type { Fields } from '../../../core/message.js';
import { DelayedEntries } from './delayed-entries.js';
import { CompletedKeys } from './completed-keys.js';
import { IdSequence } from './id-sequence.js';
import { GroupedLog } from './grouped-log.js';
import { PublishedKeys } from './published-keys.js';

/** Most entries kept that every group has settled. A later group still finds them. */
const HISTORY = 1000;

/** Everything kept under one stream's key: its entries, its dead letters, and redriven messages. */
export class MemoryStream {
  readonly log = new GroupedLog(HISTORY);
  readonly published: PublishedKeys;
  readonly delayed = new DelayedEntries();
  readonly completed: CompletedKeys;
  /** Keys whose effects have happened. */
  readonly noted: CompletedKeys;
  /** By their own ids, oldest first. */
  readonly deadLetters = new Map<string, DeadLetter>();
  private readonly ids = new IdSequence();
  private readonly deadLetterIds = new IdSequence();
  private readonly redriven = new Map<string, GroupedLog>();

  constructor(clock: Clock) {
    this.published = new PublishedKeys(clock);
    this.completed = new CompletedKeys(clock);
    this.noted = new CompletedKeys(clock);
  }

  append(fields: Fields, now: number): string {
    const id = this.ids.next(now);
    this.log.entries.append({ id, publishedAt: timeOf(id), fields: [...fields] });
    return id;
  }

  /**
   * Dead letters on their way back to one group. They are not in the stream, which every group
   * reads.
   */
  redrivenTo(group: string): GroupedLog {
    let log = this.redriven.get(group);
    if (!log) this.redriven.set(group, (log = new GroupedLog(0)));
    return log;
  }

  /**
   * Forgets the redriven messages of a deleted group. Its consumers go on with messages that are
   * redriven from now on.
   */
  forgetRedriven(group: string): void {
    const log = this.redriven.get(group);
    if (!log) return;
    for (const [name, reader] of log.groups) {
      reader.delete();
      log.create(name, '$');
    }
  }

  bury(record: DeadLetterRecord, fields: Fields, now: number): string {
    const deadLetterId = this.deadLetterIds.next(now);
    const letter = Object.freeze({ ...record, deadLetterId, fields: [...fields] });
    this.deadLetters.set(deadLetterId, letter);
    return deadLetterId;
  }

  redrive({ deadLetterId, group, id, publishedAt, fields }: DeadLetter): void {
    this.deadLetters.delete(deadLetterId);
    this.redrivenTo(group).entries.append({ id, publishedAt: Date.parse(publishedAt), fields });
  }
}
