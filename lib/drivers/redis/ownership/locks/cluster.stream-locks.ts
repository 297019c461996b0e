import { HELD_CONSUMER } from '../../../../ports/held-entries.js';
import type { Redis } from 'ioredis';
import type { Guard } from '../../../../core/guard.js';
import type { HeldStream, StreamPlace } from '../../../../core/held-stream.js';
import type {
  CompleteOutcome,
  StreamHandOverOutcome,
  HandOverTarget,
  TakeOutcome,
} from '../../../../ports/stream-locks.js';
import { claimInput } from './claim-input.script.js';
import { handInput } from './hand-input.script.js';
import { handLock } from './hand-lock.script.js';
import type { DataGroup } from './let-go-stream.script.js';
import { keepLock } from './keep-lock.script.js';
import { OwnInputs } from './own-inputs.js';
import { raiseToken } from './raise-token.script.js';
import { settleInput } from './settle-input.script.js';
import { isGroupMissing } from '../../errors/reply-errors.js';
import { RedisStreamLocks } from './redis.stream-locks.js';

/**
 * Stream locks on a cluster, where lock, inputs and token are on different nodes. The order of the
 * steps makes a missing step, after a crash, repeat work instead of losing it: a lock expires by
 * itself, and an input stays pending until the last step.
 */
export class ClusterStreamLocks extends RedisStreamLocks {
  private readonly ownInputs = new OwnInputs(this.options);

  override async holders(places: readonly StreamPlace[]): Promise<(string | undefined)[]> {
    return Promise.all(places.map((place) => this.holder(place)));
  }

  override async take(place: StreamPlace, ours: boolean): Promise<TakeOutcome> {
    const { commands, consumer, group, lease } = this.options;
    const { lock, inputs, fence, assignment } = this.keysOf(place);
    if (await this.isBusy(place, assignment)) return { word: 'busy' };
    const locked = await commands.run(
      'taking a stream',
      (client) => client.set(lock, consumer, 'PX', lease, 'NX'),
      lock,
    );
    if (locked !== 'OK') return { word: 'held' };
    const claiming = { inputs, consumer, group, id: place.id, ours };
    const claimed = await commands.run(
      'taking a stream',
      (client) => claimInput(client, claiming),
      inputs,
    );
    if (claimed === 'gone') {
      await this.drop(lock);
      return { word: 'gone' };
    }
    const raising = { fence, assignment, id: place.id };
    const token = await commands.run(
      'taking a stream',
      (client) => raiseToken(client, raising),
      fence,
    );
    return { word: 'taken', token: token! };
  }

  override async extend(held: readonly HeldStream[]): Promise<('held' | 'lost')[]> {
    if (held.length === 0) return [];
    this.keep(held);
    const ours = await this.ownInputs.pending();
    // Refreshes the inputs before the locks: when a lock expires, its input has been idle for at
    // least as long.
    const old = held.filter(({ id }) => (ours.get(id) ?? 0) * 2 >= this.options.lease);
    await this.ownInputs.keepYoung(old.map(({ id }) => id));
    return Promise.all(held.map((one) => this.extendOne(one, ours)));
  }

  override async completeWith(): Promise<undefined> {}

  /** Guards without lock and input: these may be on other nodes, and a script reaches one node. */
  override guards(held: HeldStream): Guard[] {
    return super.guards(held).slice(0, 1);
  }

  /** Hands over the lock first: until the input has moved, no other consumer acts on it. */
  override async handOver(
    held: HeldStream,
    target: HandOverTarget,
  ): Promise<StreamHandOverOutcome> {
    const { commands, keys, service, consumer, group, lease } = this.options;
    const { lock, inputs, fence, assignment } = this.keysOf(held);
    const { id } = held;
    const raising = { fence, assignment, id, from: held.token };
    const action = 'handing a stream over';
    const token = await commands.run(action, (client) => raiseToken(client, raising), fence);
    const { consumer: to } = target;
    if (token === undefined) return 'lost';
    const giveLock = (client: Redis) => handLock(client, { lock, consumer, to, lease });
    if ((await commands.run(action, giveLock, lock)) === 'lost') return 'lost';
    const [members, handed] = [keys.members(service), keys.handedInputs(service)];
    const handing = { inputs, members, handed, consumer, group, id, token, target };
    const word = await commands.run(action, (client) => handInput(client, handing), inputs);
    if (word === 'settled') return word;
    // The old token settles nothing any more, so any consumer may take the stream.
    const giving = { inputs, consumer, group, id, complete: false };
    await commands.run(action, (client) => settleInput(client, giving), inputs);
    await commands.run(action, (client) => keepLock(client, { lock, consumer: to, ms: 1 }), lock);
    return word === 'stale' ? 'settled' : word;
  }

  /** Programs that know no tokens may own the stream now: it must not be taken from them. */
  override async confirm(held: HeldStream): Promise<boolean> {
    return (await this.holder(held)) === this.options.consumer;
  }

  protected override async letGo(
    held: HeldStream,
    complete: boolean,
    reading?: DataGroup,
  ): Promise<CompleteOutcome> {
    const { commands, consumer, group } = this.options;
    const { lock, inputs, fence, assignment } = this.keysOf(held);
    const holder = await this.holder(held);
    const others = holder !== undefined && holder !== consumer;
    if (others || (await this.tokenOf(fence)) !== held.token) {
      return (await this.ownInputs.isPending(held.id)) ? 'lost' : 'gone';
    }
    if (reading && (await this.othersHave(reading))) return 'unsettled';
    const noOwner = { fence, assignment, from: held.token };
    const raise = (): Promise<unknown> =>
      commands.run('ending an ownership', (client) => raiseToken(client, noOwner), fence);
    // Raises the token first: a stream that is given back must not be settled any more, and a
    // finished one not begun again.
    if (!complete) await raise();
    const settling = { inputs, consumer, group, id: held.id, complete };
    const word = await commands.run(
      'ending an ownership',
      (client) => settleInput(client, settling),
      inputs,
    );
    if (complete) await raise();
    await this.drop(lock);
    return word;
  }

  private async othersHave({ key, group }: DataGroup): Promise<boolean> {
    const { commands, consumer } = this.options;
    try {
      const [, , , rows] = (await commands.run(
        'looking at a stream',
        (client) => client.xpending(key, group),
        key,
      )) as [number, string | null, string | null, [string, string][] | null];
      return (rows ?? []).some(([name]) => name !== consumer && name !== HELD_CONSUMER);
    } catch (error) {
      if (isGroupMissing((error as Error).cause ?? error)) return false;
      throw error;
    }
  }

  private async extendOne(
    { stream, id, token }: HeldStream,
    ours: ReadonlyMap<string, number>,
  ): Promise<'held' | 'lost'> {
    const { commands, keys, consumer, lease } = this.options;
    if (!ours.has(id) || (await this.tokenOf(keys.fence(stream))) !== token) return 'lost';
    const lock = keys.lock(stream, id);
    const word = await commands.run(
      'extending locks',
      (client) => keepLock(client, { lock, consumer, ms: lease, anew: true }),
      lock,
    );
    return word === 'kept' ? 'held' : 'lost';
  }

  private async isBusy({ stream, id }: StreamPlace, assignment: string): Promise<boolean> {
    const other = await this.options.commands.run(
      'taking a stream',
      (client) => client.get(assignment),
      assignment,
    );
    if (other === null || other === id) return false;
    return (await this.holder({ stream, id: other })) !== undefined;
  }

  private async holder({ stream, id }: StreamPlace): Promise<string | undefined> {
    const { commands, keys } = this.options;
    const lock = keys.lock(stream, id);
    return (
      (await commands.run('looking at locks', (client) => client.get(lock), lock)) ?? undefined
    );
  }

  private async tokenOf(fence: string): Promise<number> {
    const { commands } = this.options;
    return Number(await commands.run('looking at a token', (client) => client.get(fence), fence));
  }

  /**
   * Lets the lock expire at once: the server tells waiting consumers of an expiry, but not of a
   * deletion.
   */
  private async drop(lock: string): Promise<void> {
    const { commands, consumer } = this.options;
    await commands.run(
      'unlocking a stream',
      (client) => keepLock(client, { lock, consumer, ms: 1 }),
      lock,
    );
  }
}
