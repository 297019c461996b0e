import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { ensureGroup, type EnsureGroupReply } from './ensure-group.script.js';
import { DELETED } from '../scripting/group-record.js';

export interface GroupKeeperOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly group: string;
  readonly startId: string;
  readonly createGroup?: boolean;
}

/** Keeps the group in existence, and knows the position at which to restore it. */
export class GroupKeeper {
  private readonly floors = new Map<string, string>();
  private readonly seen = new Set<string>();

  constructor(private readonly options: GroupKeeperOptions) {}

  /** Remembers a floor, and notices where the server has lost entries since the floor before. */
  note(source: ReadKey, floor: string): void {
    const before = parseFloor(this.floors.get(source.key));
    const now = parseFloor(floor);
    this.floors.set(source.key, floor);
    if (!before || !now || now.added >= before.added) return;
    const { events, group } = this.options;
    const range = { after: now.lastDelivered, upTo: before.lastDelivered };
    events.emit('data-loss-suspected', { stream: source.stream, group, ...range });
  }

  /**
   * Creates the group where it is missing.
   * @throws GroupNotFoundError where the group was deleted on request, or is not to be created;
   * StreamNotFoundError where the stream is missing too; WrongKeyTypeError and other typed errors
   */
  async ensure(source: ReadKey): Promise<void> {
    const { commands, keys, group, startId, createGroup = true } = this.options;
    const names = {
      key: source.key,
      floor: keys.floor(source.stream),
      group,
      startId,
      create: createGroup,
      knownFloor: this.floors.get(source.key) ?? '',
    };
    const reply = await commands.run(
      `creating group ${group}`,
      (client) => ensureGroup(client, names),
      source.key,
    );
    if (reply.word === 'deleted') {
      // This process remembers the deletion too, since the server may lose all its data.
      this.floors.set(source.key, DELETED);
      throw new GroupNotFoundError(source.stream, group, 'deleted');
    }
    if (reply.word === 'missing') throw new GroupNotFoundError(source.stream, group);
    if (reply.word === 'absent') throw new StreamNotFoundError(source.stream);
    const hadBefore = reply.lastDelivered !== '' || this.seen.has(source.key);
    this.seen.add(source.key);
    if (reply.word === 'exists') return;
    // The old floor says nothing of a group that begins anew.
    this.floors.delete(source.key);
    if (hadBefore) this.report(source, reply);
  }

  /**
   * Restores a lost group of the redrive stream. The redrive itself creates the stream. @returns
   * whether there is something to read
   */
  async ensureRedriven({ key }: ReadKey): Promise<boolean> {
    const { commands, group } = this.options;
    return commands.run(
      `creating group ${group}`,
      async (client) => {
        if ((await client.exists(key)) === 0) return false;
        await client.xgroup('CREATE', key, group, '0').catch(() => undefined);
        return true;
      },
      key,
    );
  }

  private report({ stream }: ReadKey, reply: EnsureGroupReply): void {
    const { events, group } = this.options;
    events.emit('group-recreated', { stream, group, from: reply.position });
    if (reply.word !== 'replayed') return;
    events.emit('data-loss-suspected', { stream, group, after: '0', upTo: reply.lastDelivered });
  }
}

/** Parses a floor, see ensure-group. */
function parseFloor(
  floor: string | undefined,
): { lastDelivered: string; added: number } | undefined {
  const [, lastDelivered, added] = floor?.split(' ') ?? [];
  return lastDelivered === undefined ? undefined : { lastDelivered, added: Number(added) };
}
