import { ClosedError, type Clock } from 'nestjs-redis-streams/driver';
import { join } from 'node:path';
import type { Change } from './changes.js';
import { Contents, type ContentsOptions } from './contents.js';
import { DirectoryLock } from './directory.lock.js';
import { Journal } from './journal.js';
import { SoleReaders } from './sole.readers.js';

export interface StoreOptions extends ContentsOptions {
  readonly sync: boolean;
}

/**
 * What a server would be. A method is done when it returns, and nothing else runs meanwhile: so
 * each of them is one atomic step.
 *
 *     lock                  names the process that has the directory
 *     streams/orders.jsonl  the entries of a stream
 *     journal.jsonl         groups, dead letters and state: a line for each step
 */
export class Store {
  readonly clock: Clock;
  readonly contents: Contents;
  private readonly lock: DirectoryLock;
  private readonly journal: Journal;
  readonly soleReaders = new SoleReaders();
  /** Pulls that wait for an entry. */
  readonly waiting = new Set<() => void>();
  /** Files with lines that the disk may not have. */
  private readonly unsynced = new Set<{ sync(): void }>();
  /** Why nothing can be stored any more, until the directory is opened again. */
  private failed: Error | undefined;

  /** @throws DirectoryInUseError, DamagedFileError */
  constructor(private readonly options: StoreOptions) {
    this.clock = options.clock;
    this.lock = new DirectoryLock(options.directory);
    try {
      this.contents = new Contents(options);
      this.journal = new Journal({
        path: join(options.directory, 'journal.jsonl'),
        onRepaired: options.onRepaired,
        snapshot: () => this.contents.changes(),
      });
      this.journal.replay((change) => this.contents.apply(change));
    } catch (error) {
      this.lock.release();
      throw error;
    }
  }

  /** Publishes an entry, and nothing else. Returns its id. */
  append(stream: string, fields: readonly string[]): number {
    if (this.failed) throw this.failed;
    const log = this.contents.stream(stream);
    const entry = { id: log.lastId + 1, publishedAt: this.clock.wallTime(), fields };
    log.append(entry);
    this.unsynced.add(log);
    return entry.id;
  }

  // #region commit
  /**
   * Carries out changes in one step. Once the journal has their line they happen, also where the
   * process dies right after that: the next process carries out all lines again.
   */
  commit(changes: readonly Change[]): void {
    if (this.failed) throw this.failed;
    this.journal.append(changes);
    this.unsynced.add(this.journal);
    this.orFail(() => {
      // After a power failure no entry may be in its stream without the step that published it.
      if (changes.some((change) => change.do === 'publish')) this.flush();
      for (const change of changes) this.contents.apply(change);
      if (this.journal.isLong) this.compact();
    });
  }

  /** With `sync`: returns when the disk has everything. */
  flush(): void {
    this.orFail(() => {
      if (this.options.sync) for (const file of this.unsynced) file.sync();
      this.unsynced.clear();
    });
  }
  // #endregion

  /** Wakes pulls: there may be an entry for them. */
  wake(): void {
    for (const wake of this.waiting) wake();
  }

  close(): void {
    this.failed ??= new ClosedError('The file driver');
    this.journal.close();
    this.contents.close();
    this.lock.release();
  }

  /** The new journal does not have what was published with settlements: the streams must. */
  private compact(): void {
    this.contents.syncStreams();
    this.journal.compact();
    this.unsynced.clear();
  }

  /** After an error in between, memory and files differ: only opening the directory again helps. */
  private orFail(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.failed = error as Error;
      throw error;
    }
  }
}
