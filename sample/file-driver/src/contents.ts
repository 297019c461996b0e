import type { Clock } from 'nestjs-redis-streams/driver';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './changes.js';
import { Group } from './group.js';
import { Keys } from './keys.js';
import { Letters } from './letters.js';
import { StreamLog } from './stream.log.js';
import { fileNameOf, streamOf } from './stream.names.js';

/** Where streams are kept, and who is told of a file that had to be repaired. */
export interface ContentsOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Called where a file ended in an unfinished line of so many bytes, which was cut off. */
  readonly onRepaired: (path: string, bytes: number) => void;
}

/** All that is stored. Only `apply` changes it, but for plain publications. */
export class Contents {
  readonly letters = new Letters();
  readonly keys: Keys;
  private readonly streams = new Map<string, StreamLog>();
  private readonly groups = new Map<string, Group>();
  private readonly folder: string;

  /** @throws DamagedFileError */
  constructor(private readonly options: ContentsOptions) {
    this.keys = new Keys(options.clock);
    this.folder = join(options.directory, 'streams');
    mkdirSync(this.folder, { recursive: true });
    for (const file of readdirSync(this.folder)) {
      const stream = streamOf(file);
      if (stream !== undefined) this.stream(stream);
    }
  }

  stream(name: string): StreamLog {
    const known = this.streams.get(name);
    if (known) return known;
    const log = new StreamLog(join(this.folder, fileNameOf(name)), this.options.onRepaired);
    this.streams.set(name, log);
    return log;
  }

  group(stream: string, group: string): Group {
    const id = JSON.stringify([stream, group]);
    const known = this.groups.get(id);
    if (known) return known;
    const made = new Group(this.stream(stream), { stream, group });
    this.groups.set(id, made);
    return made;
  }

  // #region apply
  apply(change: Change): void {
    switch (change.do) {
      case 'read':
      case 'runs':
      case 'settle':
        return this.group(change.stream, change.group).apply(change);
      case 'publish':
        return this.stream(change.stream).appendOnce(change.entry);
      case 'bury':
        return this.letters.add(change.stream, change.letter);
      case 'unbury':
        return this.letters.delete(change.stream, change.deadLetterId);
      case 'letters':
        return this.letters.reserve(change.last);
      case 'set':
        return this.keys.set(change);
      case 'unset':
        return this.keys.unset(change.key);
    }
  }
  // #endregion

  /** The changes that make all this, but for the streams. */
  *changes(): Iterable<Change> {
    for (const group of this.groups.values()) yield* group.changes();
    yield* this.letters.changes();
    yield* this.keys.changes();
  }

  syncStreams(): void {
    for (const log of this.streams.values()) log.sync();
  }

  close(): void {
    for (const log of this.streams.values()) log.close();
  }
}
