import {
  InvalidOptionsError,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterPage,
  type DeadLetterQueue,
  type DeadLetterRecord,
  type DriverContext,
  type Fields,
} from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';
import { FILE_IDS } from './file.ids.js';
import type { Store } from './store.js';

export class FileDeadLetters implements DeadLetterQueue {
  constructor(
    private readonly store: Store,
    private readonly context: DriverContext,
  ) {}

  async put(record: DeadLetterRecord, fields: Fields): Promise<string> {
    const burial = this.store.contents.letters.burial(this.key(record.stream), record, fields);
    this.store.commit([burial]);
    this.store.flush();
    return burial.letter.deadLetterId;
  }

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    if (after !== undefined) refuseOdd('after', after);
    // By number and not by position: the letter that `after` names may be gone.
    const rest = [...this.of(stream).values()].filter(
      ({ deadLetterId }) => after === undefined || Number(deadLetterId) > Number(after),
    );
    const items = rest.slice(0, limit);
    return rest.length > limit ? { items, next: items.at(-1)!.deadLetterId } : { items };
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    return this.of(stream).get(deadLetterId);
  }

  // #region redrive
  /** A letter leaves the queue and is pending to its group in one line of the journal. */
  async redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    const count = this.each(stream, filter, (letter) => [this.handBack(letter)]);
    this.store.wake();
    return count;
  }

  async purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    return this.each(stream, filter, () => []);
  }

  private each(
    stream: string,
    { ids, group }: DeadLetterFilter,
    more: (letter: DeadLetter) => readonly Change[],
  ): number {
    ids?.forEach((id, at) => refuseOdd(`ids[${at}]`, id));
    const letters = this.of(stream);
    const found = [...new Set(ids ?? letters.keys())].flatMap((id) => letters.get(id) ?? []);
    const chosen = found.filter((letter) => group === undefined || letter.group === group);
    for (const letter of chosen) {
      const { deadLetterId } = letter;
      const unbury: Change = { do: 'unbury', stream: this.key(stream), deadLetterId };
      this.store.commit([unbury, ...more(letter)]);
    }
    this.store.flush();
    return chosen.length;
  }

  /** The message is pending to the group that gave it up, with no runs. */
  private handBack({ stream, group, id, publishedAt, fields, deadLetterId }: DeadLetter): Change {
    const letter = Number(deadLetterId);
    const entry = { id, publishedAt: Date.parse(publishedAt), fields, letter };
    return { do: 'runs', stream: this.key(stream), group, entry, runs: 0 };
  }

  // #endregion

  private of(stream: string): ReadonlyMap<string, DeadLetter> {
    return this.store.contents.letters.of(this.key(stream));
  }

  private key(stream: string): string {
    return this.context.keyPrefix + stream;
  }
}

/** @throws InvalidOptionsError for what can be no id of a letter */
function refuseOdd(option: string, id: string): void {
  if (FILE_IDS.accepts(id)) return;
  throw new InvalidOptionsError([
    `${option} must be the deadLetterId of a dead letter, ${FILE_IDS.expected}, not ${JSON.stringify(id)}`,
  ]);
}
