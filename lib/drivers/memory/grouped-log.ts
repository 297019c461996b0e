import { ConsumerGroup } from './consumer-group.js';
import { EntryLog } from './entry-log.js';

/** A log and the groups that read it. */
export class GroupedLog {
  readonly entries: EntryLog;
  private readonly groups = new Map<string, ConsumerGroup>();

  /** @param history entries that every group has settled, and that are kept for groups to come */
  constructor(history: number) {
    this.entries = new EntryLog(history);
  }

  get groupCount(): number {
    return this.groups.size;
  }

  /** The group of this name; where there is none, a new one that begins behind `startId`. */
  group(name: string, startId: string): ConsumerGroup {
    let group = this.groups.get(name);
    if (!group) {
      group = new ConsumerGroup(this.entries, this.entries.positionBehind(startId));
      this.entries.keepFor(group);
      this.groups.set(name, group);
    }
    return group;
  }
}
