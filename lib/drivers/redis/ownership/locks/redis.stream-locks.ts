import { chunksOf } from '../../../../core/collections/chunks.js';
import { systemClock } from '../../../../core/clock.js';
import type { Redis } from 'ioredis';
import type { Guard } from '../../../../core/guard.js';
import type { HeldStream, StreamPlace } from '../../../../core/held-stream.js';
import type {
  CompleteOutcome,
  StreamHandOverOutcome,
  HandOverTarget,
  LetGoOutcome,
  StreamLocks,
  TakeOutcome,
} from '../../../../ports/stream-locks.js';
import type { Commands } from '../../connection/commands.js';
import type { Keys } from '../../keys/keys.js';
import { extendStreams, STREAMS_AT_ONCE } from './extend-streams.script.js';
import { handOverStream } from './hand-over-stream.script.js';
import { letGoStream, type DataGroup } from './let-go-stream.script.js';
import { TOKEN_IS_KNOWN_FOR } from './stream-token.js';
import { takeStream, type StreamKeys } from './take-stream.script.js';

/** Maximum of locks that one command asks about. */
const ASKED_AT_ONCE = 500;
/** Interval at which the expiry of an ownership's keys is put off, in milliseconds. */
const KEPT_EVERY = 3_600_000;

export interface RedisLocksOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly service: string;
  readonly group: string;
  readonly consumer: string;
  readonly lease: number;
}

/** Stream locks on a single server, where each step of an ownership is one script. */
export class RedisStreamLocks implements StreamLocks {
  private keptAt = systemClock.now();

  constructor(protected readonly options: RedisLocksOptions) {}

  async holders(places: readonly StreamPlace[]): Promise<(string | undefined)[]> {
    const { commands, keys } = this.options;
    const locks = places.map(({ stream, id }) => keys.lock(stream, id));
    const found = await Promise.all(
      chunksOf(locks, ASKED_AT_ONCE).map((some) =>
        commands.run('looking at locks', (client) => client.mget(some), some[0]!),
      ),
    );
    return found.flat().map((holder) => holder ?? undefined);
  }

  take(place: StreamPlace, ours: boolean): Promise<TakeOutcome> {
    const { commands, consumer, group, lease } = this.options;
    const keys = this.keysOf(place);
    const taking = { keys, consumer, group, id: place.id, lease, ours };
    return commands.run('taking a stream', (client) => takeStream(client, taking), keys.lock);
  }

  async extend(held: readonly HeldStream[]): Promise<('held' | 'lost')[]> {
    const { commands, keys, service, consumer, group, lease } = this.options;
    const inputs = keys.inputs(service);
    this.keep(held);
    const words = await Promise.all(
      chunksOf(held, STREAMS_AT_ONCE).map((some) => {
        const streams = some.map(({ stream, id, token }) => ({
          lock: keys.lock(stream, id),
          fence: keys.fence(stream),
          id,
          token,
        }));
        const extending = { inputs, consumer, group, lease, streams };
        return commands.run(
          'extending locks',
          (client) => extendStreams(client, extending),
          inputs,
        );
      }),
    );
    return words.flat();
  }

  complete(held: HeldStream, group?: string): Promise<CompleteOutcome> {
    const key = this.options.keys.stream(held.stream);
    return this.letGo(held, true, group === undefined ? undefined : { key, group });
  }

  release(held: HeldStream): Promise<LetGoOutcome> {
    return this.letGo(held, false) as Promise<LetGoOutcome>;
  }

  handOver(held: HeldStream, target: HandOverTarget): Promise<StreamHandOverOutcome> {
    const { commands, keys: names, service, consumer, group, lease } = this.options;
    const { id, token } = held;
    const keys = this.keysOf(held);
    const [members, handed] = [names.members(service), names.handedInputs(service)];
    const handing = { keys, members, handed, consumer, group, id, token, lease, target };
    return commands.run(
      'handing a stream over',
      (client) => handOverStream(client, handing),
      keys.lock,
    );
  }

  /** Whether this consumer still owns the stream. Called where the guards do not say so. */
  confirm(_held: HeldStream): Promise<boolean> {
    return Promise.resolve(true);
  }

  /**
   * Completes a stream together with the acknowledgement of its last entry.
   * @returns undefined where that takes two steps
   */
  async completeWith(
    client: Redis,
    held: HeldStream,
    reading: DataGroup,
  ): Promise<CompleteOutcome | undefined> {
    const { consumer, group } = this.options;
    const going = { keys: this.keysOf(held), consumer, group, id: held.id, token: held.token };
    return letGoStream(client, { ...going, complete: true, reading });
  }

  guards({ stream, id, token }: HeldStream): Guard[] {
    const { keys, service, group, consumer } = this.options;
    return [
      { key: keys.fence(stream), value: String(token) },
      { key: keys.lock(stream, id), value: consumer },
      // Programs that know no tokens may have acknowledged the input, and announced the stream
      // anew.
      { key: keys.inputs(service), value: consumer, pending: { group, id } },
    ];
  }

  protected letGo(
    held: HeldStream,
    complete: boolean,
    reading?: DataGroup,
  ): Promise<CompleteOutcome> {
    const { commands, consumer, group } = this.options;
    const keys = this.keysOf(held);
    const going = { keys, consumer, group, id: held.id, token: held.token, complete, reading };
    const action = complete ? 'completing a stream' : 'giving a stream back';
    return commands.run(action, (client) => letGoStream(client, going), keys.lock);
  }

  /**
   * Puts off the expiry of the keys. They expire by themselves, since another program that does not
   * know them may end the ownership.
   */
  protected keep(held: readonly HeldStream[]): void {
    const now = systemClock.now();
    if (now - this.keptAt < KEPT_EVERY) return;
    this.keptAt = now;
    // A failure is ignored: the next time is early enough.
    void Promise.allSettled(held.map((one) => this.keepOne(this.keysOf(one))));
  }

  private keepOne({ fence, assignment }: StreamKeys): Promise<unknown> {
    return this.options.commands.run(
      'keeping a token',
      (client) =>
        Promise.all([fence, assignment].map((key) => client.pexpire(key, TOKEN_IS_KNOWN_FOR))),
      fence,
    );
  }

  protected keysOf({ stream, id }: StreamPlace): StreamKeys {
    const { keys, service } = this.options;
    return {
      lock: keys.lock(stream, id),
      inputs: keys.inputs(service),
      fence: keys.fence(stream),
      assignment: keys.assignment(stream),
    };
  }
}
