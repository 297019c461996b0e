import type { EventBus } from '../../core/events.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import type { ReadKey } from './redis.lease.js';
import { ensureGroup, type EnsureGroupReply } from './scripts/ensure-group.script.js';

export interface GroupKeeperOptions {
  readonly commands: Connection;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly group: string;
  readonly startId: string;
}

/** Keeps the group in being, and knows where it would have to resume. */
export class GroupKeeper {
  private readonly floors = new Map<string, string>();
  private readonly seen = new Set<string>();

  constructor(private readonly options: GroupKeeperOptions) {}

  note(source: ReadKey, floor: string): void {
    this.floors.set(source.key, floor);
  }

  /** Creates the group where it is missing. @throws WrongKeyTypeError and other typed errors */
  async ensure(source: ReadKey): Promise<void> {
    const { commands, keys, group, startId } = this.options;
    const names = {
      key: source.key,
      floor: keys.floor(source.stream),
      group,
      startId,
      knownFloor: this.floors.get(source.key) ?? '',
    };
    const reply = await commands.run(
      `creating group ${group}`,
      (client) => ensureGroup(client, names),
      source.key,
    );
    if (reply.word !== 'exists' && this.seen.has(source.key)) this.report(source, reply);
    this.seen.add(source.key);
  }

  private report({ stream }: ReadKey, reply: EnsureGroupReply): void {
    const { events, group } = this.options;
    events.emit('group-recreated', { stream, group, from: reply.position });
    if (reply.word !== 'replayed') return;
    events.emit('data-loss-suspected', { stream, group, after: '0', upTo: reply.lastDelivered });
  }
}
