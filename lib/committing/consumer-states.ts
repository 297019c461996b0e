import { ConsumerStateInUseError } from '../core/errors/state-store.errors.js';
import { MissingSlotError } from '../core/errors/slot.errors.js';
import { text } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import type { StateStore } from '../ports/state-store.js';
import { recordKey, recordOfText, type RecordName } from './consumer-record.js';
import type { ConsumerCommits } from './consumer-commits.js';

const WHICH = declareOptions('a consumer state', {
  /** Consumer group. @default that of the module */
  group: text(),
  /** Last part of the key. @default the option `commits.name`, else the name of the module */
  name: text(),
  /** Only for sources that have partitions. @default none */
  partition: text(),
});

/** Names a record beside its stream. */
export interface WhichConsumerState extends Given<typeof WHICH> {}

/** How far a consumer has come in one stream, or in one partition of a stream. */
export interface ConsumerStateRecord {
  /** The stream that the consumer reads. */
  readonly stream: string;
  /** Consumer group. */
  readonly group: string;
  /** Last part of the record's key. */
  readonly name: string;
  /** Undefined where the message source has no partitions. */
  readonly partition: string | undefined;
  /** Id up to which everything is settled. */
  readonly offset: string;
  /** Id of the message that was settled last. Empty: none was. */
  readonly lastMessageId: string;
  /** When the record was written. */
  readonly lastUpdated: Date;
  /** Runs of the last message, less one. */
  readonly retryCount: number;
}

/** A group that this process reads, and its streams. */
export interface ConsumedStreams {
  readonly group: string;
  readonly tables: ReadonlyMap<string, unknown>;
}

interface StatesOptions {
  /** Undefined: the slot of the state store is empty. */
  readonly state: StateStore | undefined;
  /** Group and name where a call gives none. */
  readonly group: string;
  readonly name: string;
  /** What is read now: groups, and their streams. */
  readonly read: () => readonly ConsumedStreams[];
  /** The recorders of consumers that read now. */
  readonly opened: Iterable<Pick<ConsumerCommits, 'group' | 'all' | 'reads'>>;
}

/** Reads and deletes the records of how far consumers have come. Injectable. docs/state.md */
export class ConsumerStates {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'ConsumerStates';

  /** @internal */
  constructor(private readonly options: StatesOptions) {}

  /**
   * The records of the streams that this process reads. Another process may have written them.
   * @param stream @default all of them
   * @param group @default all of them
   * @throws MissingSlotError where there is no state store, and what the store throws
   */
  async list(stream?: string, group?: string): Promise<ConsumerStateRecord[]> {
    const { name } = this.options;
    const wanted = new Map<string, RecordName>();
    const add = (one: RecordName): void => {
      if ((stream ?? one.stream) === one.stream && (group ?? one.group) === one.group)
        wanted.set(recordKey(one), one);
    };
    for (const { group: of, tables } of this.options.read())
      for (const one of tables.keys()) add({ group: of, stream: one, name });
    for (const commits of this.options.opened)
      for (const one of commits.all) add({ ...one, group: commits.group, name });
    const states = await Promise.all([...wanted.values()].map((one) => this.read(one)));
    return states.filter((state) => state !== undefined);
  }

  /**
   * One record. Undefined: there is none.
   * @throws MissingSlotError, InvalidOptionsError, and what the state store throws
   */
  async get(
    stream: string,
    which: WhichConsumerState = {},
  ): Promise<ConsumerStateRecord | undefined> {
    return this.read(this.nameOf(stream, which));
  }

  /**
   * Deletes a record. A message source that does not remember positions then begins at `startId`, so
   * the messages that it still has are handled again. Any other source goes on where it is.
   * @returns true where there was a record
   * @throws ConsumerStateInUseError where a consumer of this transport reads the stream in the group.
   * Close those of other transports and processes, too: they write their record again
   * @throws MissingSlotError, InvalidOptionsError, and what the state store throws
   */
  async reset(stream: string, which: WhichConsumerState = {}): Promise<boolean> {
    const name = this.nameOf(stream, which);
    for (const commits of this.options.opened)
      if (commits.group === name.group && commits.reads(stream))
        throw new ConsumerStateInUseError(stream, name.group);
    return this.store().delete(recordKey(name));
  }

  private nameOf(stream: string, which: WhichConsumerState): RecordName {
    refuse(
      text('the name of a stream').required().problems(stream, 'stream'),
      WHICH.problems(which),
    );
    const { group, name } = this.options;
    const { partition } = which;
    return { stream, group: which.group ?? group, name: which.name ?? name, partition };
  }

  private async read(of: RecordName): Promise<ConsumerStateRecord | undefined> {
    const stored = await this.store().get(recordKey(of));
    const record = stored === undefined ? undefined : recordOfText(stored);
    if (!record) return undefined;
    const { stream, group, name, partition } = of;
    return { stream, group, name, partition, ...record, lastUpdated: new Date(record.lastUpdated) };
  }

  private store(): StateStore {
    const { state } = this.options;
    if (state) return state;
    throw new MissingSlotError('stateStore', 'consumer states are kept there');
  }
}
