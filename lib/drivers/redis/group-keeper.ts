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

  /** Remembers a floor, and notices where the server went back behind the last one. */
  note(source: ReadKey, floor: string): void {
    const [before, now] = [this.floors.get(source.key), floor].map(lastDelivered);
    this.floors.set(source.key, floor);
    if (before === undefined || now === undefined || !isLess(now, before)) return;
    const { events, group } = this.options;
    events.emit('data-loss-suspected', { stream: source.stream, group, after: now, upTo: before });
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
    const hadBefore = reply.lastDelivered !== '' || this.seen.has(source.key);
    this.seen.add(source.key);
    if (reply.word === 'exists') return;
    // What was delivered before is no measure of a group that begins anew.
    this.floors.delete(source.key);
    if (hadBefore) this.report(source, reply);
  }

  private report({ stream }: ReadKey, reply: EnsureGroupReply): void {
    const { events, group } = this.options;
    events.emit('group-recreated', { stream, group, from: reply.position });
    if (reply.word !== 'replayed') return;
    events.emit('data-loss-suspected', { stream, group, after: '0', upTo: reply.lastDelivered });
  }
}

/** The second word of a floor, see ensure-group. */
const lastDelivered = (floor: string | undefined): string | undefined => floor?.split(' ')[1];

function isLess(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs < bMs || (aMs === bMs && aSeq < bSeq);
}
