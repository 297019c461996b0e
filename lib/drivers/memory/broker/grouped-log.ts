import { ConsumerGroup } from './consumer-group.js';
import { EntryLog } from './entry-log.js';

/** A log and the groups that read it. */
export class GroupedLog {
  readonly entries: EntryLog;
  /** Includes deleted groups. */
  private readonly known = new Map<string, ConsumerGroup>();

  /** @param history entries that every group has settled and that are kept for later groups */
  constructor(history: number) {
    this.entries = new EntryLog(history);
  }

  get groups(): (readonly [name: string, group: ConsumerGroup])[] {
    return [...this.known].filter(([, group]) => !group.deleted);
  }

  /** As on Redis: an entry was published, or a group was created. */
  get exists(): boolean {
    return this.entries.end > 0 || this.known.size > 0;
  }

  find(name: string): ConsumerGroup | undefined {
    const group = this.known.get(name);
    return group?.deleted ? undefined : group;
  }

  /** Whether there is, or was, a group of this name. */
  knows(name: string): boolean {
    return this.known.has(name);
  }

  /**
   * Returns the group of this name, deleted or not. Creates one that begins behind `startId` where
   * there never was one.
   */
  group(name: string, startId: string): ConsumerGroup {
    let group = this.known.get(name);
    if (!group) {
      group = new ConsumerGroup(this.entries, startId);
      this.entries.keepFor(group);
      this.known.set(name, group);
    }
    return group;
  }

  /** Creates a group on purpose, also where one of this name was deleted. */
  create(name: string, startId: string): boolean {
    if (this.find(name)) return false;
    const group = this.group(name, startId);
    group.deleted = false;
    group.moveTo(startId);
    return true;
  }
}
