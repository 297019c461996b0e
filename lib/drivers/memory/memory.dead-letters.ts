import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../ports/dead-letters.js';
import { refuseLetterIds, refusePageStart } from '../entry-ids/entry-id-format.js';
import { compareEntryIds } from '../entry-ids/entry-id.js';
import type { Fields } from '../../core/message.js';
import type { MemoryBroker } from './broker/memory.broker.js';
import type { MemoryStream } from './broker/memory-stream.js';

/** The dead letters of a broker. */
export class MemoryDeadLetters implements DeadLetterQueue {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async put(record: DeadLetterRecord, fields: Fields): Promise<string> {
    return this.stream(record.stream).bury(record, fields, this.broker.clock.wallTime());
  }

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    refusePageStart(after);
    // By order and not by position: the letter named by `after` may be gone by now.
    const rest = [...this.stream(stream).deadLetters.values()].filter(
      ({ deadLetterId }) => after === undefined || compareEntryIds(deadLetterId, after) > 0,
    );
    const items = rest.slice(0, limit);
    const next = rest.length > items.length ? items.at(-1)?.deadLetterId : undefined;
    return { items, ...(next !== undefined && { next }) };
  }

  async count(stream: string): Promise<number> {
    return this.stream(stream).deadLetters.size;
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    return this.stream(stream).deadLetters.get(deadLetterId);
  }

  async redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    const data = this.stream(stream);
    const chosen = choose(data, filter);
    for (const letter of chosen) data.redrive(letter);
    this.broker.wake();
    return chosen.length;
  }

  async purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    const data = this.stream(stream);
    const chosen = choose(data, filter);
    for (const { deadLetterId } of chosen) data.deadLetters.delete(deadLetterId);
    return chosen.length;
  }

  private stream(stream: string): MemoryStream {
    return this.broker.stream(this.keyPrefix + stream);
  }
}

function choose(data: MemoryStream, { ids, group }: DeadLetterFilter): DeadLetter[] {
  refuseLetterIds(ids);
  const letters = ids
    ? [...new Set(ids)].flatMap((id) => data.deadLetters.get(id) ?? [])
    : [...data.deadLetters.values()];
  return letters.filter((letter) => group === undefined || letter.group === group);
}
