import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { createGroup, type GroupParts } from '../groups/create-group.js';
import { findGroups, type FoundGroup } from '../groups/find-groups.js';
import type { ReadStream } from '../held-entries/postgres.lease.js';

export interface GroupKeeperOptions extends GroupParts {
  readonly group: string;
  readonly consumer: string;
  readonly startId: string;
  readonly createGroup?: boolean;
  readonly names: readonly string[];
}

/** One stream of a subscription, and its group. */
export interface Reading extends ReadStream {
  readonly grp: number;
}

interface Kept {
  reading: Reading | undefined;
  /** It was told that the stream cannot be read. */
  told: boolean;
  /** The highest id that was handed out here. */
  last: string | undefined;
  /** The reading before the group vanished. */
  before: Reading | undefined;
}

/** Knows the groups that a subscription reads, and keeps them in existence. */
export class GroupKeeper {
  private readonly kept: ReadonlyMap<string, Kept>;
  private readonly byGroup = new Map<number, Reading>();
  private restoring = false;

  constructor(private readonly options: GroupKeeperOptions) {
    const fresh = (): Kept => ({
      reading: undefined,
      told: false,
      last: undefined,
      before: undefined,
    });
    this.kept = new Map(options.names.map((name) => [name, fresh()]));
  }

  /** All streams that can be read. */
  get readings(): readonly Reading[] {
    return [...this.byGroup.values()];
  }

  of(grp: number): Reading | undefined {
    return this.byGroup.get(grp);
  }

  /** Some stream cannot be read. */
  get lacks(): boolean {
    return this.byGroup.size < this.kept.size;
  }

  /** @throws GroupNotFoundError, StreamNotFoundError where groups are not to be created */
  async open(): Promise<void> {
    await this.restore((error) => {
      throw error;
    });
  }

  /** Creates groups that have vanished, and finds those that are there again. */
  async look(): Promise<void> {
    if (this.restoring) return;
    this.restoring = true;
    try {
      await this.restore((error, stream) => this.tell(stream, error));
    } finally {
      this.restoring = false;
    }
  }

  /** The server knows no group of this number. */
  lost(grp: number): void {
    const reading = this.byGroup.get(grp);
    if (!reading) return;
    this.byGroup.delete(grp);
    const kept = this.kept.get(reading.stream)!;
    kept.before = reading;
    kept.reading = undefined;
  }

  /** An entry of the group was handed out. */
  handedOut(grp: number, id: string): void {
    const reading = this.byGroup.get(grp);
    if (reading) this.kept.get(reading.stream)!.last = id;
  }

  private async restore(onMissing: (error: Error, stream: string) => void): Promise<void> {
    const missing = [...this.kept].filter(([, { reading }]) => !reading).map(([name]) => name);
    if (missing.length === 0) return;
    const { database, streams, group } = this.options;
    const found = await findGroups(database, streams.prefix, missing, group);
    for (const [at, stream] of missing.entries()) {
      await this.restoreOne(stream, found[at]!, onMissing);
    }
  }

  private async restoreOne(
    stream: string,
    { number, grp, deleted }: FoundGroup,
    onMissing: (error: Error, stream: string) => void,
  ): Promise<void> {
    const { group, createGroup: create = true } = this.options;
    if (deleted) return this.tell(stream, new GroupNotFoundError(stream, group, 'deleted'));
    if (grp !== null && number !== null) return this.read({ stream, number, grp });
    if (create) return this.create(stream, number);
    onMissing(
      number === null ? new StreamNotFoundError(stream) : new GroupNotFoundError(stream, group),
      stream,
    );
  }

  private async create(stream: string, found: number | null): Promise<void> {
    const { group, streams, events } = this.options;
    const { before, last } = this.kept.get(stream)!;
    if (found === null) streams.forget([stream]);
    // Another stream of this name: none of its messages was handled.
    const isSame = before?.number === found;
    const startId = !before ? this.options.startId : isSame ? (last ?? this.options.startId) : '0';
    const created = await createGroup(this.options, { stream, group, startId, revived: false });
    if (created.word === 'deleted') {
      return this.tell(stream, new GroupNotFoundError(stream, group, 'deleted'));
    }
    const { number, grp } = created;
    this.read({ stream, number, grp });
    if (created.word === 'exists' || !before) return;
    events.emit('group-recreated', { stream, group, from: startId });
    if (isSame) return;
    events.emit('data-loss-suspected', { stream, group, after: '0', upTo: last ?? '0' });
  }

  private read(reading: Reading): void {
    const kept = this.kept.get(reading.stream)!;
    kept.reading = reading;
    kept.told = false;
    this.byGroup.set(reading.grp, reading);
  }

  private tell(stream: string, error: Error): void {
    const kept = this.kept.get(stream)!;
    if (kept.told) return;
    kept.told = true;
    kept.before = undefined;
    const { events, group, consumer } = this.options;
    events.emit('stream-unreadable', { stream, group, consumer, error });
  }
}
